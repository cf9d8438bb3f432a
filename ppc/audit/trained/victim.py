"""What is attacked: a network and its weights, what it has learned from, and other examples of the same kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ppc.ir.graph import Graph
from ppc.ir.policy import Training
from ppc.learning import Network, batches
from ppc.learning.network import Tensors, as_tensors
from ppc.weights.expected import Weights

Loss = Callable[[Tensor, Tensor], Tensor]
Rows = tuple[NDArray[Any], NDArray[Any]]  # inputs and the numbers of their classes
AT_ONCE = 128


@dataclass(frozen=True, kw_only=True)
class Victim:
    """`seen` were learned from, `held` were not. Labels are whole numbers. Rate, batch and epochs are the program's."""

    graph: Graph
    weights: Tensors
    seen: Tensor
    seen_labels: Tensor
    held: Tensor
    held_labels: Tensor
    rate: float
    batch: int
    epochs: int
    momentum: float = 0.0

    @staticmethod
    def of(graph: Graph, weights: Weights, training: Training, *, seen: Rows, held: Rows) -> Victim:
        """As files have it."""
        (images, labels), (others, answers) = (_tensors(rows) for rows in (seen, held))
        return Victim(
            graph=graph,
            weights=as_tensors(weights),
            seen=images,
            seen_labels=labels,
            held=others,
            held_labels=answers,
            rate=training.rate,
            batch=training.batch,
            epochs=training.epochs,
            momentum=training.momentum,
        )

    @property
    def network(self) -> Network:
        return Network(self.graph)

    def answers(self, images: Tensor, weights: Tensors | None = None) -> Tensor:
        return self.network.answers(self.weights if weights is None else weights, images)

    def fitted(self, images: Tensor, targets: Tensor, seed: int, *, steps: int, loss: Loss) -> Tensors:
        """Weights of the same network, drawn anew and fitted to targets."""
        network = self.network
        weights = {name: one.requires_grad_() for name, one in network.initial(seed).items()}
        rule = torch.optim.Adam([weights[name] for name in network.learned], lr=3e-3)
        for step in range(steps):
            at = _turn(len(images), step, seed)
            rule.zero_grad()
            loss(network.forward(weights, {network.data: images[at]}), targets[at]).backward()
            rule.step()
        return {name: one.detach() for name, one in weights.items()}

    def repeated(self, seed: int) -> tuple[Tensors, Tensors]:
        """A training as the program says, in the clear: the weights before it and behind it."""
        network = self.network
        weights = {name: one.requires_grad_() for name, one in network.initial(seed).items()}
        first = {name: one.detach().clone() for name, one in weights.items()}
        rule = torch.optim.SGD([weights[name] for name in network.learned], lr=self.rate, momentum=self.momentum)
        for epoch in range(self.epochs):
            for at in batches(len(self.seen), self.batch, seed=seed, epoch=epoch):
                rule.zero_grad()
                found = network.forward(weights, {network.data: self.seen[at]})
                functional.cross_entropy(found, self.seen_labels[at]).backward()
                rule.step()
        return first, {name: one.detach() for name, one in weights.items()}


def _tensors(rows: Rows) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(np.asarray(rows[0], np.float32)), torch.from_numpy(np.asarray(rows[1], np.int64))


def _turn(count: int, step: int, seed: int) -> Tensor:
    epoch, turn = divmod(step, -(-count // AT_ONCE))
    return next(at for number, at in enumerate(batches(count, AT_ONCE, seed=seed, epoch=epoch)) if number == turn)
