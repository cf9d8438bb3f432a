"""What is distilled: the facts of the program, the one network with its first weights, and the owner's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ppc.distilled import Floats, Key, Target, first_weights
from ppc.ir.distilled import Distilled
from ppc.learning import Network
from ppc.learning.network import Tensors, as_tensors


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """Labelled examples of one part of the owner's data."""

    images: Tensor
    classes: Tensor  # whole numbers

    @staticmethod
    def of(images: Floats, labels: Floats) -> Data:
        """From rows with a 1 at the class."""
        return Data(images=as_tensor(images), classes=torch.from_numpy(labels.argmax(axis=1)))

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """`brought` are the images of another data set that the samples are made of, where the program says so."""

    facts: Distilled
    target: Target
    network: Network
    start: Tensors
    data: Data
    brought: Tensor | None = None
    seed: int = 0

    @staticmethod
    def of(facts: Distilled, target: Target, key: Key, data: Data, *, brought: Floats | None, seed: int) -> Task:
        """The task for a key."""
        start = as_tensors(first_weights(key, target))
        network = Network(target.typed(1))
        images = None if brought is None else as_tensor(richest(brought, facts.samples))
        return Task(facts=facts, target=target, network=network, start=start, data=data, brought=images, seed=seed)

    @property
    def classes(self) -> int:
        return self.target.classes

    def other_start(self, coins: torch.Generator, spread: float | None = None) -> Tensors:
        """First weights of the same law, from other coins; or of that law with another spread."""
        return drawn(self.start, self.network, coins, self.facts.spread if spread is None else spread)


def drawn(start: Mapping[str, Tensor], network: Network, coins: torch.Generator, spread: float) -> Tensors:
    """Gaussian weights, as `ppc.distilled.start` has their law; what a batch norm has begins as it is."""
    found: Tensors = dict(start)
    inputs = 1
    for node in network.graph.parameters:
        if node.word("role") == "weight":
            inputs = node.typed.size // node.shape[0]
        if node.word("role") in ("weight", "bias"):
            found[node.name] = torch.randn(node.shape, generator=coins) * (spread / inputs**0.5)
    return found


def richest(images: Floats, count: int) -> Floats:
    """So many images, those with the most contrast first."""
    return images[np.argsort(-images.reshape(len(images), -1).std(axis=1), kind="stable")[:count]]


def as_tensor(values: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
