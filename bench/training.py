"""Private training measured, part by part: what `docs/training.md` says, each figure by one of these commands.

    python -m bench.training accuracy [--json FILE] [--picture FILE.svg] [--seeds N] [NAME …]
    python -m bench.training ratios [--turns N]             # float : in the field : private, an iteration
    python -m bench.training peers --crypten PYTHON         # beside CrypTen training the same nets
    python -m bench.training epoch [--images N]             # 60,000 generated images, the shallow net
    python -m bench.training tables                         # values and bytes at -O0, -O1, -O2: Tables 6 and 7
    python -m bench.training far [--steps N]                # three machines, 40 ms and 100 Mb/s between them
    python -m bench.training transfer                       # public convolutions, private dense layers

Each takes `--json FILE`; `epoch` and `far` predict with `--machine FILE` of `ppc calibrate -o`, else with this one.

`accuracy` goes on with the rows that its file has.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from bench import training_accuracy, training_epoch, training_tables, training_times, training_transfer
from bench.peer_runs import before_others
from bench.peer_tables import show


def accuracy(options: argparse.Namespace) -> None:
    rows = training_accuracy.load(options.json) if options.json else []
    for row in training_accuracy.measured(options.names, options.seeds, rows, together=options.together):
        rows.append(row)
        print(f"{row.course}, seed {row.seed}: private {row.private[-1]:.4f}, float {row.float32[-1]:.4f}", flush=True)
        if options.json:
            training_accuracy.save(rows, options.json)
    if options.picture:
        training_accuracy.draw(rows, options.picture)
    print("\n".join(training_accuracy.table(rows)))


def ratios(options: argparse.Namespace) -> None:
    found = training_times.ratios(options.turns, options.steps)
    _ends(training_times.told(found), found, options.json)


def peers(options: argparse.Namespace) -> None:
    if options.crypten is None:
        raise SystemExit("`--crypten PYTHON` names the interpreter that has CrypTen (bench/peers/setup)")
    rows = training_times.beside(options)
    _ends([show(rows)], [asdict(row) for row in rows], options.json)


def epoch(options: argparse.Namespace) -> None:
    found = training_epoch.epoch(options.images, options.machine)
    _ends(training_epoch.told(found), asdict(found), options.json)


def far(options: argparse.Namespace) -> None:
    found = training_epoch.far(options.steps, options.machine)
    _ends(training_epoch.told(found), asdict(found), options.json)


def transfer(options: argparse.Namespace) -> None:
    found = training_transfer.transfer(seed=1)
    _ends(training_transfer.told(found), asdict(found), options.json)


def tables(options: argparse.Namespace) -> None:
    found = [training_tables.measured(net, level) for net in training_tables.PAPER for level in training_tables.LEVELS]
    _ends(training_tables.told(found), [asdict(one) for one in found], options.json)


def _ends(lines: Iterable[str], facts: object, path: Path | None) -> None:
    print("\n".join(lines))
    if path is not None:
        path.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


PARTS = {
    "accuracy": accuracy,
    "ratios": ratios,
    "peers": peers,
    "epoch": epoch,
    "far": far,
    "tables": tables,
    "transfer": transfer,
}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of accuracy: these nets only")
    parser.add_argument("--json", type=Path, help="rows for a machine")
    parser.add_argument("--picture", type=Path, help="of accuracy: the curves")
    parser.add_argument("--seeds", type=int, default=3, help="of accuracy: so many at most (3)")
    parser.add_argument(
        "--together", type=int, default=1, help="of accuracy: seeds with three processes; others at one party (1)"
    )
    parser.add_argument("--turns", type=int, default=3, help="of ratios and peers: of each system (3)")
    parser.add_argument("--steps", type=int, default=8, help="iterations that are timed in a turn (8)")
    parser.add_argument("--crypten", type=Path, metavar="PYTHON", help="of peers: the interpreter that has it")
    parser.add_argument("--images", type=int, default=training_epoch.WHOLE, help="of epoch (60,000)")
    parser.add_argument("--machine", type=Path, help="of `ppc calibrate -o`, to predict with")
    return parser.parse_args()


def main() -> int:
    options = parsed()
    if options.part != "accuracy":
        print(f"{os.cpu_count()} cores; {'before' if before_others() else 'beside'} what else runs here", flush=True)
    PARTS[options.part](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
