"""How many of the numbers that a layer reads its results determine: the rank of its linear map, on its real input size.

A small map is written out and its singular values are counted. A large one is not: for a vector x of independent normal
numbers, |Px|² has the mean rank P, where P projects to what the map determines; and Px is what least squares find from
the map's results (Hutchinson's estimate of a trace). So the rank of a layer on a large image takes seconds. Directions
that the map shows too weakly for so many steps do not count, as they would not for an attacker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.ir.graph import Graph, Node

Array = NDArray[Any]
EXACT = 1_200  # numbers read; up to there the map is written out
PRECISE = 1e-6  # of the largest singular value
STEPS = 60
SEED = 1


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Of the numbers that a layer reads, so many are determined by its results."""

    found: int
    reads: int
    exact: bool

    def __str__(self) -> str:
        return f"{'' if self.exact else '≈'}{self.found:,} of {self.reads:,}"


def rank(graph: Graph, layer: Node, weight: Array, evaluate: Callable[[Node, Array, Array], Array]) -> Rank:
    """With these weights; `evaluate` is how the house computes a layer without its bias, for a batch."""
    shape = graph[layer.inputs[0]].shape[1:]
    reads = int(np.prod(shape))
    if reads <= EXACT:
        basis = np.eye(reads).reshape(reads, *shape)
        values = np.linalg.svd(evaluate(layer, basis, weight).reshape(reads, -1), compute_uv=False)
        return Rank(found=int((values > PRECISE * values.max()).sum()), reads=reads, exact=True)
    found = _estimated(layer, weight, evaluate, shape)
    return Rank(found=min(reads, int(np.prod(layer.shape[1:])), round(found * reads)), reads=reads, exact=False)


def _estimated(
    layer: Node, weight: Array, evaluate: Callable[[Node, Array, Array], Array], shape: tuple[int, ...]
) -> float:
    """The part of a random input that least squares find again, by conjugate gradients from zero."""
    x = np.random.default_rng(SEED).normal(size=(1, *shape))
    found, residual = np.zeros_like(x), evaluate(layer, x, weight)
    gradient = adjoint(layer, residual, weight, shape)
    direction, size = gradient, float((gradient**2).sum())
    start = size
    for _ in range(STEPS):
        image = evaluate(layer, direction, weight)
        step = size / float((image**2).sum())
        found, residual = found + step * direction, residual - step * image
        gradient = adjoint(layer, residual, weight, shape)
        size, before = float((gradient**2).sum()), size
        if size < 1e-16 * start:
            break
        direction = gradient + size / before * direction
    return float((found**2).sum() / (x**2).sum())


def adjoint(layer: Node, results: Array, weight: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of a layer's linear map."""
    if layer.op != "conv2d":
        return results.reshape(1, -1) @ weight
    (down, across), (top, left) = layer.pair("stride"), layer.pair("padding")
    groups, (channels, height, width) = layer.integer("groups"), shape
    made, _, high, wide = weight.shape
    rows, columns = results.shape[2:]
    flat = results.reshape(groups, made // groups, rows * columns)
    parts = np.einsum("gmk,gmp->gkp", weight.reshape(groups, made // groups, -1), flat, optimize=True)
    parts = parts.reshape(channels, high, wide, rows, columns)
    image = np.zeros((1, channels, height + 2 * top, width + 2 * left))
    for row, column in np.ndindex(high, wide):
        image[
            0, :, row : row + down * (rows - 1) + 1 : down, column : column + across * (columns - 1) + 1 : across
        ] += parts[:, row, column]
    return image[:, :, top : top + height, left : left + width]
