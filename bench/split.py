"""The measurements of the paper of complement and partitioning, on small nets and images made from digits.

    python -m bench.split tables|offsets [--seeds N] [--on test|validation] [--epochs N] [--pictures FOLDER]

`tables`: its Tables 2 and 3 and Figures 5 and 6 on `examples/alexnet_small.pnn`, even digits against odd ones, with a
picture of a 0 or a 1 as the signal: time and accuracy after so many steps, for N = 0 to 4 layers that stay as the old
model has them. `offsets`: `examples/shifted.pnn`, ten digits and an answer that is shifted, for the signal at every
layer. Everything is trained once for each seed, and means are shown. Accuracy is that on images made from digits of
which none is learned from; on `validation` it is that on a fifth of the images for training, by which the settings of
the programs were chosen. Ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
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
from ppc.learning import coins
from ppc.learning.network import Tensors
from ppc.retraining import Lesson, Old, Recipe, Signals, State, Subject, Trained
from ppc.retraining.training import accuracy, train

EXAMPLES = Path(__file__).parents[1] / "examples"
PARITY, DIGITS = EXAMPLES / "alexnet_small.pnn", EXAMPLES / "shifted.pnn"
KEPT = range(5)  # N of the paper
SHOWN = 1_000  # pictures that show the signal
TESTED = 1_000  # images that accuracy is measured on
SEED = 1
HELD = 0.2


@dataclass(frozen=True)
class Run:
    """One training: how long the layers that stay took, once, its epochs, and the accuracy after each of them."""

    name: str
    kept: int
    ahead: float
    done: Trained
    reached: Sequence[float]

    def seconds(self, epoch: int) -> float:
        return self.ahead + self.done.rows[epoch - 1].seconds

    def accuracy(self, epoch: int) -> float:
        return self.reached[epoch - 1]


@dataclass(frozen=True)
class Mean:
    """The same training with several seeds."""

    runs: Sequence[Run]

    @property
    def name(self) -> str:
        return self.runs[0].name

    @property
    def epochs(self) -> int:
        return len(self.runs[0].reached)

    def steps(self, epoch: int) -> int:
        return self.runs[0].done.rows[epoch - 1].steps

    def seconds(self, epoch: int) -> float:
        return fmean(run.seconds(epoch) for run in self.runs)

    def accuracy(self, epoch: int) -> float:
        return fmean(run.accuracy(epoch) for run in self.runs)


@dataclass(frozen=True)
class Measure:
    """What all trainings of one table share. Without `tested`, accuracy is that on images held out."""

    program: Path
    lesson: Lesson
    tested: Lesson | None
    recipe: Recipe
    shown: str = ""

    @staticmethod
    def of(
        program: Path, lesson: Lesson, *, tested: Lesson | None, epochs: int | None = None, shown: str = ""
    ) -> Measure:
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
            holdout=HELD,
        )
        return Measure(program, lesson, tested, recipe, shown)

    @property
    def checked(self) -> int:
        """On how many images accuracy is measured."""
        return round(len(self.lesson.labels) * HELD) if self.tested is None else len(self.tested.labels)

    def means(self, kept: Sequence[int], seeds: int) -> list[Mean]:
        """The base model, and that with a signal behind so many layers, of the seeds from 1 on."""
        trained: list[list[Run]] = []
        for seed in range(1, seeds + 1):
            measure = replace(self, recipe=replace(self.recipe, seed=seed))
            base = measure.base()
            trained.append([base, *(measure.secure(count, base.done.weights) for count in kept)])
        return [Mean(runs) for runs in zip(*trained, strict=True)]

    def base(self) -> Run:
        """The model without a signal, whose first layers the others keep."""
        compiled = compile_program(self.program, change=uncut)
        return self._run("base model", 0, 0.0, Subject(typed_graph(compiled), law="he"), None)

    def secure(self, kept: int, old: Tensors) -> Run:
        """With the signal at layer N + 1; without any old layer, where none is kept."""
        graph = typed_graph(compile_program(self.program, change=partial(signalled, layer=kept + 1)))
        weights = {name: tensor.numpy() for name, tensor in old.items()}
        subject = Subject(graph, Old(weights) if kept else None, law="he")
        start = perf_counter()
        subject.features(subject.weights(self.recipe.seed), self.lesson.images)
        ahead = perf_counter() - start if kept else 0.0
        shown = pictures(self.shown, (28, 28), 2) if self.shown else ()
        return self._run(f"N = {kept}", kept, ahead, subject, Signals.of(graph, shown))

    def _run(self, name: str, kept: int, ahead: float, subject: Subject, signals: Signals | None) -> Run:
        tested = self.tested
        if tested is None:
            done = train(subject, self.lesson, self.recipe, signals=signals)
            return Run(name, kept, ahead, done, [row.accuracy for row in done.rows])
        reached: list[float] = []

        def keep(state: State) -> None:
            """After an epoch: what a client has right."""
            if state.step:
                return
            features = subject.features(state.weights, tested.images)
            drawn = coins(self.recipe.seed, len(reached))
            reached.append(accuracy(subject, state.weights, features, tested.labels, signals, drawn))

        done = train(subject, self.lesson, self.recipe, signals=signals, keep=keep)
        return Run(name, kept, ahead, done, reached)


def images(count: int, part: str = "train", *, parity: bool = False) -> Lesson:
    """Digits with their classes, or with their parity."""
    found = digits28(count, seed=SEED, part=part)
    assert found.labels is not None
    shown = (found.images / np.float32(255)).astype(np.float32)
    return Lesson.of(shown, found.labels % 2 if parity else found.labels)


def measure_of(arguments: argparse.Namespace, program: Path, *, parity: bool, shown: str = "") -> Measure:
    tested = images(TESTED, "test", parity=parity) if arguments.on == "test" else None
    lesson = images(arguments.examples, parity=parity)
    return Measure.of(program, lesson, tested=tested, epochs=arguments.epochs, shown=shown)


# ---- Tables 2 and 3, Figures 5 and 6 ----


def tables(arguments: argparse.Namespace) -> None:
    measure = measure_of(arguments, PARITY, parity=True, shown=f"digits28:{SHOWN}")
    runs = measure.means(KEPT, arguments.seeds)
    last = measure.recipe.epochs
    epochs = [*(2**power for power in range(20) if 2**power < last), last]
    heads = ["steps", *(run.name for run in runs)]
    times = [[f"{runs[0].steps(epoch):,}", *(f"{run.seconds(epoch):.1f}" for run in runs)] for epoch in epochs]
    print(f"seconds of training, as its Table 2 ({arguments.examples:,} images)\n")
    print(_table(heads, times))
    rows = [[f"{runs[0].steps(epoch):,}", *(f"{run.accuracy(epoch):.4f}" for run in runs)] for epoch in epochs]
    print(f"\naccuracy on {measure.checked:,} images that nothing was learned from, as its Table 3\n")
    print(_table(heads, rows))
    if arguments.pictures:
        _draw(arguments.pictures / "figure5.svg", "Figure 5: the base model, and N = 3", [runs[0], runs[4]])
        _draw(arguments.pictures / "figure6.svg", "Figure 6: layers kept", runs)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---:"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _draw(path: Path, title: str, runs: Sequence[Mean]) -> None:
    """Accuracy against seconds, a mark for each epoch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    series = tuple(
        Series(run.name, tuple(Mark(run.seconds(e), run.accuracy(e)) for e in range(1, run.epochs + 1)), joined=True)
        for run in runs
    )
    drawn = Chart(title=title, across="seconds of training", up="accuracy on other images", series=series)
    path.write_text(chart(drawn), "utf-8")
    print(f"\nwrote {path}")


