"""fuse_kernels: how often memory is gone over, before and after."""

from __future__ import annotations

from hypothesis import given

from ppc.passes.fuse_kernels import elementwise, loops, reads_by_element
from ppc.passes.plan_base import handed_on, users
from ppc.plan.steps import Plan
from tests.passes.random_plans import PLANS
from tests.passes.small_plans import relu, stages


def test_the_loops_of_a_training_step() -> None:
    """What is chosen by the sign is truncated, chosen and masked in one loop, forward and backward."""
    before, after = (step.plan for step in stages(relu())[-2:])
    inline = {step.name for step in after.steps() if step.flag("inline")}

    assert inline == {"conv.pooled", "conv", "positive", "w2.short", "back", "through", "w1.step", "w2.step"}
    assert loops(before.section("each")) - loops(after.section("each")) == len(inline)
    assert loops(after.section("each")) == 12


@given(PLANS)
def test_what_is_inline_is_read_once_by_a_loop_over_the_same_elements(plan: Plan) -> None:
    made = stages(plan)[-1].plan
    readers, handed = users(made), handed_on(made)
    for step in made.steps():
        if step.flag("inline"):
            (reader,) = readers[step.name]

            assert elementwise(step)
            assert reads_by_element(reader, step)
            assert step.name not in handed
