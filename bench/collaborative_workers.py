"""Workers of the collaborative paper in one process: who has what, how they learn, and what they are worth together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import TypedDict

import torch
from torch import Tensor

from ppc import compiler
from ppc.collaborative import Worker, train
from ppc.ir.collaborative import Collaborative
from ppc.learning import Network
from ppc.selective.members import labelled
from ppc.source import Source

PROGRAM = Path(__file__).parent.parent / "examples" / "collaborative.pnn"
Labelled = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The program of the example, for images of another size, with the data that it learns from and is measured on."""

    side: int
    data: str
    test: str
    epochs: int
    batch: int
    share: int = 0  # images of a worker; 0 is as many as there are for each

    @cached_property
    def source(self) -> Source:
        text = PROGRAM.read_text("utf-8").replace("real[1, 8, 8]", f"real[1, {self.side}, {self.side}]")
        return Source("collaborative.pnn", text)

    @cached_property
    def network(self) -> Network:
        return Network(compiler.compile_program(self.source).after("infer-shapes"))

    @cached_property
    def rows(self) -> Labelled:
        return labelled(Path(self.data), self.network)

    @cached_property
    def tests(self) -> Labelled:
        return labelled(Path(self.test), self.network)

    def facts(self, workers: int) -> Collaborative:
        found = compiler.training_of(self.source)
        assert isinstance(found, Collaborative)
        return replace(found, workers=workers, epochs=self.epochs, batch=self.batch)

    def each(self, workers: int) -> int:
        """How many images a worker has; nobody has one of another's."""
        return self.share or len(self.rows[1]) // workers

    def group(self, facts: Collaborative, seed: int) -> list[Worker]:
        """The images are dealt out anew by each seed, and every worker begins at weights of its own."""
        images, labels = self.rows
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
        each = self.each(facts.workers)
        own = [order[number * each : (number + 1) * each] for number in range(facts.workers)]
        firsts = [self.network.initial(1000 * seed + number) for number in range(facts.workers)]
        return [
            Worker(number, facts, self.network, images[places], labels[places], firsts[number], seed)
            for number, places in enumerate(own)
        ]


class Curves(TypedDict):
    """Accuracies after each epoch."""

    workers: list[list[float]]  # of each worker
    votes: list[float]  # of the class that most workers name
    mean: list[float]  # of the mean of what they hold for probable


def curves(setting: Setting, workers: int, seed: int) -> Curves:
    facts = setting.facts(workers)
    group = setting.group(facts, seed)
    found: Curves = {"workers": [[] for _ in group], "votes": [], "mean": []}
    for _ in epochs(facts, group):
        _measure(found, group, setting.tests)
    return found


def epochs(facts: Collaborative, group: Sequence[Worker]) -> Iterator[int]:
    """Round after round, the sum of the losses opened in each; after every epoch there is time to look."""
    last = max(worker.rounds for worker in group)
    for step in train(facts, group):
        if (step.number + 1) % last == 0:
            yield step.epoch


def _measure(found: Curves, group: Sequence[Worker], tests: Labelled) -> None:
    images, labels = tests
    answers = [worker.network.answers(worker.weights, images) for worker in group]
    for curve, answer in zip(found["workers"], answers, strict=True):
        curve.append(right(answer, labels))
    votes = torch.stack([torch.nn.functional.one_hot(answer.argmax(1), answer.shape[1]) for answer in answers])
    found["votes"].append(right(votes.sum(0), labels))
    found["mean"].append(right(torch.stack([answer.softmax(1) for answer in answers]).mean(0), labels))


def right(scores: Tensor, labels: Tensor) -> float:
    """The share of examples whose largest score is at their class."""
    return float((scores.argmax(1) == labels).double().mean())


def above_from(found: Curves, together: Sequence[float]) -> int | None:
    """The epoch from which on the aggregate is better than every worker, to the end."""
    best = [max(curve[place] for curve in found["workers"]) for place in range(len(together))]
    below = [place for place, (one, other) in enumerate(zip(together, best, strict=True)) if one <= other]
    first = below[-1] + 1 if below else 0
    return None if first == len(together) else first + 1


def ends(found: Curves) -> tuple[float, float]:
    """The mean and the best of the workers after the last epoch."""
    last = [curve[-1] for curve in found["workers"]]
    return fmean(last), max(last)
