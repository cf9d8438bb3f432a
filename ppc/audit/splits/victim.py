"""What is attacked: a trained model that is split, with examples of the attacker's and others to judge by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.ir.graph import Graph
from ppc.ir.parts import part
from ppc.learning.network import Network, Tensors
from ppc.weights.expected import SomeWeights

Array = NDArray[Any]
AT_ONCE = 500


@dataclass(frozen=True)
class Queries:
    """Queries of clients: inputs, true labels, the secret signals, and what reaches the server."""

    images: Tensor
    labels: Tensor
    signals: Tensor
    seen: Tensor  # [query, numbers]
    bare: Tensor | None = None  # of runs on shares: the same with the masks taken off

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Victim:
    """`graph` is typed, with its complement in. `crossing` are the last values that the client makes alone.

    The server sees it as it crosses (`sent`), or, where `view` is given, what that makes of inputs and signals: all
    that the server receives of a run on shares; beside it the same without masks, for controls.
    """

    graph: Graph
    weights: Mapping[str, Tensor]
    images: Tensor
    labels: Tensor
    crossing: tuple[str, ...]
    pictures: tuple[Tensor, ...] = ()
    sent: str = "float32"
    view: Callable[[Tensor, Tensors], tuple[Tensor, Tensor]] | None = None
    published: bool = True  # the client has the weights of its half

    @staticmethod
    def of(
        graph: Graph,
        weights: SomeWeights,
        images: Array,
        labels: Array,
        crossing: tuple[str, ...],
        *,
        pictures: Sequence[Array] = (),
        sent: str = "float32",
        view: Callable[[Array, Mapping[str, Array]], tuple[Array, Array]] | None = None,
        published: bool = True,
    ) -> Victim:
        """Of arrays, as files have them."""

        def tensors(shown: Tensor, drawn: Tensors) -> tuple[Tensor, Tensor]:
            assert view is not None
            seen, bare = view(shown.numpy(), {name: one.numpy() for name, one in drawn.items()})
            return torch.from_numpy(seen), torch.from_numpy(bare)

        return Victim(
            graph,
            {name: _real(array) for name, array in weights.items()},
            _real(images),
            torch.from_numpy(np.asarray(labels, np.int64)),
            crossing,
            tuple(map(_real, pictures)),
            sent,
            tensors if view is not None else None,
            published,
        )

    @cached_property
    def data(self) -> str:
        return next(node.name for node in self.graph.inputs if node.word("role") == "data")

    @cached_property
    def signal(self) -> str:
        """The name of the signal; empty without a complement."""
        return next((node.name for node in self.graph.inputs if node.word("role") == "signal"), "")

    @cached_property
    def numbers(self) -> int:
        """How many signals there are."""
        if not self.signal:
            return 1
        bounds = self.graph[self.signal].typed.bounds
        return int(bounds.high) + 1 if bounds else 2

    @cached_property
    def answer(self) -> str:
        return self.graph.output("result").value

    @cached_property
    def classes(self) -> int:
        return max(2, self.graph[self.answer].shape[1])

    @cached_property
    def heads(self) -> tuple[Network, ...]:
        """The client's half, which the server has too: it made it."""
        return tuple(Network(part(self.graph, [self.data], name)) for name in self.crossing)

    @cached_property
    def whole(self) -> Network:
        return Network(part(self.graph, [self.data], self.answer))

    def drawn(self, count: int, coins: torch.Generator) -> Tensors:
        """Signals of so many queries, by the names of the graph."""
        if not self.signal:
            return {}
        numbers = torch.randint(self.numbers, (count,), generator=coins)
        found = {self.signal: numbers}
        picture = next((node.name for node in self.graph.inputs if node.word("role") == "picture"), "")
        if picture:
            places = [int(torch.randint(len(self.pictures[int(one)]), (1,), generator=coins)) for one in numbers]
            shown = [self.pictures[int(one)][place] for one, place in zip(numbers, places, strict=True)]
            found[picture] = torch.stack(shown)[:, None]
        return found

    @torch.no_grad()
    def queries(self, places: Tensor, coins: torch.Generator) -> Queries:
        """What reaches the server for these examples, each with a fresh signal."""
        images, drawn = self.images[places], self.drawn(len(places), coins)
        signals = drawn.get(self.signal, torch.zeros(len(places), dtype=torch.long))
        if self.view is not None:
            return Queries(images, self.labels[places], signals, *self.view(images, drawn))
        seen = self.half(images, drawn)
        return Queries(images, self.labels[places], signals, _as_sent(seen, self.sent))

    @torch.no_grad()
    def half(self, images: Tensor, drawn: Tensors) -> Tensor:
        """What the client's half makes of inputs, as one row each."""
        return torch.cat([self._computed(head, images, drawn).flatten(1) for head in self.heads], 1)

    @torch.no_grad()
    def answers(self, images: Tensor, coins: torch.Generator) -> Tensor:
        """The classes that a client gets, with its signal taken off."""
        found = self._computed(self.whole, images, self.drawn(len(images), coins))
        if found.shape[1] > 1:
            return found.argmax(1)
        limit = 0.5 if self.graph[self.answer].inputs and self._flips else 0.0
        return (found[:, 0] > limit).long()

    @property
    def _flips(self) -> bool:
        """Whether a single number is a probability."""
        node = self.graph[self.answer]
        return node.word("how") == "flip" if node.op == "uncomplement" else node.op == "sigmoid"

    def _computed(self, network: Network, images: Tensor, drawn: Tensors) -> Tensor:
        parts = [
            network.forward(self.weights, {self.data: images[at], **{name: one[at] for name, one in drawn.items()}})
            for at in torch.arange(len(images)).split(AT_ONCE)
        ]
        return torch.cat(parts)


def _real(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def _as_sent(seen: Tensor, sent: str) -> Tensor:
    """As it crosses: a byte is one of 256 steps between the ends of its example."""
    if sent != "byte":
        return seen
    low, high = seen.min(1, keepdim=True).values, seen.max(1, keepdim=True).values
    width = torch.where(high > low, (high - low) / 255, torch.ones_like(high))
    return low + ((seen - low) / width).round() * width
