"""The steps of a training, its early end, and what is told of it. Everything that is drawn follows from one seed.

A step draws nothing that depends on the steps before it but the weights: so a training that goes on from a checkpoint
does what it would have done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.errors import PpcError, fail
from ppc.ir.policy import Loss
from ppc.learning import batches, coins, dropping
from ppc.learning.losses import loss_of
from ppc.learning.network import Tensors
from ppc.retraining.labels import targets
from ppc.retraining.signals import Signals
from ppc.retraining.subject import Subject

SIGNALS, CHECKED, DROPPED = 1, 2, 3  # streams of coins
RATE_UNITS = 2.0**-16


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How it is trained: the train block, and what the command line adds."""

    loss: Loss = "softmax_cross_entropy"
    rate: float
    batch: int
    epochs: int = 1
    momentum: float = 0.0
    weight_decay: float = 0.0
    falls: tuple[float, ...] = ()  # the part of the rate that each epoch has; all of it, where nothing is said
    seed: int = 0
    shuffled: bool = True
    holdout: float = 0.2  # of the examples, to check by
    patience: int = 0  # epochs without a better accuracy after which it ends; 0: never

    def rate_in(self, epoch: int) -> float:
        return self.rate * (self.falls[epoch] if epoch < len(self.falls) else 1.0)


