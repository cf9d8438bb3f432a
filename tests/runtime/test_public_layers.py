"""Layers whose weights are public: nothing is opened for their products, and training leaves them as they are."""

from __future__ import annotations

import numpy as np
import pytest

from ppc.plan.steps import Plan
from ppc.protocol import lowered
from tests.programs import compiled, program
from tests.runtime.joint_runs import given_to, trained, values_of
from tests.runtime.plans import same_as_twin

BODY = """
    conv2d(4, kernel=3, padding=same)
    avg_pool(2)
    relu
    conv2d(3, kernel=3)
    relu
    dense(4)
"""
LESSONS = """
    labels from hospital
    logits to   hospital
    model  to   lab
    loss = softmax_cross_entropy
    sgd(rate=0.1, batch=2)
"""
FIRST, SECOND = "conv1 public in -1..1", "conv2 public in -1..1"


def training_plan(*facts: str, level: int = 2) -> Plan:
    text = program("joint", *facts, classes=4, body=BODY, lessons=LESSONS)
    return lowered(compiled(text, train=True), level=level).plan


def products(plan: Plan, layer: str) -> list[str]:
    return [step.op for step in plan.steps() if step.layer == layer and step.op in ("product", "apply", "compute")]


def opened(plan: Plan, layer: str) -> list[str]:
    """The operands of the layer that are masked, by the values that they mask."""
    return [step.inputs[0] for step in plan.steps() if step.op == "mask" and step.layer == layer]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_public_layer_between_private_ones_opens_nothing(level: int) -> None:
    """Its products are linear steps, and only rescaling opens something: the results, never an operand."""
    plan = training_plan(SECOND, level=level)

    assert set(products(plan, "conv2")) == {"apply"}
    assert not {"conv2.weight", "conv2.bias"} & {carry.name for carry in plan.section("each").carries}
    truncated = {name for step in plan.steps() if step.op in ("truncate", "digits") for name in step.inputs}
    masks = [step for step in plan.steps() if step.op == "mask" and step.layer == "conv2"]
    assert masks
    assert {step.name for step in masks} <= truncated
    assert not any("conv2" in step.name for step in plan.steps() if step.phase in ("check", "update"))


def test_a_public_layer_before_private_ones_costs_nothing() -> None:
    """Whoever holds the input computes it alone, so nothing of it is opened at all."""
    plan = training_plan(FIRST)

    assert products(plan, "conv1") == ["compute"]
    assert opened(plan, "conv1") == []


@pytest.mark.parametrize("fact", [FIRST, SECOND])
def test_training_around_a_public_layer(fact: str) -> None:
    """Two steps: the run is its twin to the bit, trains what clear training trains, and sends what is predicted."""
    done = compiled(program("joint", fact, classes=4, body=BODY, lessons=LESSONS), train=True)
    plan = lowered(done).plan
    values = values_of(done.graph)
    transcript = same_as_twin(plan, given_to(plan, values), iterations=2)
    wanted = trained(done.graph, values, [{}, {}])

    found = transcript.outcome.result("lab", "finish")
    layer = fact.split()[0]
    assert set(found) == {name for name in done.graph.by_name if name.endswith((".weight", ".bias"))} - {
        f"{layer}.weight",
        f"{layer}.bias",
    }
    for name, value in found.items():
        assert np.abs(np.asarray(value) - wanted[name]).max() < 1e-3, name


def test_public_layers_of_inference() -> None:
    """A network of which all weights are public needs no protocol."""
    text = program("joint", FIRST, SECOND, "dense1 public", classes=4, body=BODY)
    plan = lowered(compiled(text)).plan

    assert {step.op for step in plan.steps()} <= {"given", "compute", "encode", "reveal", "decode"}


def test_a_public_batch_norm_is_not_trained() -> None:
    """Its statistics stay as they are, so that it may stand in a model that is trained jointly."""
    body = "conv2d(4, kernel=3)\nbatch_norm\nrelu\ndense(4)"
    facts = ("joint", FIRST, "batch_norm1 public in 0.1..1")
    done = compiled(program(*facts, classes=4, body=body, lessons=LESSONS), train=True)

    assert not done.graph.with_op("batch_variance")
    assert lowered(done).plan.section("each").carries
