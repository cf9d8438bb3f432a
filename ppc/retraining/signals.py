"""What is drawn for the signal while a model is trained: from a seed, so that a training can be repeated. A client that
uses the model draws from its system's generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.errors import fail
from ppc.ir.graph import Graph
from ppc.learning.network import Tensors

Pictures = Sequence[NDArray[Any]]  # [count, height, width] of each number


@dataclass(frozen=True)
class Signals:
    """Of a model with a complement: the names of its signal, and of the signal's picture, if it has one."""

    number: str
    classes: int
    picture: str = ""
    pictures: tuple[Tensor, ...] = ()

    @staticmethod
    def of(graph: Graph, pictures: Pictures = ()) -> Signals | None:
        """None for a model without a complement."""
        inputs = {node.word("role"): node for node in graph.inputs}
        if "signal" not in inputs:
            return None
        bounds = inputs["signal"].typed.bounds
        classes = int(bounds.high) + 1 if bounds else 2
        picture = inputs["picture"].name if "picture" in inputs else ""
        if picture and len(pictures) != classes:
            hint = "Name a set of images of digits: `--signals digits28:1000`."
            raise fail("PPC508", "The signal of this program shows as a picture, and none are named.", hint=hint)
        shown = tuple(torch.from_numpy(np.asarray(one, np.float32)) for one in pictures) if picture else ()
        return Signals(inputs["signal"].name, classes, picture, shown)

    @property
    def fingerprint(self) -> str:
        """Of the pictures, whatever they are called."""
        found = sha256()
        for one in self.pictures:
            found.update(repr(tuple(one.shape)).encode() + one.contiguous().numpy().tobytes())
        return found.hexdigest()

    def drawn(self, count: int, coins: torch.Generator) -> Tensors:
        """For so many examples: the numbers, and a picture of each where pictures show them."""
        numbers = torch.randint(self.classes, (count,), generator=coins)
        if not self.picture:
            return {self.number: numbers}
        return {self.number: numbers, self.picture: torch.stack([self._one(int(one), coins) for one in numbers])}

    def _one(self, number: int, coins: torch.Generator) -> Tensor:
        found = self.pictures[number]
        return found[int(torch.randint(len(found), (1,), generator=coins))][None]
