"""Training on mersenne127, where R masks what was truncated: what is truncated or compared next is opened anew."""

from __future__ import annotations

import pytest

from ppc.protocol import lowered
from tests.programs import compiled, program
from tests.runtime.joint_runs import given_to, values_of
from tests.runtime.plans import same_as_twin

SOFTMAX = "softmax_cross_entropy"
LESSONS = "labels from lab\nmodel to lab\nloss = {loss}\nsgd(rate=0.1, batch=2)"


@pytest.mark.parametrize(("body", "loss"), [("dense(4)\ndropout\nrelu\ndense(3)", "mse"), ("dense(3)", SOFTMAX)])
def test_steps_behind_a_truncation(body: str, loss: str) -> None:
    """A product with a mask of dropout, and differences of classes: sums of masks, which are not uniform."""
    text = program("joint { field = mersenne127 }", classes=3, body=body, lessons=LESSONS.format(loss=loss))
    done = compiled(text, train=True)
    plan = lowered(done).plan

    masked = [step for step in plan.steps() if step.op == "mask" and plan.wires[step.inputs[0]].form == "masked"]
    assert masked
    same_as_twin(plan, given_to(plan, values_of(done.graph)))
