"""Public convolutions before private dense layers, dropout with public coins, and a sigmoid of odd powers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ppc.compiler import compile_program
from ppc.ir.types import Interval
from ppc.passes.checks.verdict import all_problems
from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire
from ppc.protocol import Lowered, lowered
from ppc.reference import evaluate
from ppc.runtime.keys import artifact_hash
from ppc.runtime.roles.coins import dropout_mask
from tests.programs import compiled, program
from tests.runtime.joint_runs import Values, given_to, values_of
from tests.runtime.plans import same_as_twin

BODY = "conv2d(2, kernel=3)\nsigmoid\navg_pool(2)\ndropout(25%)\ndense(6)\nsigmoid(poly=9)\ndropout\ndense(3)"
FACTS = ("joint { field = mersenne127, fraction = 16 }", "weights from lab in -0.25..0.25", "conv1 public in -1..1")
LESSONS = (
    "labels from hospital\nlogits to hospital\nmodel to lab\nloss = softmax_cross_entropy\nsgd(rate=0.05, batch=4)"
)
TURNS = 3


def training(level: int) -> Lowered:
    return lowered(compiled(program(*FACTS, classes=3, body=BODY, lessons=LESSONS), train=True), level=level)


def masks(plan: Plan, iteration: int) -> Values:
    steps = [step for step in plan.steps() if step.word("what") == "mask"]
    return {step.name: dropout_mask(step, artifact_hash(plan), iteration) for step in steps}


def learned(made: Lowered, values: Mapping[str, Any]) -> Values:
    state = dict(values)
    for iteration in range(TURNS):
        found = evaluate(made.compiled.graph, {**state, **masks(made.plan, iteration)})
        state.update({name: value for name, value in found.items() if name in state})
    return state


@pytest.mark.parametrize("level", [1, 2])
def test_private_layers_learn_behind_public_ones(level: int) -> None:
    """Bit for bit the twin, near to float with the same masks; and the public layer stays as it is."""
    made = training(level)
    plan = made.plan
    values = values_of(made.compiled.graph, size=0.2)
    given = given_to(plan, {**values, **masks(plan, 0)})
    transcript = same_as_twin(
        plan, given, iterations=TURNS, turns=lambda iteration: masks(plan, iteration), variant="slow"
    )
    wanted, found = learned(made, values), transcript.outcome.result("lab", "finish")

    assert {"dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"} == found.keys()
    for name, value in found.items():
        assert np.abs(np.asarray(value) - wanted[name]).max() < 2e-3, name
        assert np.abs(np.asarray(value) - values[name]).max() > 1e-4, name
    assert all_problems(plan) == []


def test_features_are_computed_by_their_owner_alone() -> None:
    """The convolution opens nothing, and what the first dropout drops never leaves its owner."""
    plan = training(2).plan
    steps = plan.by_name

    assert (steps["conv1"].wire.form, steps["conv1"].wire.at) == ("clear", "hospital")
    assert (steps["dropout1"].wire.form, steps["dropout1"].wire.at) == ("clear", "hospital")
    assert steps["dropout2.mask"].wire.form == "public"


# ---- the coins of a dropout ----


def given_mask(rate: float, size: int = 20_000) -> Step:
    kept = 1.0 / (1.0 - rate)
    wire = Wire(form="public", shape=(size,), bounds=Interval(0.0, kept))
    return Step(name="dropout1.mask", op="given", attrs={"what": "mask"}, wire=wire)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9])
def test_a_mask_drops_so_many_and_keeps_the_mean(rate: float) -> None:
    """As torch: what stays is divided by the share that stays. Within five standard deviations."""
    mask = dropout_mask(given_mask(rate), "plan", 3)
    spread = 5 * (rate * (1 - rate) / mask.size) ** 0.5

    assert {*np.unique(mask)} <= {0.0, 1.0 / (1.0 - rate)}
    assert abs((mask == 0).mean() - rate) <= spread
    assert abs(mask.mean() - 1.0) <= spread / (1.0 - rate) + 1e-12


def test_a_mask_is_another_one_for_every_iteration_layer_and_plan() -> None:
    """And the same for whoever asks again: both parties, the dealer, and a training that goes on."""
    step = given_mask(0.5)
    first = dropout_mask(step, "plan", 3)
    others = [
        dropout_mask(step, "plan", 4),
        dropout_mask(replace(step, name="dropout2.mask"), "plan", 3),
        dropout_mask(step, "another plan", 3),
    ]

    assert np.array_equal(first, dropout_mask(step, "plan", 3))
    for other in others:
        assert 0.45 < (other == first).mean() < 0.55


# ---- odd powers ----


@pytest.mark.parametrize("level", [1, 2])
def test_an_odd_polynomial_makes_no_power_that_it_does_not_need(level: int) -> None:
    """x², and from it x³, x⁵, x⁷ and x⁹: five products where a full polynomial has eight."""
    weights = "weights from lab in -0.02..0.02"
    text = program("joint { field = mersenne127 }", weights, classes=2, body="dense(2)\nsigmoid(poly=9)\ndense(2)")
    plan = lowered(compile_program(text), level=level).plan
    made = [step for step in plan.steps() if step.op == "product" and step.word("map") == "multiply"]

    assert len(made) == 5
