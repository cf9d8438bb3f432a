"""Weights as one vector, and back: what is selected, clipped, added and counted coordinate by coordinate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from ppc.learning.network import Network, Tensors


@dataclass(frozen=True)
class Layout:
    """Where each parameter lies in the vector: one after the other, in the order of the graph."""

    shapes: tuple[tuple[str, tuple[int, ...]], ...]

    @staticmethod
    def of(network: Network) -> Layout:
        return Layout(tuple((name, network.graph[name].shape) for name in network.learned))

    @property
    def size(self) -> int:
        return sum(prod(shape) for _, shape in self.shapes)

    def vector(self, weights: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([weights[name].reshape(-1) for name, _ in self.shapes])

    def weights(self, vector: Tensor) -> Tensors:
        """Views into the vector, under the parameters' names."""
        parts = vector.split([prod(shape) for _, shape in self.shapes])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes, parts, strict=True)}
