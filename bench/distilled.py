"""What distilled samples train, with their key and without it: the tables of docs/distilled.md.

    python -m bench.distilled learned|noise|photographs|lenet [--keys 3] [--on test|validation]
                                [--sheet FILE.svg] [--json FILE]

Each is a program of `examples/`, built by `ppc train` once for each of a few keys. On `test` everything of the training
part is learned from and the test part is measured on; on `validation` one fifth of the training part is held out for
that, and the test part is not looked at: there the settings of the programs were chosen. `--sheet` draws the samples of
the first key, each with the three largest numbers of its label.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copy
from statistics import fmean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from bench.photographs import patches
from ppc.cli import main
from ppc.distilled import Key, secret

EXAMPLES = Path(__file__).parent.parent / "examples"
PHOTOGRAPHS = "photographs.npz"


@dataclass(frozen=True)
class Case:
    """A program, what it learns from, and what it is measured on."""

    program: str
    data: str = "digits,part=train"
    test: str = "digits,part=test"


CASES = {
    "learned": Case("distilled"),
    "noise": Case("distilled_noise"),
    "photographs": Case("distilled_photographs"),
    "lenet": Case("distilled_lenet", "digits28:6000,seed=1,part=train", "digits28:2000,seed=1,part=test"),
}


def key_of(number: int) -> Key:
    """Of a measurement that can be repeated; nobody's secret."""
    return Key(sha256(f"a key of bench.distilled: {number}".encode()).digest())


def built(case: Case, number: int, folder: Path, *, on: str, sheet: Path | None) -> dict[str, Any]:
    """What `ppc train` says for one key."""
    key, package = folder / f"{number}.key", folder / "model.secdd"
    secret.write(key, key_of(number))
    words = ["train", str(folder / f"{case.program}.pnn"), "--data", case.data, "--key", str(key), "-o", str(package)]
    words += ["--test", case.test] if on == "test" else []
    words += ["--sheet", str(sheet)] if sheet is not None else []
    said, began = io.StringIO(), perf_counter()
    with redirect_stdout(said):
        code = main([*words, "--seed", str(number), "--json"])
    if not said.getvalue():
        raise SystemExit(code)
    return {**json.loads(said.getvalue()), "seconds": perf_counter() - began}


def measured(case: Case, keys: int, *, on: str, sheet: Path | None) -> Iterator[dict[str, Any]]:
    """Key after key."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        copy(EXAMPLES / f"{case.program}.pnn", folder)
        np.savez(folder / PHOTOGRAPHS, image=patches())
        for number in range(keys):
            yield built(case, number, folder, on=on, sheet=sheet if number == 0 else None)
            print(f"key {number + 1} of {keys}", file=sys.stderr, flush=True)


def table(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Means over keys; and the least and the most of all trials."""
    yield "| | mean | least | most | trials |"
    yield "| --- | --- | --- | --- | --- |"
    for rows in zip(*(one["rows"] for one in found), strict=True):
        values = [value for row in rows for value in row["values"]]
        cells = (fmean(row["mean"] for row in rows), min(values), max(values))
        yield f"| {rows[0]['what']} | {' | '.join(f'{cell:.3f}' for cell in cells)} | {len(values)} |"
    yield ""
    sizes = ", ".join(f"{one['bytes']:,}" for one in found)
    yield f"{sizes} bytes in place of {found[0]['original_bytes']:,}; the commonest class: {found[0]['chance']:.3f}"
    yield f"{fmean(one['seconds'] for one in found):.0f} s for each key, the lock included"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--keys", type=int, default=3)
    parser.add_argument("--on", choices=("test", "validation"), default="test")
    parser.add_argument("--sheet", type=Path, metavar="FILE.svg")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    told = list(measured(CASES[options.case], options.keys, on=options.on, sheet=options.sheet))
    if options.json is not None:
        options.json.write_text(json.dumps(told), encoding="utf-8")
    print("\n".join(table(told)))
