"""A graph as a PyTorch function of its weights and its inputs.

The weights are arguments, not attributes: a trainer may hold many sets of them (participants, the steps of an unrolled
training) and differentiate through any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ppc.ir.graph import Graph, Node
from ppc.ir.layers import LEARNED
from ppc.learning.table import IN_TRAINING, RULES
from ppc.weights.expected import Weights
from ppc.weights.initial import Law, initial

Tensors = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Network:
    """A typed graph that computes one `result`; the number of examples is the inputs' own. Each is itself alone."""

    graph: Graph

    @cached_property
    def inputs(self) -> tuple[Node, ...]:
        return self.graph.inputs

    @cached_property
    def data(self) -> str:
        """The name of the first input that holds data."""
        return next(node.name for node in self.inputs if node.word("role") == "data")

    @cached_property
    def learned(self) -> tuple[str, ...]:
        """The parameters that a step changes, in the order of the graph; running statistics are not among them."""
        return tuple(node.name for node in self.graph.parameters if node.word("role") in LEARNED)

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The layers that have weights, in the order of the graph."""
        return tuple(dict.fromkeys(node.name.rpartition(".")[0] for node in self.graph.parameters))

    @cached_property
    def classes(self) -> int:
        return self.graph[self.graph.output("result").value].shape[-1]

    def initial(self, seed: int, law: Law = "torch") -> Tensors:
        """Fresh weights: by PyTorch's own law or by He's, the same on every machine."""
        return as_tensors(initial(self.graph, seed, law))

    def forward(self, weights: Mapping[str, Tensor], inputs: Mapping[str, Tensor], *, training: bool = False) -> Tensor:
        """The result; in training with dropout, and with running statistics updated in place."""
        return self.values(weights, inputs, training=training)[self.graph.output("result").value]

    def values(self, weights: Mapping[str, Tensor], inputs: Mapping[str, Tensor], *, training: bool = False) -> Tensors:
        """Every value on the way, by its name in the graph."""
        rules = IN_TRAINING if training else RULES
        found: Tensors = {**weights, **inputs}
        for node in self.graph.nodes:
            if node.inputs:
                found[node.name] = rules[node.op](node, [found[name] for name in node.inputs])
        return found

    @torch.no_grad()
    def answers(self, weights: Mapping[str, Tensor], images: Tensor, at_once: int = 1000) -> Tensor:
        """Results for many examples of a model with one input."""
        parts = [self.forward(weights, {self.data: part}) for part in images.split(at_once)]
        return torch.cat(parts)

    def accuracy(self, weights: Mapping[str, Tensor], images: Tensor, labels: Tensor) -> float:
        """The share of examples whose largest result is at their class."""
        return float((self.answers(weights, images).argmax(1) == labels).double().mean())


def as_tensors(weights: Weights) -> Tensors:
    return {name: torch.from_numpy(array.copy()) for name, array in weights.items()}


def as_weights(tensors: Mapping[str, Tensor]) -> Weights:
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
