"""Compiled programs run for tests: from a graph's values to a run that is compared with its twin, its count, floats.

What a plan is given has the names of the graph's inputs and parameters; a dictionary of their values, as the reference
takes it, serves every plan of the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.bill.deviation import deviation
from ppc.field import to_integers
from ppc.ir.graph import JOINT, Graph, Node
from ppc.plan.steps import Plan, Step
from ppc.protocol import Lowered
from ppc.reference import EVALUATE, evaluate
from ppc.runtime.session import Outcome
from tests.runtime.plans import Transcript, run, same_bytes, signed

Array = NDArray[Any]
FIRST = ".first"  # of what is carried: the value before the first iteration


def some_values(graph: Graph, generator: np.random.Generator, *, weights: float = 1.0) -> dict[str, Array]:
    """Inputs anywhere within their bounds, and parameters in that part of them; labels of classes are one class, a
    momentum is zero."""
    found = {node.name: _some(node, generator) for node in graph.inputs}
    return found | {node.name: weights * _some(node, generator) for node in graph.parameters}


def _some(node: Node, generator: np.random.Generator) -> Array:
    role, shape, bounds = node.word("role"), node.shape, node.typed.bounds
    low, high = (bounds.low, bounds.high) if bounds else (-0.1, 0.1)
    if role == "label" and len(shape) == 2:
        return np.eye(shape[1])[generator.integers(0, shape[1], shape[0])]
    if role == "signal":
        return generator.integers(0, int(high) + 1, shape)
    if role == "mask":
        return generator.choice([0.0, high], shape)
    if role == "momentum":
        return np.zeros(shape)
    if role == "variance":
        return generator.uniform(high / 2, high, shape)
    return generator.uniform(low, high, shape)


def given_values(plan: Plan, values: Mapping[str, Array]) -> dict[str, Array]:
    """The same under the names of the plan's steps."""
    steps = [step for step in plan.steps() if step.op == "given" and step.word("what") != "zero"]
    return {step.name: values[step.name.removesuffix(FIRST)] for step in steps}


@dataclass(frozen=True)
class Found:
    """A run of a plan: what it came to, as real numbers, beside the compiler's bounds."""

    lowered: Lowered
    transcript: Transcript

    @property
    def plan(self) -> Plan:
        return self.lowered.plan

    @cached_property
    def bounds(self) -> Mapping[str, float]:
        return deviation(self.plan)

    def integers(self, name: str) -> Array:
        """A value of the first iteration, -p/2..p/2; of what is carried, as the first iteration finds it."""
        place = self.plan.by_name.get(name)
        if place is None:
            name = next(carry.first for carry in self.plan.section("each").carries if carry.name == name)
        section = next(s.name for s in self.plan.sections if any(step.name == name for step in s.steps))
        found = self.transcript.value(name, section)
        if self.plan.wires[name].form in ("clear", "public"):
            found = to_integers(found, self.plan.modulus_field)
        return signed(found, self.plan.modulus_field)

    def reals(self, name: str) -> Array:
        wire = self.plan.wires[name]
        if wire.real:
            return np.asarray(self.transcript.value(name), np.float64)
        return self.integers(name).astype(np.float64) * 2.0 ** -(wire.scale or 0)

    def bits(self, name: str) -> Array:
        """Of a comparison's `bit`: 0 and 1."""
        return np.asarray(self.transcript.value(name), np.int64)

    def knot_width(self, bit: str) -> float:
        """How far from its knot a number is when a comparison surely ends as it would with exact numbers."""
        step = self.plan.by_name[bit]
        while step.op != "digits":
            step = self.plan.by_name[step.inputs[0]]
        opened = step.inputs[0]
        unit = 2.0 ** (step.integer("shift") - (self.plan.wires[opened].scale or 0))
        return self.bounds[opened] + unit


# ---- the reference, given the same signs ----


def same_signs(found: Found, graph: Graph, values: Mapping[str, Array]) -> dict[str, Array]:
    """Every value of the graph in floats, where a gradient goes the way that it went in the run.

    A gradient jumps where a comparison is at its knot, so its bound holds for equal signs only. The reference takes
    the run's; and they must be its own wherever a number is further from the knot than the bound on it.
    """
    computed = {name: np.asarray(value, np.float64) for name, value in values.items()}
    for node in graph.nodes:
        if node.name in computed:
            continue
        operands = [computed[name] for name in node.inputs]
        rule = SIGNED.get(node.op)
        if rule is None or node.place != JOINT:
            computed[node.name] = EVALUATE[node.op](node, operands)
        else:
            computed[node.name] = rule(found, node, operands)
    return computed


