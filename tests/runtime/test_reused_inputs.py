"""`reuse inputs`: a data set that is masked once for a run, and whose batches inherit their masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppc.passes.checks.verdict import all_problems
from ppc.plan.messages import bytes_sent, messages
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from tests.programs import compiled, program
from tests.runtime.joint_runs import Values, given_to, trained, values_of
from tests.runtime.plans import same_as_twin

BODY = "conv2d(3, kernel=3)\navg_pool(2)\nrelu\ndense(4)"
LESSONS = "{reuse}labels from lab\nmodel to lab\nloss = mse\nsgd(rate=0.1, batch=2)"
JOINT = "joint { field = mersenne61 }"
EXAMPLES, BATCH, ITERATIONS = 5, 2, 3  # the third batch holds the last example and the first


def training(reuse: bool) -> Any:
    lessons = LESSONS.replace("{reuse}", f"reuse inputs of {EXAMPLES}\n" if reuse else "")
    return compiled(program(JOINT, classes=4, body=BODY, lessons=lessons), train=True)


def image_row(plan: Plan) -> int:
    """What the owner of the image sends of it in an iteration."""
    each = plan.section("each")
    masks = [step for step in each.steps if step.op == "mask" and step.inputs[0].startswith("image")]
    return sum(m.bytes for m in messages(plan, each) if m.step in {step.name for step in masks})


def payloads(plan: Plan, party: str) -> int:
    """What a party sends in an iteration, without the headers of frames."""
    return sum(message.bytes for message in messages(plan, plan.section("each")) if message.sender == party)


@pytest.mark.parametrize("level", [1, 2])
def test_exactly_the_image_row_is_saved(level: int) -> None:
    """In each iteration its owner sends so many bytes less, and nobody anything more; it is paid for once."""
    with_reuse, without = (lowered(training(reuse), level=level).plan for reuse in (True, False))
    saved = {party: payloads(without, party) - payloads(with_reuse, party) for party in without.parties}
    image = 2 * 8 * 8 * 8 * without.modulus_field.words

    assert image_row(without) == BATCH * image
    assert image_row(with_reuse) == 0
    assert saved == {"hospital": image_row(without), "lab": 0}
    assert bytes_sent(with_reuse, with_reuse.section("setup"), "hospital") == EXAMPLES * image + 16
    assert with_reuse.section("each").rounds <= without.section("each").rounds
    assert all_problems(with_reuse) == []


def test_three_iterations_of_a_reused_data_set() -> None:
    """The run is its twin in every value and mask, and trains what clear training trains, batch after batch."""
    done = training(reuse=True)
    plan = lowered(done).plan
    values = values_of(done.graph)
    data = np.random.default_rng(3).uniform(0.0, 1.0, (EXAMPLES, 2, 8, 8))
    rows = [(np.arange(BATCH) + BATCH * turn) % EXAMPLES for turn in range(ITERATIONS)]
    batches: list[Values] = [{"image": data[chosen]} for chosen in rows]
    transcript = same_as_twin(plan, given_to(plan, {**values, "image": data}), iterations=ITERATIONS)
    wanted = trained(done.graph, values, batches)

    found = transcript.outcome.result("lab", "finish")
    assert found
    for name, value in found.items():
        assert np.abs(np.asarray(value) - wanted[name]).max() < 1e-3, name
    (batch,) = [step.name for step in plan.steps() if step.op == "batch"]
    whole = transcript.opened(plan.by_name[batch].inputs[0], "setup")
    for turn, chosen in enumerate(rows):
        assert np.array_equal(transcript.opened(batch, iteration=turn), whole[chosen])
        assert np.array_equal(
            transcript.value(batch, iteration=turn), transcript.value(plan.by_name[batch].inputs[0], "setup")[chosen]
        )


def test_data_that_one_party_computes_with_are_given_batch_by_batch() -> None:
    """Nothing of it is masked, so nothing could be saved."""
    facts = (JOINT, "conv1 public in -1..1")
    lessons = LESSONS.replace("{reuse}", f"reuse inputs of {EXAMPLES}\n")
    plan = lowered(compiled(program(*facts, classes=4, body=BODY, lessons=lessons), train=True)).plan

    assert plan.by_name["image"].wire.shape[0] == BATCH
    assert not [step for step in plan.steps() if step.op == "batch"]
