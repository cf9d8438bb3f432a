"""Values for a graph's inputs and parameters: what a test evaluates it with."""

from __future__ import annotations

from math import prod

import numpy as np

from ppc.ir.graph import Graph, Node
from ppc.reference.windows import Array

Generator = np.random.Generator


def random_values(graph: Graph, generator: Generator) -> dict[str, Array]:
    """A value for every input and parameter of a typed graph, by its role."""
    return {node.name: _value(node, generator) for node in graph.with_op("input", "parameter")}


def _value(node: Node, generator: Generator) -> Array:
    shape = node.shape
    match node.word("role"):
        case "data":
            return uniform(node, generator)
        case "signal":
            assert node.typed.bounds is not None
            return generator.integers(0, int(node.typed.bounds.high) + 1, size=shape)
        case "label":
            return _label(shape, generator)
        case "mask":
            assert node.typed.bounds is not None
            return generator.choice([0.0, node.typed.bounds.high], size=shape)
        case "weight":
            return generator.normal(size=shape) / prod(shape[1:]) ** 0.5
        case "rate":
            return uniform(node, generator)
        case "scale" | "variance":
            return generator.uniform(0.5, 1.5, size=shape)
        case _:
            return generator.normal(size=shape) / 2


def uniform(node: Node, generator: Generator) -> Array:
    """Anything within the bounds of a value."""
    bounds = node.typed.bounds
    assert bounds is not None
    return generator.uniform(bounds.low, bounds.high, size=node.shape)


def _label(shape: tuple[int, ...], generator: Generator) -> Array:
    """Where there are classes, probabilities that sum to 1."""
    values = generator.random(shape)
    return values / values.sum(axis=1, keepdims=True) if len(shape) == 2 else values
