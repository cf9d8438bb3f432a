"""A participant: its own data, its own copy of the weights, and what it sends of what it learned."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.coins import SystemCoins
from ppc.ir.selective import Clip, Selective
from ppc.learning import Layout, Network, batches, dropping, loss_of
from ppc.learning.network import Tensors
from ppc.selective.adding import encoded, public_places
from ppc.selective.budget import allowed_uploads
from ppc.selective.message import Sparse
from ppc.selective.noise import gaussian, sparse_vector
from ppc.selective.selection import selected


@dataclass
class Participant:
    """The number of a participant seeds its order of examples and its choice of coordinates."""

    number: int
    facts: Selective
    network: Network
    images: Tensor
    labels: Tensor
    weights: Tensors
    seed: int = 0
    exchanges: int = 0
    steps: int = 0
    uploads: int = 0  # that were ever sent, those before a training was taken up again included
    layout: Layout = field(init=False)
    epoch: tuple[int, list[Tensor]] = field(default=(0, []), init=False, repr=False)

    def __post_init__(self) -> None:
        self.layout = Layout.of(self.network)
        self.weights = {name: tensor.clone() for name, tensor in self.weights.items()}

    def exchange(self, download: Sparse) -> Sparse:
        """Overwrite with what the server hands out, learn, and choose what to send."""
        before = self.layout.vector(self.weights).detach()
        before[torch.from_numpy(download.indices.astype(np.int64))] = torch.from_numpy(download.values.copy())
        self.weights.update({name: view.clone() for name, view in self.layout.weights(before).items()})
        self.learn()
        update = (self.layout.vector(self.weights).detach() - before).numpy()
        return self.chosen(update, download.version)

    def learn(self) -> None:
        """The local epochs, or as many batches as lie between two exchanges."""
        for _ in range(self.steps_each):
            places = self.places()
            self.step(self.images[places], self.labels[places])
            self.steps += 1

    @cached_property
    def allowed(self) -> int | None:
        """Uploads that the budget pays for."""
        return allowed_uploads(self.facts)

    @property
    def spent(self) -> bool:
        return self.allowed is not None and self.uploads >= self.allowed

    @property
    def steps_each(self) -> int:
        """Between two exchanges."""
        return self.facts.exchange or self.facts.local_epochs * self.batches

    @property
    def batches(self) -> int:
        """Of an epoch."""
        return -(-len(self.labels) // self.facts.batch)

    def places(self) -> Tensor:
        """The next batch. The steps that were made tell which: nothing else has to be kept to go on."""
        number, place = divmod(self.steps, self.batches)
        if self.epoch[0] != number + 1:
            seed = self.seed * 10_007 + self.number
            drawn = batches(len(self.labels), self.facts.batch, seed=seed, epoch=number + 1)
            self.epoch = (number + 1, list(drawn))
        return self.epoch[1][place]

    def step(self, images: Tensor, labels: Tensor) -> None:
        """Plain stochastic gradient descent."""
        learned = [self.weights[name].detach().requires_grad_() for name in self.network.learned]
        weights = {**self.weights, **dict(zip(self.network.learned, learned, strict=True))}
        with dropping(self.seed, self.number, self.steps):
            result = self.network.forward(weights, {self.network.data: images}, training=True)
        gradients = torch.autograd.grad(loss_of(self.facts.loss, result, labels), learned)
        for name, old, gradient in zip(self.network.learned, learned, gradients, strict=True):
            self.weights[name] = old.detach() - self.facts.rate * gradient

    def chosen(self, update: NDArray[np.float32], version: int) -> Sparse:
        """Clipped, then selected and noised: what leaves this participant."""
        clipped = clip(update, self.facts.clip)
        self.exchanges += 1
        self.uploads += 1
        if self.facts.noise.kind == "sparse_vector":
            return Sparse(len(clipped), version, *sparse_vector(self.facts, clipped, SystemCoins()))
        places = self.selected(clipped, version)
        values = clipped[places]
        if self.facts.noise.kind == "gaussian":
            values = gaussian(self.facts, values, SystemCoins())
        return Sparse(len(clipped), version, places, values)

    def selected(self, update: NDArray[np.float32], version: int) -> NDArray[np.uint32]:
        """Which coordinates are sent; on shares, blindly chosen ones are the same for everybody."""
        if self.facts.blind and self.facts.aggregate == "additive":
            return public_places(self.facts, len(update), version)
        coins = np.random.default_rng((self.seed, self.number, self.exchanges))
        judged = np.ones_like(update) if self.facts.blind else update
        return selected(judged, self.facts.upload, self.facts.uploaded(len(update)), coins)

    def contribution(self, download: Sparse) -> NDArray[np.int64]:
        """A turn of a training on shares: what is split between the aggregators."""
        chosen = self.exchange(download)
        if not self.facts.dense:
            return encoded(self.facts, chosen.values)
        whole = np.zeros(chosen.size, np.float32)
        whole[chosen.indices] = chosen.values
        return encoded(self.facts, whole)

    def accuracy(self, images: Tensor, labels: Tensor) -> float:
        return self.network.accuracy(self.weights, images, labels)


def clip(update: NDArray[np.float32], bound: Clip | None) -> NDArray[np.float32]:
    """Every coordinate, or the length of the whole."""
    if bound is None:
        return update
    if bound.whole:
        length = float(np.linalg.norm(update.astype(np.float64)))
        return update * np.float32(min(1.0, bound.bound / max(length, 1e-30)))
    return np.clip(update, -bound.bound, bound.bound).astype(np.float32)
