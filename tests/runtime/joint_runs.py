"""Programs run by two parties beside clear evaluation: values of a program's shapes, and steps of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppc.ir.graph import Graph
from ppc.plan.steps import Plan
from ppc.reference import evaluate

Values = dict[str, Any]


def values_of(graph: Graph, *, seed: int = 1, size: float = 0.3) -> Values:
    """What the owners have: inputs within their bounds, one class for each example, weights as before training."""
    generator = np.random.default_rng(seed)
    found: Values = {}
    for node in graph.inputs:
        bounds = node.typed.bounds
        if node.word("role") == "label":
            found[node.name] = np.eye(node.shape[1])[generator.integers(0, node.shape[1], node.shape[0])]
        else:
            low, high = (bounds.low, bounds.high) if bounds else (0.0, 0.0)
            found[node.name] = generator.uniform(low, high, node.shape)
    for node in graph.parameters:
        found[node.name] = generator.uniform(-size, size, node.shape)
    return found


def given_to(plan: Plan, values: Mapping[str, Any]) -> Values:
    """The same by the names of the plan's steps: carried values begin as what is given first."""
    steps = [step for step in plan.steps() if step.op == "given" and step.word("what") != "zero"]
    return {step.name: values[step.name.removesuffix(".first")] for step in steps}


def trained(graph: Graph, values: Mapping[str, Any], batches: Sequence[Mapping[str, Any]]) -> Values:
    """Parameters and momenta after a step of clear training for each batch."""
    state = dict(values)
    for batch in batches:
        made = evaluate(graph, {**state, **batch})
        state.update({name: value for name, value in made.items() if name in state})
    return state
