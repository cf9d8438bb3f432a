"""What is attacked: a network with its weights, the participants' examples, and others that the attacker has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ppc.ir.graph import Node
from ppc.learning import Layout, Network
from ppc.learning.network import Tensors


@dataclass(frozen=True)
class Victim:
    """Labels are whole numbers. The attacker knows the weights, which the server hands out, and `known` of its own."""

    network: Network
    weights: Tensors
    images: Tensor
    labels: Tensor
    known: Tensor
    known_labels: Tensor

    @staticmethod
    def of(network: Network, weights: Tensors, images: Tensor, labels: Tensor) -> Victim:
        """A fifth of the examples is the attacker's."""
        count = len(labels) // 5
        return Victim(network, weights, images[count:], labels[count:], images[:count], labels[:count])

    @cached_property
    def layout(self) -> Layout:
        return Layout.of(self.network)

    @cached_property
    def range(self) -> tuple[float, float]:
        """Of the inputs: as the program says, or as the attacker's own are."""
        bounds = self.network.graph[self.network.data].typed.bounds
        return (float(self.known.min()), float(self.known.max())) if bounds is None else (bounds.low, bounds.high)

    @cached_property
    def dense(self) -> tuple[Node, ...]:
        return self.network.graph.with_op("dense")

    @torch.no_grad()
    def reads(self, layer: Node, images: Tensor) -> Tensor:
        """What a layer's input is, for each image."""
        values = self.network.values(self.weights, {self.network.data: images})
        return values[layer.inputs[0]].flatten(1)

    def reads_input(self, layer: Node) -> bool:
        """Does it read the input itself, perhaps in another form?"""
        name = layer.inputs[0]
        while self.network.graph[name].op in ("flatten", "reshape"):
            name = self.network.graph[name].inputs[0]
        return name == self.network.data


def correlation(found: Tensor, truth: Tensor) -> float:
    """From -1 to 1; 1 is the same but for brightness and contrast. Of what does not vary, 0."""
    one, other = (values.double().flatten() - values.double().mean() for values in (found, truth))
    size = float(one.norm() * other.norm())
    return float(one @ other) / size if size > 1e-12 else 0.0
