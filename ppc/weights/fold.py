"""Batch norm folded into the weights before it: the owner's half of `prepare-inference`.

With a = scale / sqrt(variance + epsilon), the layer a·(W x + b - mean) + shift has weights a·W and bias
a·(b - mean) + shift. Done in float64, once; what a party then encodes is the exact product rounded once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ppc.errors import PpcError
from ppc.ir.folding import Folding, foldings
from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.weights.checks import not_finite, not_finite_diagnostics, outside, outside_diagnostics
from ppc.weights.expected import SomeWeights, Weights, expected
from ppc.weights.stored import stored

_AFTER = "(after its batch norm was folded in)"
_HINT = (
    "Batch norm multiplies the weights before it by scale / sqrt(variance + epsilon). Widen the bounds "
    "(`weights from … in -8..8`), or train with weights and batch norms that stay smaller."
)


def fold(graph: Graph, weights: SomeWeights) -> Weights:
    """Weights of a typed graph, made into those of the prepared one."""
    result = dict(weights)
    touched: list[str] = []
    for folding in foldings(graph):
        _fold_one(graph, folding, result)
        touched += [graph[folding.layer].inputs[1], folding.bias]
    _check(graph, {name: result[name] for name in touched})
    return result


def _fold_one(graph: Graph, folding: Folding, weights: Weights) -> None:
    layer, norm = graph[folding.layer], graph[folding.norm]
    scale, shift, mean, variance = (weights.pop(name).astype(np.float64) for name in norm.inputs[1:])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # reported below, with the layer's name
        factor = scale / np.sqrt(variance + norm.number("epsilon"))
        weight = weights[layer.inputs[1]].astype(np.float64)
        bias = weights.get(folding.bias, np.zeros(len(factor))).astype(np.float64)
        weights[layer.inputs[1]] = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
        weights[folding.bias] = (bias - mean) * factor + shift


def _check(graph: Graph, folded: SomeWeights) -> None:
    """A folded weight is bounded by the same line of the source as the weight that it came from."""
    infinite: list[str] = []
    beyond: list[str] = []
    for name, values in folded.items():
        if problem := not_finite(name, values):
            infinite.append(f"{problem} {_AFTER}")
        elif problem := outside(name, values, _declared(graph, name)):
            beyond.append(f"{problem} {_AFTER}")
    if mistakes := [*not_finite_diagnostics(infinite), *outside_diagnostics(beyond, hint=_HINT)]:
        raise PpcError(*mistakes)


def _declared(graph: Graph, name: str) -> Interval | None:
    layer = graph[name.rpartition(".")[0]]
    return graph[layer.inputs[1]].typed.bounds


def graph_of(path: Path, typed: Graph, prepared: Graph) -> Graph:
    """Whose parameters a file holds: the model's as written, or those left after folding."""
    with stored(path) as arrays:
        names = {array.name for array in arrays}
    folded = {parameter.name for parameter in expected(prepared)}
    return prepared if names == folded else typed