@dataclass(frozen=True)
class Lesson:
    """Data and labels, on which a model is trained and checked."""

    images: Tensor
    labels: Tensor

    @staticmethod
    def of(images: NDArray[Any], labels: NDArray[Any]) -> Lesson:
        return Lesson(torch.from_numpy(np.asarray(images, np.float32)), torch.from_numpy(np.asarray(labels, np.int64)))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One epoch: what it took, and how well it did."""

    epoch: int
    steps: int  # from the beginning
    seconds: float  # from the beginning, steps alone
    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class State:
    """Between two steps: the weights, the optimiser's momenta, the best weights so far, and where it is."""

    weights: Tensors
    momenta: Tensors = field(default_factory=dict[str, Tensor])
    best: Tensors = field(default_factory=dict[str, Tensor])
    rows: tuple[Row, ...] = ()
    epoch: int = 0
    step: int = 0  # in the epoch
    steps: int = 0
    seconds: float = 0.0
    losses: float = 0.0  # the sum of the epoch's losses


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The weights that did best, and every epoch."""

    weights: Tensors
    rows: tuple[Row, ...]
    accuracy: float
    checked: int  # on so many examples
    seconds: float
    stopped: bool  # before its last epoch


Keep = Callable[[State], None]
Say = Callable[[Row], None]


def begin(subject: Subject, seed: int) -> State:
    """Before the first step."""
    return State(weights=subject.weights(seed))


def train(
    subject: Subject,
    lesson: Lesson,
    recipe: Recipe,
    *,
    signals: Signals | None = None,
    state: State | None = None,
    keep: Keep | None = None,
    every: int = 100,
    say: Say | None = None,
) -> Trained:
    """All epochs, from `state` on; `keep` is given the state after every so many steps and every epoch."""
    room = _Room(subject, lesson, recipe, signals)
    state = state or begin(subject, recipe.seed)
    while state.epoch < recipe.epochs and not _tired(state.rows, recipe.patience):
        state = room.epoch(state, keep, every)
        if say is not None:
            say(state.rows[-1])
        if keep is not None:
            keep(state)
    best = max(state.rows, key=lambda row: row.accuracy)
    return Trained(
        weights={**state.weights, **state.best},
        rows=state.rows,
        accuracy=best.accuracy,
        checked=len(room.checked),
        seconds=state.seconds,
        stopped=state.epoch < recipe.epochs,
    )


def _tired(rows: tuple[Row, ...], patience: int) -> bool:
    """Whether the best epoch is so many epochs ago."""
    if not patience or not rows:
        return False
    best = max(range(len(rows)), key=lambda place: rows[place].accuracy)
    return len(rows) - 1 - best >= patience


def _diverged(state: State) -> PpcError:
    return fail(
        "PPC584",
        f"The training diverged in epoch {state.epoch + 1}, at step {state.steps:,}: its numbers are none any more.",
        hint="Take a smaller `rate`; no weights were written.",
    )


class _Room:
    """What a training has at hand for all of its steps."""

    def __init__(self, subject: Subject, lesson: Lesson, recipe: Recipe, signals: Signals | None) -> None:
        self.subject, self.recipe, self.signals = subject, recipe, signals
        self.labels = lesson.labels
        self.images = lesson.images
        order = torch.randperm(len(self.labels), generator=coins(recipe.seed, CHECKED))
        held = round(len(order) * recipe.holdout)
        if not 0 < held < len(order):
            raise fail("PPC582", "There are too few examples to train on some and check on others.", hint="Give more.")
        self.checked, self.learned = order[:held], order[held:]
        self.features: Tensor | None = None

    def epoch(self, state: State, keep: Keep | None, every: int) -> State:
        """The rest of an epoch, and its row."""
        features = self._features(state.weights)
        weights = {name: tensor.clone() for name, tensor in state.weights.items()}
        learned = [weights[name].requires_grad_() for name in self.subject.tail.learned]
        optimiser = self._optimiser(learned, state)
        size = self.recipe.batch
        places = batches(
            len(self.learned), size, seed=self.recipe.seed, epoch=state.epoch, shuffled=self.recipe.shuffled
        )
        for number, chosen in enumerate(places):
            if number < state.step:
                continue
            start = perf_counter()
            loss = self._step(features, weights, self.learned[chosen], state.epoch, number)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            state = replace(
                state,
                step=number + 1,
                steps=state.steps + 1,
                seconds=state.seconds + perf_counter() - start,
                losses=state.losses + float(loss.detach()),
            )
            if not isfinite(state.losses):
                raise _diverged(state)
            if keep is not None and state.steps % every == 0:
                keep(self._held(state, weights, optimiser))
        return self._closed(self._held(state, weights, optimiser), features)

    def _features(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Of all examples, once: the layers that make them never change."""
        if self.features is None:
            self.features = self.subject.features(weights, self.images)
        return self.features

    def _optimiser(self, learned: list[Tensor], state: State) -> torch.optim.SGD:
        recipe = self.recipe
        made = torch.optim.SGD(
            learned, lr=recipe.rate_in(state.epoch), momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
        for name, tensor in zip(self.subject.tail.learned, learned, strict=True):
            if name in state.momenta:
                made.state[tensor]["momentum_buffer"] = state.momenta[name].clone()
        return made

    def _step(self, features: Tensor, weights: Tensors, chosen: Tensor, epoch: int, number: int) -> Tensor:
        """The loss of one batch, with signals of its own."""
        place = (epoch, number)
        drawn = self.signals.drawn(len(chosen), coins(self.recipe.seed, SIGNALS, *place)) if self.signals else {}
        inputs = {self.subject.border: features[chosen], **drawn}
        with dropping(self.recipe.seed, DROPPED, *place):
            raw = self.subject.tail.forward(weights, inputs, training=True)
        return loss_of(self.recipe.loss, raw, self._targets(self.labels[chosen], drawn))

    def _targets(self, labels: Tensor, drawn: Tensors) -> Tensor:
        numbers = drawn[self.signals.number] if self.signals else None
        return targets(labels, numbers, self.subject.how, self.subject.classes)

    def _held(self, state: State, weights: Tensors, optimiser: torch.optim.SGD) -> State:
        """The state with what the optimiser has changed; nothing of it changes any more."""
        held = {name: tensor.detach().clone() for name, tensor in weights.items()}
        if not all(bool(tensor.isfinite().all()) for tensor in held.values()):
            raise _diverged(state)
        momenta = {
            name: optimiser.state[weights[name]]["momentum_buffer"].clone()
            for name in self.subject.tail.learned
            if optimiser.state[weights[name]].get("momentum_buffer") is not None
        }
        return replace(state, weights=held, momenta=momenta)

    def _closed(self, state: State, features: Tensor) -> State:
        """The epoch is over: how well the model does, and whether it never did better."""
        accuracy = self.accuracy(state.weights, features)
        row = Row(
            epoch=state.epoch + 1,
            steps=state.steps,
            seconds=state.seconds,
            loss=state.losses / state.step,
            accuracy=accuracy,
        )
        better = all(accuracy > old.accuracy for old in state.rows)
        return replace(
            state,
            rows=(*state.rows, row),
            best=state.weights if better else state.best,
            epoch=state.epoch + 1,
            step=0,
            losses=0.0,
        )

    def accuracy(self, weights: Tensors, features: Tensor) -> float:
        """Of the answers, taken back by their signals, on the examples to check by."""
        checked, generator = self.checked, coins(self.recipe.seed, CHECKED, CHECKED)
        return accuracy(self.subject, weights, features[checked], self.labels[checked], self.signals, generator)


def accuracy(
    subject: Subject,
    weights: Tensors,
    features: Tensor,
    labels: Tensor,
    signals: Signals | None,
    generator: torch.Generator,
) -> float:
    """The share of raw answers that are those of the new labels: what a client has right, once it takes them back."""
    drawn = signals.drawn(len(labels), generator) if signals else {}
    raw = subject.scores(weights, features, drawn)
    wanted = targets(labels, drawn[signals.number] if signals else None, subject.how, subject.classes)
    match subject.how:
        case "flip":
            right = (raw > 0.5) == (wanted > 0.5)
        case "negate":
            right = (raw > 0) == (wanted > 0)
        case _:
            right = raw.argmax(1) == wanted
    return float(right.double().mean())
