"""The same workloads with ppc, CrypTen and SPU, in turns on this machine: times, bytes, rounds, and their ratios.

    bench/peers/setup FOLDER                    # the peers, each in an environment of its own
    python -m bench.peers --crypten FOLDER/crypten/bin/python --spu FOLDER/spu/bin/python [--json FILE] [W1 W2 …]
    python -m bench.peers --show FILE …         # the tables again, from saved rows

Two parties are two processes on loopback, ours with TLS 1.3 and a dealer as a third process, all on the same cores.
What is timed and counted begins with masked (the peers: shared) inputs and ends with a masked result; sharing inputs
and revealing results have rows of their own, and weights are shared before. Systems take turns, medians are of all.

    online   what can be made before is made before: our corrections are at the server, CrypTen's triples are in its
             cache; SPU cannot (`not separable`)
    all-in   ours with the dealer at work, pass behind pass; the peers with the triples that they make meanwhile
    alone    ours, where the dealer begins when the clock starts: one request from nothing

W1 1024x1024 times 1024x1024, W1b 128x6272 times 6272x10, both truncated; W2, W3 the shallow and the deep net of the
paper with exact ReLU, W2p with a cubic; W4s, W4d an iteration of training them, batch 128; W5 ReLU, W6 sigmoid of 10^6.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.peer_plans import BY_NAME, WORKLOADS, Workload
from bench.peer_runs import before_others, carry_out, checked
from bench.peer_tables import Row, show

FOLDER = Path(__file__).parent / "peers"
OURS, CRYPTEN, SPU = "ppc", "CrypTen", "SPU SEMI2K"


def ours(workload: Workload, options: argparse.Namespace) -> dict[str, list[float]]:
    found = carry_out(workload, online=options.repeat, alone=2, stream=options.repeat + 3, threads=options.threads)
    dealt = [(end - start) / 1e9 for start, end in found.roles["dealer"]["spans"]["deal"]]
    times = {kind: found.seconds(kind) for kind in ("online", "alone", "stream")}
    return {"online": times["online"], "alone": times["alone"], "all-in": times["stream"], "dealing": dealt}


def peer(script: str, python: Path, workload: Workload, options: argparse.Namespace, *more: str) -> dict[str, Any]:
    command = [python, FOLDER / script, "--workload", workload.name, "--repeat", str(options.repeat), *more]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def in_turns(workload: Workload, options: argparse.Namespace) -> Iterator[Row]:
    """Every system in each round; then the medians."""
    times: dict[tuple[str, str], list[float]] = {}
    counted: dict[str, dict[str, Any]] = {OURS: checked(workload)}
    for _ in range(options.rounds):
        for metric, values in ours(workload, options).items():
            times.setdefault((OURS, metric), []).extend(values)
        if options.crypten:
            found = counted[CRYPTEN] = peer("run_crypten.py", options.crypten, workload, options)
            times.setdefault((CRYPTEN, "all-in"), []).extend(found["seconds"])
            found = peer("run_crypten.py", options.crypten, workload, options, "--cache")
            times.setdefault((CRYPTEN, "online"), []).extend(found["seconds"])
            times.setdefault((CRYPTEN, "dealing"), []).extend(found["offline"])
        if options.spu:
            found = counted[SPU] = peer("run_spu.py", options.spu, workload, options, "--limit", str(options.limit))
            times.setdefault((SPU, "all-in"), []).extend(found["seconds"])
    for system, facts in counted.items():
        yield from counts(workload.name, system, facts)
    for (system, metric), values in times.items():
        yield Row(workload=workload.name, system=system, metric=metric, value=median(values), unit="s")
        yield Row(workload=workload.name, system=system, metric=f"{metric}, fastest", value=min(values), unit="s")


def counts(workload: str, system: str, facts: dict[str, Any]) -> Iterator[Row]:
    units = {"bytes": "B", "rounds": "", "sharing_bytes": "B", "revealing_bytes": "B", "error": "", "loopback": "B"}
    for key, unit in units.items():
        if key in facts:
            metric = key.removesuffix("_bytes")
            yield Row(workload=workload, system=system, metric=metric, value=float(facts[key]), unit=unit)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="all, if none is named")
    parser.add_argument("--crypten", type=Path, help="the interpreter that has CrypTen")
    parser.add_argument("--spu", type=Path, help="the interpreter that has SPU")
    parser.add_argument("--json", type=Path, help="also write the rows to a file")
    parser.add_argument("--show", type=Path, nargs="+", default=[], help="run nothing: the tables of saved rows")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each system")
    parser.add_argument("--repeat", type=int, default=5, help="timed runs in a turn, behind those that warm up")
    parser.add_argument("--limit", type=float, default=15.0, help="seconds of a turn behind which SPU begins no run")
    parser.add_argument("--threads", type=int, default=1, help="of each of our roles")
    parser.add_argument(
        "--netns", action="store_true", help="in a network namespace of its own (root): nobody else's bytes"
    )
    return parser.parse_args()


def alone_on_loopback() -> int:
    """This command again, in a namespace whose loopback device nobody else uses."""
    again = [sys.executable, "-m", "bench.peers", *(argument for argument in sys.argv[1:] if argument != "--netns")]
    script = 'ip link set lo up && exec "$@"'
    return subprocess.call(["unshare", "--net", "bash", "-c", script, "bash", *again])


def main() -> int:
    options = parsed()
    if options.netns:
        return alone_on_loopback()
    rows = [Row(**row) for path in options.show for row in json.loads(path.read_text())]
    if not rows:
        first = before_others()
        print(f"{os.cpu_count()} cores; {'before' if first else 'beside'} what else runs here", flush=True)
        for name in options.workloads or [workload.name for workload in WORKLOADS]:
            found = list(in_turns(BY_NAME[name], options))
            rows += found
            print(show(found), flush=True)
            if options.json:
                options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    else:
        print(show(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
