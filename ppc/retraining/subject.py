"""A model as it is trained: which layers stay, which values are made once and kept, which weights learn.

With a complement the raw answer is taught, before the client takes it back. Layers in front of the one that the signal
joins are those of the old model (steps 2 and 3 of the paper): they never change, so that what they make of the data is
computed once. Without an old model everything learns (steps 6 to 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ppc.ir.graph import Graph
from ppc.ir.layers import layer_numbers
from ppc.ir.parts import part
from ppc.learning.network import Network, Tensors, as_tensors
from ppc.weights.expected import SomeWeights
from ppc.weights.initial import Law

AT_ONCE = 500


@dataclass(frozen=True)
class Old:
    """The weights of a model without the signal. `start`: whether layers that learn begin with them too, or fresh."""

    weights: SomeWeights
    start: bool = False


@dataclass(frozen=True)
class Subject:
    """`graph` is typed, with its complement in; dropout and batch norms are as they were written."""

    graph: Graph
    old: Old | None = None
    law: Law = "torch"  # of weights that begin anew

    @cached_property
    def answer(self) -> str:
        """The raw answer, which the signal has changed."""
        value = self.graph[self.graph.output("result").value]
        return value.inputs[0] if value.op == "uncomplement" else value.name

    @cached_property
    def how(self) -> str:
        """How the signal is taken back; of a model without one, how a class is told."""
        value = self.graph[self.graph.output("result").value]
        if value.op == "uncomplement":
            return value.word("how")
        return "roll" if value.shape[1] > 1 else "flip" if value.op == "sigmoid" else "negate"

    @cached_property
    def classes(self) -> int:
        return max(2, self.graph[self.answer].shape[1])

    @cached_property
    def joined(self) -> int:
        """The layer that the signal joins; 0 without one."""
        joins = [node for node in self.graph.nodes if node.op in ("signal_planes", "resize")]
        if not joins:
            return 0
        (concat,) = self.graph.uses[joins[0].name]
        return layer_numbers(self.graph)[concat.name] + 1

    @cached_property
    def kept(self) -> int:
        """How many layers stay as the old model has them."""
        return max(0, self.joined - 1) if self.old else 0

    @cached_property
    def border(self) -> str:
        """The last value that frozen layers make; the data themselves, where none are frozen."""
        if not self.kept:
            return self.whole.data
        (planes,) = [node for node in self.graph.nodes if node.op in ("signal_planes", "resize")]
        (concat,) = self.graph.uses[planes.name]
        return concat.inputs[0]

    @cached_property
    def whole(self) -> Network:
        """From the data to the raw answer."""
        data = next(node.name for node in self.graph.inputs if node.word("role") == "data")
        return Network(part(self.graph, [data], self.answer))

    @cached_property
    def head(self) -> Network:
        """The frozen layers."""
        data = next(node.name for node in self.graph.inputs if node.word("role") == "data")
        return Network(part(self.graph, [data], self.border))

    @cached_property
    def tail(self) -> Network:
        """What learns."""
        return Network(part(self.graph, [self.border], self.answer))

    def weights(self, seed: int) -> Tensors:
        """Before the first step: fresh, and where layers of the old model stay or start, theirs."""
        fresh = self.whole.initial(seed, self.law)
        if self.old is None:
            return fresh
        numbers = layer_numbers(self.graph)
        taken = {
            name: tensor
            for name, tensor in as_tensors(dict(self.old.weights)).items()
            if self.old.start or numbers[name] <= self.kept
        }
        return {name: _grown(fresh[name], taken[name]) if name in taken else fresh[name] for name in fresh}

    @torch.no_grad()
    def features(self, weights: Mapping[str, Tensor], images: Tensor) -> Tensor:
        """What the frozen layers make of the data."""
        if not self.kept:
            return images
        parts = [self.head.forward(weights, {self.head.data: some}) for some in images.split(AT_ONCE)]
        return torch.cat(parts)

    @torch.no_grad()
    def scores(self, weights: Mapping[str, Tensor], features: Tensor, signals: Tensors) -> Tensor:
        """Raw answers to what `features` made."""
        parts = [
            self.tail.forward(weights, {self.border: features[places], **_at(signals, places)})
            for places in torch.arange(len(features)).split(AT_ONCE)
        ]
        return torch.cat(parts)


def _at(signals: Tensors, places: Tensor) -> Tensors:
    return {name: tensor[places] for name, tensor in signals.items()}


def _grown(fresh: Tensor, old: Tensor) -> Tensor:
    """The old weights where they were; those of the signal's planes, which come behind, are fresh."""
    if fresh.shape == old.shape:
        return old.to(fresh.dtype)
    made = fresh.clone()
    made[:, : old.shape[1]] = old
    return made