def _relu_grad(found: Found, node: Node, operands: list[Array]) -> Array:
    x, gradient = operands
    select = _step(found.plan, node.name, "select")
    bits = found.bits(select.inputs[0]).reshape(x.shape)
    differing = bits != (x > 0)
    assert np.all(np.abs(x[differing]) <= found.knot_width(select.inputs[0])), node.name
    return gradient * bits


def _max_pool_grad(found: Found, node: Node, operands: list[Array]) -> Array:
    """The run compares exact integers, so the way of its gradients is that of its own values."""
    x, gradient = operands
    pools = found.lowered.graphs[-1].graph.with_op("max_pool")
    pool = next(pool for pool in pools if (pool.inputs[0], pool.window) == (node.inputs[0], node.window))
    window = _step(found.plan, pool.name, "window")
    own = found.reals(window.inputs[0]).reshape(x.shape)
    assert np.abs(own - x).max() <= found.bounds[window.inputs[0]], node.name
    return EVALUATE[node.op](node, [own, gradient])


SIGNED = {"relu_grad": _relu_grad, "max_pool_grad": _max_pool_grad}


def _step(plan: Plan, name: str, op: str) -> Step:
    """The first step of an op that was made for a node."""
    return next(s for s in plan.steps() if s.op == op and (s.name == name or s.name.startswith(f"{name}.")))


def same_in_floats(lowered: Lowered, values: Mapping[str, Array]) -> None:
    """What is done to a graph before it is lowered changes nothing in floats; but a momentum has the rate in it."""
    before, after = (evaluate(graph, values) for graph in (lowered.compiled.graph, lowered.graphs[-1].graph))
    for name, value in after.items():
        if not name.endswith(".momentum"):
            np.testing.assert_allclose(value, before[name], rtol=1e-9, atol=1e-9, err_msg=name)


# ---- how far the run is from the reference ----


def within_bounds(found: Found, graph: Graph, values: Mapping[str, Array]) -> dict[str, float]:
    """Every output that somebody gets, or that is carried on, is as near to the float reference as the compiler says.

    The deviations as fractions of their bounds.
    """
    computed = same_signs(found, graph, values)
    fractions: dict[str, float] = {}
    for name, value in outputs(found.plan).items():
        exact = computed[graph.output(name).value]
        node = graph[graph.output(name).value]
        while node.op == "reveal":
            node = graph[node.inputs[0]]
        if node.op == "argmax" and node.place == JOINT:
            _right_class(found, node, found.reals(value), computed[node.inputs[0]])
            continue
        bound = found.bounds[value]
        assert np.isfinite(bound), name
        away = float(np.abs(found.reals(value).reshape(exact.shape) - exact).max(initial=0.0))
        assert away <= bound + 1e-9 * (1.0 + float(np.abs(exact).max(initial=0.0))), (name, away, bound)
        fractions[name] = away / bound if bound else 0.0
    return fractions


def outputs(plan: Plan) -> dict[str, str]:
    """What leaves an iteration, by the name of the graph's output: results, and what is carried to the next one."""
    each = plan.section("each")
    return {r.name: r.value for r in each.results} | {c.name: c.then for c in each.carries if c.then != c.name}


def _right_class(found: Found, node: Node, classes: Array, scores: Array) -> None:
    """Of a row the largest score, or one within twice the bound of it."""
    first = _step(found.plan, node.name, "slice")
    chosen = np.take_along_axis(scores, classes.astype(np.int64).reshape(-1, 1), axis=1)[:, 0]
    assert np.all(chosen >= scores.max(axis=1) - 2 * found.bounds[first.inputs[0]]), node.name


# ---- only what was sent ----


def counted(plan: Plan, values: Mapping[str, Array], **options: Any) -> Outcome:
    """A run that sent, message by message, what the plan says; and whose dealer did."""
    transcript = run(plan, given_values(plan, values), seed=1, **options)
    same_bytes(plan, transcript, 1)
    return transcript.outcome


# ---- what was sent for products ----


def carried(plan: Plan, outcome: Outcome) -> dict[tuple[str, str], int]:
    """Values opened for the products of an iteration, by layer and phase: the bytes that went over the channel for
    them, divided by those of an element, from the party that sent more."""
    asked = opened_for_products(plan)
    found: Counter[tuple[str, str]] = Counter()
    for step in plan.section("each").steps:
        if step.name in asked:
            sent = [row.bytes for row, _ in outcome.meter.rows(plan, "each") if row.step == step.name]
            found[step.layer, step.phase] += max(sent) // (8 * plan.modulus_field.words)
    return dict(found)


def opened_for_products(plan: Plan) -> set[str]:
    asked: set[str] = set()
    for step in reversed(plan.section("each").steps):
        if step.op in ("product", "polynomial") or (step.name in asked and step.op != "mask"):
            asked.update(step.inputs)
    return {step.name for step in plan.section("each").steps if step.op == "mask" and step.name in asked}
