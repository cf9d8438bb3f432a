"""What a weights file must hold, read off a typed graph.

Everything in this package works by these rows; the graph's other nodes are of no concern to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.source import Span

Array = NDArray[np.floating[Any]]
Weights = dict[str, Array]
SomeWeights = Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One array that a model needs: `conv1.weight` is the `weight` of the layer `conv1`."""

    name: str
    role: str
    shape: tuple[int, ...]
    bounds: Interval | None
    span: Span

    @property
    def layer(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def count(self) -> int:
        return prod(self.shape)


def expected(graph: Graph) -> tuple[Parameter, ...]:
    """The parameters of a graph at stage typed or later, in the order of its layers."""
    return tuple(
        Parameter(
            name=node.name,
            role=node.word("role"),
            shape=node.shape,
            bounds=node.typed.bounds,
            span=node.span,
        )
        for node in graph.parameters
    )


def clipped(values: Array, bounds: Interval | None, dtype: np.dtype[np.floating]) -> Array:
    """The values within the bounds, in an element that may be coarser than the bounds are."""
    if bounds is None:
        return values.astype(dtype)
    low, high = nearest(bounds, dtype)
    # The nearest float32 to 0.1 is above 0.1: step inside, or the clipped values would leave the bounds again.
    low = np.nextafter(low, high) if float(low) < bounds.low else low
    high = np.nextafter(high, low) if float(high) > bounds.high else high
    return np.clip(values.astype(dtype), low, high)


def nearest(bounds: Interval, dtype: np.dtype[np.floating]) -> Array:
    """Both ends as an array's element holds them."""
    with np.errstate(over="ignore"):
        return np.asarray([bounds.low, bounds.high], dtype=dtype)
