"""Accuracy against the number of samples and of steps, with the key and without it: the curves of docs/distilled.md.

    python -m bench.distilled_curves [--keys 3] [--epochs 200] [--json FILE] [--draw docs/pictures/distilled_curves.svg]

The program is `examples/distilled.pnn` with other numbers, and fewer epochs; measured on the test part of the digits.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

from bench.distilled import EXAMPLES, key_of
from ppc.compiler import check, compile_program
from ppc.data import examples
from ppc.distilled import Target
from ppc.distilling import Data, Learner, Lock, Task
from ppc.ir.distilled import Distilled
from ppc.source import Source

SAMPLES = (1, 2, 5, 10, 20, 50)
STEPS = (1, 2, 3, 5, 8)
USUAL = {"samples": 10, "steps": 3}


@dataclass(frozen=True, kw_only=True)
class Point:
    """Means over a few keys."""

    against: str
    number: int
    images: str
    accuracy: float
    other_init: float


def program(epochs: int, images: str, **numbers: int) -> Source:
    """The example, with other numbers."""
    text = (EXAMPLES / "distilled.pnn").read_text("utf-8")
    for word, number in {**numbers, "epochs": epochs}.items():
        text = re.sub(rf"\n    {word} \d+", f"\n    {word} {number}", text)
    return Source("distilled.pnn", text.replace("images learned", f"images {images}"))


def data(part: str) -> Data:
    found = examples(f"digits,part={part}")
    assert found.labels is not None
    return Data.of(found.scaled(), np.eye(len(found.classes))[found.labels])


def trial(source: Source, number: int) -> tuple[float, float]:
    """With the key, and with others, for one key."""
    facts = check(source).resolved.lessons["digits"]
    assert isinstance(facts, Distilled)
    target = Target(compile_program(source).after("source"), facts.loss, facts.spread)
    learner = Learner(Task.of(facts, target, key_of(number), data("train"), brought=None, seed=number))
    while not learner.done:
        learner.epoch()
    found: dict[str, float] = {}
    for row in Lock(task=learner.task, learned=learner.samples(), test=data("test")).rows():
        found[row.measure] = row.mean
        if row.measure == "other_init":  # the rows behind it take longer
            break
    return found["accuracy"], found["other_init"]


def points(keys: int, epochs: int) -> Iterator[Point]:
    """Point after point."""
    for images in ("learned", "noise"):
        for against, numbers in (("samples", SAMPLES), ("steps", STEPS)):
            for number in numbers:
                usual = USUAL | ({"samples": 50} if images == "noise" else {})
                source = program(epochs, images, **{**usual, against: number})
                trials = [trial(source, key) for key in range(keys)]
                accuracy, others = (fmean(values) for values in zip(*trials, strict=True))
                yield Point(against=against, number=number, images=images, accuracy=accuracy, other_init=others)


def draw(found: Sequence[Point], path: Path) -> None:
    """Two panels: against samples, and against steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    panels: Any = figure.subplots(1, 2)
    for against, panel in zip(("samples", "steps"), panels, strict=True):
        for images, colour in (("learned", "#1f4e9c"), ("noise", "#b03030")):
            line = [point for point in found if (point.against, point.images) == (against, images)]
            numbers = [point.number for point in line]
            panel.plot(
                numbers, [point.accuracy for point in line], color=colour, marker="o", label=f"{images}, the key"
            )
            panel.plot(
                numbers, [point.other_init for point in line], color=colour, ls=":", label=f"{images}, other keys"
            )
        panel.set_xscale("log")
        ticks = SAMPLES if against == "samples" else STEPS
        panel.set_xticks(ticks, labels=map(str, ticks), minor=False)
        panel.set_xticks([], minor=True)
        panel.set_ylim(0, 1)
        panel.set_xlabel(against)
        panel.set_ylabel("accuracy")
        panel.legend(fontsize=7)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def show(found: Sequence[Point]) -> Iterator[str]:
    yield "| images | | accuracy | other keys |"
    yield "| --- | --- | --- | --- |"
    for point in found:
        yield f"| {point.images} | {point.number} {point.against} | {point.accuracy:.3f} | {point.other_init:.3f} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the numbers are kept, and read from if there")
    parser.add_argument("--draw", type=Path, metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.json is not None and options.json.exists():
        told = [Point(**one) for one in json.loads(options.json.read_text("utf-8"))]
    else:
        told = list(points(options.keys, options.epochs))
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(point) for point in told]), encoding="utf-8")
    if options.draw is not None:
        draw(told, options.draw)
    print("\n".join(show(told)))
