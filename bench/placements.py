"""One trained model in three places, each run by processes of this machine: time, bytes, and what each party learns.

    python -m bench.placements [--weights FILE] [--examples N] [--rounds N] [--json FILE]

`examples/placements.pnn` has a private block for each place. Without `--weights` the model is trained first, on digits:
an old model without a signal, and with its first layer the one whose answer the customer's secret number shifts.
Seconds are those in which the parties compute and wait for each other, the best of all rounds; that processes start is
not in them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "examples" / "placements.pnn"
PLACES = {
    "apart": "split at 2, the rest in the clear at the provider",
    "joined": "split at 2, the rest on shares",
    "together": "everything on shares",
}
LEARNS = 1_500  # digits that the model is trained on


@dataclass(frozen=True, kw_only=True)
class Row:
    """One placement."""

    place: str
    seconds: float
    sent: tuple[int, int]
    dealt: int
    rounds: int
    right: float
    learned: dict[str, list[str]]


def ppc(*words: object) -> dict[str, Any]:
    """What a command says as JSON."""
    line = [sys.executable, "-P", "-m", "ppc", *map(str, words), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(line, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stderr}")
    return json.loads(done.stdout)


def trained(folder: Path) -> Path:
    """An old model, and from it the one that all three places run."""
    old, new = folder / "old.safetensors", folder / "new.safetensors"
    data = ("--data", f"digits:{LEARNS},part=train")
    ppc("train", PROGRAM, "--as", "before", *data, "-o", old)
    ppc("train", PROGRAM, "--as", "apart", *data, "--weights", old, "-o", new)
    return new


def measured(place: str, weights: Path, examples: int, rounds: int) -> Row:
    """The best of some runs on digits that nothing was trained on."""
    data = f"digits:{examples},part=test"
    runs = [
        ppc("run", PROGRAM, "--as", place, "--weights", weights, "--input", data, "--batch", min(examples, 32))
        for _ in range(rounds)
    ]
    best = min(runs, key=lambda run: run["seconds"])
    assert best["measured"] == best["predicted"]
    return Row(
        place=place,
        seconds=best["seconds"],
        sent=tuple(best["measured"]["sent"]),
        dealt=sum(best["measured"]["dealt"]),
        rounds=best["measured"]["rounds"],
        right=share_right(best["result"], examples),
        learned=best["learned"],
    )


def share_right(answers: Sequence[Sequence[float]], examples: int) -> float:
    from ppc.data.sources import examples as load

    found = load(f"digits:{examples},part=test").labels
    assert found is not None
    own = [max(range(len(row)), key=row.__getitem__) for row in answers]
    return sum(one == int(label) for one, label in zip(own, found, strict=True)) / examples


def shown(rows: Sequence[Row], examples: int) -> str:
    heads = ("place", "seconds", "customer sends", "provider sends", "dealer sends", "rounds", "right")
    lines = [f"{examples} digits", "", f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * 6]
    for row in rows:
        sizes = (f"{size:,} B" for size in (*row.sent, row.dealt))
        cells = (row.place, f"{row.seconds:.3f}", *sizes, str(row.rounds), f"{row.right:.4f}")
        lines.append(f"| {' | '.join(cells)} |")
    for row in rows:
        lines += ["", f"{row.place}: {PLACES[row.place]}"]
        for party, learned in row.learned.items():
            lines += [f"  {party} learns", *(f"    {one}" for one in learned or ["nothing"])]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.placements", description=__doc__)
    parser.add_argument("--weights", type=Path, help="of the model with its signal; else it is trained")
    parser.add_argument("--examples", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        weights = arguments.weights or trained(Path(folder))
        rows = [measured(place, weights, arguments.examples, arguments.rounds) for place in PLACES]
    print(shown(rows, arguments.examples))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
