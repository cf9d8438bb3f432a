"""Evaluate a program twice on the same numbers, in float and as the twin of a run, and compare value by value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppc.bill.deviation import deviation
from ppc.diff.drawn import Coins
from ppc.difference import Difference, differences
from ppc.ir.graph import Graph
from ppc.plan.steps import Plan, Section, Step
from ppc.protocol import Lowered
from ppc.reference import trace
from ppc.runtime import keys
from ppc.runtime.twin import Twin
from ppc.runtime.twin_rules import Plain

Array = NDArray[np.float64]
# Steps of a node are numbered; a linear one may stand behind the mask of its operand.
_NUMBERED = re.compile(r"(?P<name>.+?)(\.(?P<number>\d+))?(\.masked)?")
# Forms of a value that stand for its number; a bit or its digits stand for the choice that it leads to.
_NUMBERS = ("clear", "public", "shared", "masked", "truncated")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Every value that both evaluations have, in the order of the program, with the line it comes from."""

    differences: list[Difference]
    lines: Mapping[str, int]


def compared(lowered: Lowered, values: Mapping[str, Array], *, tolerance: float | None = None) -> Compared:
    """One pass: a batch of inference, or one iteration of training. The bound is the compiler's, or `tolerance`."""
    graph, plan = lowered_graph(lowered), lowered.plan
    sets = data_sets(plan, values)
    wanted = trace(graph, {**values, **{name: _first_rows(whole, values[name]) for name, whole in sets.items()}})
    steps = dict(results(plan, graph))
    twin = _twin(plan, {**values, **sets}, steps)
    reals = {name: real(value, plan, steps[name]) for name, value in twin.items()}
    errors = deviation(plan)
    bounds = {name: errors[step.name] if tolerance is None else tolerance for name, step in steps.items()}
    lines = {name: graph[name].span.line for name in wanted}
    return Compared(differences=differences(wanted, reals, bounds), lines=lines)


def data_sets(plan: Plan, values: Mapping[str, Array]) -> dict[str, Array]:
    """Data that are given once for all iterations: a batch's rows, and those again until there are as many as a plan
    says."""
    given = [step for step in plan.steps() if step.op == "given" and step.word("what") == "data"]
    return {
        step.name: np.resize(values[step.name], step.wire.shape)
        for step in given
        if step.name in values and step.wire.shape[1:] == values[step.name].shape[1:]
        if step.wire.shape[0] != len(values[step.name])
    }


def _first_rows(whole: Array, batch: Array) -> Array:
    """What the first iteration takes, round and round if it takes more than there are."""
    return np.resize(whole, batch.shape)


def lowered_graph(lowered: Lowered) -> Graph:
    return lowered.graphs[-1].graph if lowered.graphs else lowered.compiled.graph


def results(plan: Plan, graph: Graph) -> Iterator[tuple[str, Step]]:
    """For each node the step that makes its value: the last one of its name, as steps of a node are numbered."""
    found: dict[str, tuple[int, Step]] = {}
    for step in plan.steps():
        match = _NUMBERED.fullmatch(step.name)
        if match is None or step.wire.form not in _NUMBERS or step.op == "given":
            continue
        for name, number in ((step.name, 0), (match["name"], int(match["number"] or 0))):
            node = graph.by_name.get(name)
            if node is not None and step.wire.shape == node.shape and number > found.get(name, (-1, step))[0]:
                found[name] = (number, step)
    for node in graph.nodes:
        if node.name in found:
            yield node.name, found[node.name][1]


def twin_results(plan: Plan, values: Mapping[str, Array]) -> dict[str, Array]:
    """What a run of one batch returns, computed by its twin; with coins of nobody."""
    found: dict[str, Array] = {}
    passes = [(section.name, 0) for section in plan.sections]
    twin = Twin(plan, {party: keys.Coins() for party in plan.parties}, Coins(plan, passes))
    for name, iteration in passes:
        computed = twin.run(name, iteration, _given(plan.section(name), values))
        for result in plan.section(name).results:
            if result.to:
                found[result.name] = real(computed[result.value], plan, plan.by_name[result.value])
    return found


def _twin(plan: Plan, values: Mapping[str, Array], steps: Mapping[str, Step]) -> dict[str, object]:
    passes = [(section.name, 0) for section in plan.sections if section.name != "finish"]
    coins = {party: keys.Coins() for party in plan.parties}
    twin = Twin(plan, coins, Coins(plan, passes))
    computed: dict[str, object] = {}
    for name, iteration in passes:
        computed.update(twin.run(name, iteration, _given(plan.section(name), values)))
    return {name: computed[step.name] for name, step in steps.items() if step.name in computed}


def _given(section: Section, values: Mapping[str, Array]) -> dict[str, Array]:
    """What the plan is given, under its names: the first of a carried value is the value."""
    given = [step for step in section.steps if step.op == "given"]
    names = {step.name: step.name.removesuffix(".first") for step in given}
    return {step: np.asarray(values[name], np.float64) for step, name in names.items() if name in values}


def real(value: object, plan: Plan, step: Step) -> Array:
    """The number that a value stands for."""
    if not isinstance(value, Plain):
        return np.asarray(value, np.float64)
    field = plan.modulus_field
    signed = np.where(value.integers > field.largest, value.integers - field.modulus, value.integers)
    return np.ldexp(signed.astype(np.float64), -(step.wire.scale or 0))
