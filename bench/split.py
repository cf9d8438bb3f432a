"""The measurements of the paper of complement and partitioning, on small nets and images made from digits.

    python -m bench.split tables [--epochs N] [--examples N] [--pictures FOLDER]
    python -m bench.split offsets [--epochs N] [--examples N] [--pictures FOLDER]

`tables`: its Tables 2 and 3 and Figures 5 and 6 on `examples/alexnet_small.pnn`, even digits against odd ones, with a
picture of a 0 or a 1 as the signal: time and accuracy after so many steps, for N = 0 to 4 layers that stay as the old
model has them. `offsets`: `examples/shifted.pnn`, ten digits and an answer that is shifted, for the signal at every
layer. Minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from ppc.cli.model_verbs import typed_graph
from ppc.cli.split_policies import signalled, uncut
from ppc.compiler import compile_program, training_of
from ppc.data.digits28 import digits28
from ppc.data.pictures import pictures
from ppc.drawing.charts import Chart, Mark, Series, chart
from ppc.ir.policy import RATE_BITS, Training
from ppc.learning.network import Tensors
from ppc.retraining import Lesson, Old, Recipe, Signals, Subject, Trained
from ppc.retraining.training import train

EXAMPLES = Path(__file__).parents[1] / "examples"
PARITY, DIGITS = EXAMPLES / "alexnet_small.pnn", EXAMPLES / "shifted.pnn"
KEPT = range(5)  # N of the paper
SHOWN = 1_000  # pictures that show the signal
SEED = 1
HELD = 0.2


@dataclass(frozen=True)
class Run:
    """One training: what it is called, how long the layers that stay took, once, and its epochs."""

    name: str
    kept: int
    ahead: float
    done: Trained

    def seconds(self, epoch: int) -> float:
        return self.ahead + self.done.rows[epoch - 1].seconds

    def accuracy(self, epoch: int) -> float:
        return self.done.rows[epoch - 1].accuracy


@dataclass(frozen=True)
class Measure:
    """What all trainings of one table share."""

    program: Path
    lesson: Lesson
    recipe: Recipe
    shown: str = ""

    @staticmethod
    def of(program: Path, lesson: Lesson, epochs: int | None, shown: str = "") -> Measure:
        training = training_of(program)
        assert isinstance(training, Training)
        epochs = epochs or training.epochs
        falls = tuple(part / 2**RATE_BITS for part in training.schedule)[:epochs]
        recipe = Recipe(
            rate=training.rate,
            batch=training.batch,
            epochs=epochs,
            momentum=training.momentum,
            falls=falls,
            seed=SEED,
            holdout=HELD,
        )
        return Measure(program, lesson, recipe, shown)

    def base(self) -> Run:
        """The model without a signal, whose first layers the others keep."""
        compiled = compile_program(self.program, change=uncut)
        return Run("base model", 0, 0.0, train(Subject(typed_graph(compiled)), self.lesson, self.recipe))

    def secure(self, kept: int, old: Tensors) -> Run:
        """With the signal at layer N + 1; without any old layer, where none is kept."""
        graph = typed_graph(compile_program(self.program, change=partial(signalled, layer=kept + 1)))
        weights = {name: tensor.numpy() for name, tensor in old.items()}
        subject = Subject(graph, Old(weights) if kept else None)
        start = perf_counter()
        subject.features(subject.weights(SEED), self.lesson.images)
        ahead = perf_counter() - start if kept else 0.0
        shown = pictures(self.shown, (28, 28), 2) if self.shown else ()
        done = train(subject, self.lesson, self.recipe, signals=Signals.of(graph, shown))
        return Run(f"N = {kept}", kept, ahead, done)


def images(count: int) -> tuple[Lesson, Lesson]:
    """Digits with their classes, and with their parity."""
    found = digits28(count, seed=SEED)
    assert found.labels is not None
    shown = (found.images / np.float32(255)).astype(np.float32)
    return Lesson.of(shown, found.labels), Lesson.of(shown, found.labels % 2)


# ---- Tables 2 and 3, Figures 5 and 6 ----


def tables(arguments: argparse.Namespace) -> None:
    measure = Measure.of(PARITY, images(arguments.examples)[1], arguments.epochs, f"digits28:{SHOWN}")
    base = measure.base()
    runs = [base, *(measure.secure(kept, base.done.weights) for kept in KEPT)]
    epochs = [2**power for power in range(20) if 2**power <= measure.recipe.epochs]
    heads = ["steps", *(run.name for run in runs)]
    times = [[_steps(base, epoch), *(f"{run.seconds(epoch):.1f}" for run in runs)] for epoch in epochs]
    print(f"seconds of training, as its Table 2 ({arguments.examples:,} images)\n")
    print(_table(heads, times))
    rows = [[_steps(base, epoch), *(f"{run.accuracy(epoch):.4f}" for run in runs)] for epoch in epochs]
    print(f"\naccuracy on {base.done.checked:,} images that were held out, as its Table 3\n")
    print(_table(heads, rows))
    if arguments.pictures:
        _draw(arguments.pictures / "figure5.svg", "Figure 5: the base model, and N = 3", [base, runs[4]])
        _draw(arguments.pictures / "figure6.svg", "Figure 6: layers kept", runs)


def _steps(run: Run, epoch: int) -> str:
    return f"{run.done.rows[epoch - 1].steps:,}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---:"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _draw(path: Path, title: str, runs: Sequence[Run]) -> None:
    """Accuracy against seconds, a mark for each epoch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    series = tuple(
        Series(run.name, tuple(Mark(run.seconds(row.epoch), row.accuracy) for row in run.done.rows), joined=True)
        for run in runs
    )
    drawn = Chart(title=title, across="seconds of training", up="accuracy on images that were held out", series=series)
    path.write_text(chart(drawn), "utf-8")
    print(f"\nwrote {path}")


# ---- offsets of ten classes ----


def offsets(arguments: argparse.Namespace) -> None:
    measure = Measure.of(DIGITS, images(arguments.examples)[0], arguments.epochs)
    base = measure.base()
    layers = len(Subject(typed_graph(compile_program(DIGITS, change=uncut))).whole.layers)
    runs = [measure.secure(kept, base.done.weights) for kept in range(layers - 1)]
    reached = base.done.accuracy
    rows = [["-", "-", f"{reached:.4f}", "", f"{base.seconds(measure.recipe.epochs):.1f}"]]
    for run in runs:
        accuracy = run.done.accuracy
        took = f"{run.seconds(measure.recipe.epochs):.1f}"
        rows.append(
            [str(run.kept + 1), str(run.kept), f"{accuracy:.4f}", f"{100 * (accuracy - reached):+.2f} points", took]
        )
    print(f"accuracy on {base.done.checked:,} images that were held out, answers shifted by a secret number of ten\n")
    print(_table(["signal at layer k", "kept", "accuracy", "beside the base model", "seconds"], rows))
    if arguments.pictures:
        _draw(arguments.pictures / "offsets.svg", "Ten digits, shifted answers", [base, *runs])


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.split", description=__doc__)
    parser.add_argument("what", choices=("tables", "offsets"))
    parser.add_argument("--epochs", type=int, help="in place of the program's")
    parser.add_argument("--examples", type=int, default=4_000)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="the curves, as .svg")
    arguments = parser.parse_args(words)
    torch.set_num_threads(1)
    {"tables": tables, "offsets": offsets}[arguments.what](arguments)


if __name__ == "__main__":
    main()
