"""The toy of `examples/toy.pnn`, trained and attacked by commands: every cut in the clear, and the rest on shares.

    python -m bench.split_toy [--folder FOLDER]

The folder, if one is named, keeps the bundles, the weights and the examples, for attacks of one's own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "examples" / "toy.pnn"
EXAMPLES = 3_000


def facts(count: int, seed: int = 7) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two groups that overlap a little, along one of twelve hidden directions."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(2, size=count)
    hidden = draws.normal(size=(count, 12))
    hidden[:, 0] += 2.4 * (2 * labels - 1)
    mixing = np.random.default_rng(1).normal(size=(12, 36)) / 3.5
    values = hidden @ mixing + 0.15 * draws.normal(size=(count, 36))
    return np.clip(0.5 + 0.22 * values, 0.0, 1.0).astype(np.float32), labels


def ppc(folder: Path, *words: object) -> str:
    line = [sys.executable, "-P", "-m", "ppc", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stderr}")
    return done.stdout


def attacked(folder: Path) -> None:
    """Each cut, and what each attack says of it."""
    data, more = folder / "facts.npz", folder / "more.npz"
    for path, seed in ((data, 7), (more, 8)):
        rows, labels = facts(EXAMPLES, seed)
        np.savez(path, facts=rows, labels=labels)
    weights = ("--weights", folder / "toy.safetensors")
    print(ppc(folder, "train", PROGRAM, "--data", data, "--seed", 1, "-o", weights[1], "-q"), end="")
    for name, text in programs().items():
        path = folder / f"{name}.pnn"
        path.write_text(text, "utf-8")
        as_ = ("--as", "joined" if name == "shares" else "toy")
        ppc(folder, "compile", path, *as_, *weights, "-o", f"{name}/", "--batch", 100)
        print(f"\n{name}")
        print(ppc(folder, "audit", name, *weights, "--data", more, "--known", 1_000, "--judged", 500), end="")


def programs() -> dict[str, str]:
    """The toy cut at each layer, and on shares."""
    text = PROGRAM.read_text("utf-8")
    cuts = {f"cut{k}": text.replace("split at 1\n", f"split at {k}\n", 1) for k in (1, 2, 3)}
    return {**cuts, "shares": text}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.split_toy", description=__doc__)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        home = arguments.folder.resolve() if arguments.folder else Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        attacked(home)


if __name__ == "__main__":
    main()
