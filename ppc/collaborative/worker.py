"""A worker: its own data, its own model, the loss of each of its batches, and its votes.

Every example of an epoch weighs the same: the step of a last batch that is not whole is as much shorter as it has fewer
examples. With a whole step a last batch of one would move the weights eight times as far for its example as a batch of
eight does, right before they are measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.errors import fail
from ppc.ir.collaborative import Collaborative
from ppc.learning import Network, batches, dropping, loss_of
from ppc.learning.network import Tensors


@dataclass
class Worker:
    """A step is taken in two halves: the loss is known before the sum of all of them is."""

    number: int
    facts: Collaborative
    network: Network
    images: Tensor
    labels: Tensor
    weights: Tensors
    seed: int = 0
    taken: int = field(default=0, init=False)  # batches
    waiting: Iterator[Tensor] = field(default=iter(()), init=False)
    gradients: tuple[Tensor, ...] = field(default=(), init=False)
    loss: float = field(default=0.0, init=False)
    weight: float = field(default=1.0, init=False)  # of the batch's step: how much of a whole batch it is

    def __post_init__(self) -> None:
        self.weights = {name: tensor.clone() for name, tensor in self.weights.items()}

    @property
    def rounds(self) -> int:
        """Batches of an epoch."""
        return -(-len(self.labels) // self.facts.batch)

    @property
    def training(self) -> str:
        """What tells trainings apart whose losses have nothing to do with each other: seed, and labels of the data."""
        said = f"{self.seed}|".encode() + self.labels.contiguous().numpy().tobytes()
        return sha256(said).hexdigest()[:32]

    def ahead(self) -> float:
        """The loss of the next batch, with its gradients kept for the second half."""
        if self.taken % self.rounds == 0:
            self.waiting = self._epoch(self.taken // self.rounds + 1)
        self.taken += 1
        places = next(self.waiting)
        self.weight = len(places) / min(self.facts.batch, len(self.labels))
        learned = [self.weights[name].detach().requires_grad_() for name in self.network.learned]
        weights = {**self.weights, **dict(zip(self.network.learned, learned, strict=True))}
        with dropping(self.seed, self.number, self.taken):
            result = self.network.forward(weights, {self.network.data: self.images[places]}, training=True)
        loss = loss_of(self.facts.loss, result, self.labels[places])
        self.gradients = torch.autograd.grad(loss, learned)
        self.loss = float(loss.detach())
        return self.loss

    def go_on(self, weights: Tensors, taken: int) -> None:
        """With these weights, after so many batches."""
        self.weights, self.taken = weights, taken
        self.waiting = self._epoch(taken // self.rounds + 1)
        for _ in range(taken % self.rounds):
            next(self.waiting)

    def _epoch(self, number: int) -> Iterator[Tensor]:
        seed = self.seed * 10_007 + self.number
        return batches(len(self.labels), self.facts.batch, seed=seed, epoch=number)

    def step(self, mean: float | None) -> None:
        """The update; `mean` is that of all losses, and nothing where none was opened.

        The sum of losses depends on this worker's weights through its own loss alone: its gradient is that of the own
        loss, and the mean's is a K-th of it."""
        rate = self.facts.rate * self.weight
        if self.facts.reduce == "mean":
            rate /= self.facts.workers
        if self.facts.feedback == "ratio" and mean is not None:
            rate *= mean / max(self.loss, 2**-20)
        for name, gradient in zip(self.network.learned, self.gradients, strict=True):
            self.weights[name] = self.weights[name].detach() - rate * gradient

    def check_numbers(self) -> None:
        """Before a model is written: a step that was too wide makes it none."""
        if not all(bool(tensor.isfinite().all()) for tensor in self.weights.values()):
            message = "The weights of this model are no numbers any more: its training has diverged."
            raise fail("PPC682", message, hint="Use a smaller `rate`.")

    def votes(self, images: Tensor) -> NDArray[np.int64]:
        """One for its class, nothing for the others, of every example."""
        chosen = self.network.answers(self.weights, images).argmax(1).numpy()
        return np.eye(self.network.classes, dtype=np.int64)[chosen]

    def accuracy(self, images: Tensor, labels: Tensor) -> float:
        return self.network.accuracy(self.weights, images, labels)
