"""What both peers' scripts share: starting the parties, numbers of the machine, the arguments.

Runs in the peers' own environments, so it knows the standard library only, and nothing of ppc.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any

PARTIES = 2
CLIENT, SERVER = range(PARTIES)
ELEMENTS = 1_000_000
BATCH = 128


def arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", required=True, choices=["W1", "W1b", "W2", "W2p", "W3", "W4s", "W4d", "W5", "W6"])
    parser.add_argument("--repeat", type=int, default=3, help="timed runs, behind one that warms up")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds behind which no further run begins")
    parser.add_argument("--cache", action="store_true", help="CrypTen: make the triples before the clock starts")
    parser.add_argument("--rank", type=int, help="of a party; only the script itself says it")
    parser.add_argument("--folder", type=Path, help="that both parties see; only the script itself says it")
    return parser.parse_args()


def together(folder: Path, environment: dict[str, str], more: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Both parties as processes; what each printed as its result, in the order of their ranks."""
    command = [sys.executable, *sys.argv, "--folder", str(folder), *more]
    started = [
        subprocess.Popen(
            [*command, "--rank", str(rank)],
            env={**os.environ, **environment, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(PARTIES)
    ]
    said = ["" for _ in started]

    def listen(rank: int) -> None:
        said[rank] = started[rank].communicate()[0]
        if "RESULT " not in said[rank]:  # the other would wait for it
            for process in started:
                process.kill()

    threads = [Thread(target=listen, args=(rank,)) for rank in range(PARTIES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [_result(text) for text in said]
    for rank, result in enumerate(found):
        if result is None:
            sys.exit(f"party {rank} ended with {started[rank].returncode}:\n{said[rank][-3000:]}")
        result["said"] = said[rank]
    return [result for result in found if result is not None]


def _result(text: str) -> dict[str, Any] | None:
    line = next((line for line in text.splitlines() if line.startswith("RESULT ")), None)
    return None if line is None else json.loads(line.removeprefix("RESULT "))


def tell(result: dict[str, Any]) -> None:
    print("\nRESULT " + json.dumps(result), flush=True)


def loopback_bytes() -> int:
    """What this network namespace has sent over loopback, headers included."""
    line = next(line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[8])


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0