# ---- offsets of ten classes ----


def offsets(arguments: argparse.Namespace) -> None:
    measure = measure_of(arguments, DIGITS, parity=False)
    layers = len(Subject(typed_graph(compile_program(DIGITS, change=uncut))).whole.layers)
    base, *runs = measure.means(range(layers - 1), arguments.seeds)
    last = measure.recipe.epochs
    reached = base.accuracy(last)
    rows = [["-", "-", f"{reached:.4f}", "", f"{base.seconds(last):.1f}"]]
    for kept, run in enumerate(runs):
        right = run.accuracy(last)
        took = f"{run.seconds(last):.1f}"
        rows.append([str(kept + 1), str(kept), f"{right:.4f}", f"{100 * (right - reached):+.2f} points", took])
    print(
        f"accuracy on {measure.checked:,} images that nothing was learned from, answers shifted by one of ten numbers\n"
    )
    print(_table(["signal at layer k", "kept", "accuracy", "beside the base model", "seconds"], rows))
    if arguments.pictures:
        _draw(arguments.pictures / "offsets.svg", "Ten digits, shifted answers", [base, *runs])


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.split", description=__doc__)
    parser.add_argument("what", choices=("tables", "offsets"))
    parser.add_argument("--seeds", type=int, default=3, help="how often everything is trained (%(default)s)")
    parser.add_argument("--on", choices=("test", "validation"), default="test")
    parser.add_argument("--epochs", type=int, help="in place of the program's")
    parser.add_argument("--examples", type=int, default=4_000)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="the curves, as .svg")
    arguments = parser.parse_args(words)
    torch.set_num_threads(1)
    {"tables": tables, "offsets": offsets}[arguments.what](arguments)


if __name__ == "__main__":
    main()
