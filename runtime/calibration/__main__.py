"""A measuring process: started by `together`, says what it found on its standard output."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ppc.field import MERSENNE61, MERSENNE127
from ppc.runtime import heap
from ppc.runtime.calibration.prices import jobs, prices
from ppc.runtime.calibration.wire import answer
from ppc.runtime.kernels import Workbench

FIELDS = (MERSENNE61, MERSENNE127)


def main() -> None:
    heap.keep()
    match sys.argv[1:]:
        case ["wire", folder, port]:
            answer(Path(folder), int(port))
        case _:
            _prices()


def _prices() -> None:
    for field in FIELDS:
        for job in jobs(field):
            job.act()  # compiled now
    _say("ready")
    if sys.stdin.readline():
        found = {field.words: prices(field) for field in FIELDS}
        _say(json.dumps({"variant": Workbench(MERSENNE61).variant, "fields": found}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
