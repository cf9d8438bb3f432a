"""The interval of a value holds whatever inputs and weights within their own bounds can make of it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest

from ppc.ir.graph import Graph, Node
from ppc.ir.policy import Owner, Training
from ppc.ir.types import Interval
from ppc.passes.differentiate import Differentiate
from ppc.passes.infer_shapes import InferShapes
from ppc.reference import trace
from ppc.reference.windows import Array
from tests.nets import Net
from tests.random_models import random_model
from tests.random_values import Generator, uniform

TRAINING = Training(
    model="m", labels=Owner(party="public"), loss="mse", rate=0.1, batch=2, momentum=0.9, weight_decay=0.1
)


def extreme(node: Node, generator: Generator) -> Array:
    """Every element at one of its two ends."""
    bounds = node.typed.bounds
    assert bounds is not None
    return generator.choice([bounds.low, bounds.high], size=node.shape)


def assignments(graph: Graph, seed: int) -> Iterator[dict[str, Array]]:
    """Values within bounds: anything, at the ends, all low, all high. What has no bounds is drawn around 0."""
    generator = np.random.default_rng(seed)

    def value(node: Node, way: int) -> Array:
        bounds = node.typed.bounds
        if bounds is None:
            return generator.normal(size=node.shape)
        if way in (2, 3):
            return np.full(node.shape, bounds.low if way == 2 else bounds.high)
        drawn = uniform(node, generator) if way == 0 else extreme(node, generator)
        return np.rint(drawn) if node.typed.element == "index" else drawn

    for way in range(4):
        yield {node.name: value(node, way) for node in graph.with_op("input", "parameter")}


def assert_within(graph: Graph, seed: int) -> int:
    """Check every value that has bounds; how many there were."""
    bounded = [node for node in graph.nodes if node.inputs and node.typed.bounds is not None]
    for values in assignments(graph, seed):
        computed = trace(graph, values)
        for node in bounded:
            bounds = node.typed.bounds
            assert bounds is not None
            slack = 1e-9 * max(1.0, bounds.magnitude)  # a float64 sum may round past its exact bound
            low, high = computed[node.name].min(), computed[node.name].max()
            assert bounds.low - slack <= low <= high <= bounds.high + slack, (seed, node)
    return len(bounded)


@pytest.mark.parametrize("seed", range(40))
def test_values_of_models_stay_within_bounds(seed: int) -> None:
    """In inference and in a step of training, where masks and gradients have bounds too."""
    random = Random(seed)
    named = random_model(random, complement=seed % 4 == 0, ending="uncomplement" if seed % 5 == 0 else "")
    typed = InferShapes(batch=2, weight_bounds=Interval(-1.0, 1.5)).run(named)

    assert assert_within(typed, seed) > 0
    if typed.parameters and not typed.with_op("uncomplement"):
        assert_within(Differentiate(training=TRAINING).run(typed), seed)


def test_tight_where_an_end_can_be_reached() -> None:
    """Nine products of numbers up to 1 and up to 2 sum to 18, and no bound is wider than that."""
    graph = Net(shape=(1, 3, 3)).conv(1, bias=False).typed(weights=Interval(-2.0, 2.0))

    assert graph[graph.output("result").value].typed.bounds == Interval(-18.0, 18.0)


def test_unknown_stays_unknown() -> None:
    """Without bounds for weights nothing is claimed of what they are multiplied with."""
    typed = InferShapes(batch=2).run(random_model(Random(3)))
    dense = next(node for node in typed.nodes if node.op == "dense")

    assert dense.typed.bounds is None
