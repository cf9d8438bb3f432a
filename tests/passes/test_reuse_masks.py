"""reuse_masks: the rows of the paper's tables on a net small enough to count, and what level 2 saves."""

from __future__ import annotations

import pytest
from hypothesis import given

from ppc.plan.build import PlanBuilder, reinfer
from ppc.plan.ops import PLAN_OPS, SECRETS
from ppc.plan.steps import Carry, Plan
from ppc.plan.text import parse, show
from ppc.plan.wires import Wire
from tests.passes.random_plans import PLANS
from tests.passes.small_plans import (
    BATCH,
    CHANNELS,
    CLASSES,
    FLAT,
    PIXELS,
    POOLED,
    cubic,
    finished,
    opened,
    relu,
    rows,
    stages,
)

WEIGHTS1, WEIGHTS2, LOGITS = CHANNELS * 9, CLASSES * FLAT, BATCH * CLASSES


def test_every_operand_at_every_use() -> None:
    """Level 0, row by row: windows, squares as general products, the gradient behind the pool's copy."""
    assert rows(finished(cubic(0))) == {
        "conv forward": 9 * PIXELS + WEIGHTS1,
        "relu forward": 2 * POOLED + 2 * POOLED,
        "dense forward": POOLED + WEIGHTS2,
        "dense backward": (POOLED + LOGITS) + (LOGITS + WEIGHTS2),
        "relu backward": 2 * POOLED + 2 * POOLED,
        "conv backward": 9 * PIXELS + PIXELS * CHANNELS,
    }


def test_every_value_once() -> None:
    """Level 1: the image itself, x and x², one gradient for each layer, in front of the pool's copy."""
    assert rows(finished(cubic(1))) == {
        "conv forward": PIXELS + WEIGHTS1,
        "relu forward": POOLED + POOLED,
        "dense forward": POOLED + WEIGHTS2,
        "dense backward": LOGITS,
        "relu backward": POOLED,
        "conv backward": POOLED,
    }


def test_one_opening_serves_truncation_sign_and_the_way_back() -> None:
    """Level 2, in the order of the program: who reads each opening."""
    plan = finished(relu())
    readers = {
        step.inputs[0]: [user.name for user in plan.section("each").steps if step.name in user.inputs]
        for step in opened(plan)
    }

    assert readers == {
        "x": ["conv.wide", "to_w1"],
        "w1": ["conv.wide"],
        "conv.pooled": ["conv", "bit.digits"],
        "positive": ["flat.masked"],
        "w2": ["w2.short"],
        "w2.short": ["logits", "to_flat"],
        "gradient": ["to_w2", "to_flat"],
        "shaped": ["back"],
        "through": ["to_w1"],
    }


def test_the_bit_is_about_the_very_number_that_was_truncated() -> None:
    """One shift and one offset, so one rounding coin."""
    plan = finished(relu())
    digits, truncation = plan.by_name["bit.digits"], plan.by_name["conv"]

    assert digits.inputs == truncation.inputs
    assert digits.integer("shift") == truncation.integer("shift")
    assert digits.integers("offsets") == (truncation.integer("offset"),)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_digits_cover_the_range_and_no_more(level: int) -> None:
    """x + offset lies in [0, 2^(K+1+shift)) with room for a carry; one digit less would not do."""
    plan = finished(relu(level, "mersenne61"))
    digits = plan.by_name["bit.digits"]
    x, shift = plan.wires[digits.inputs[0]], digits.integer("shift")
    low, high = x.low or 0, x.high or 0
    (offset,) = digits.integers("offsets")

    def fits(count: int) -> bool:
        top = 1 << 4 * count
        moved = offset + ((top - (1 << 4 * digits.integer("digits"))) << shift)
        return low + moved >= 0 and ((high + moved) >> shift) + 1 < 2 * top

    assert fits(digits.integer("digits"))
    assert not fits(digits.integer("digits") - 1)


def test_below_level_2_a_comparison_opens_what_it_compares() -> None:
    for level in (0, 1):
        plan = finished(relu(level))
        digits = plan.by_name["bit.digits"]

        assert digits.integer("shift") == 0
        assert plan.by_name[digits.inputs[0]].inputs == ("conv",)


def test_in_the_wide_field_a_truncated_value_is_masked_already() -> None:
    """One opening for each truncated value: neither the weights nor what is chosen is opened again."""
    plan = finished(relu(2, "mersenne127"))

    assert {step.inputs[0] for step in opened(plan)} == {
        "x", "w1", "conv.pooled", "positive", "w2", "gradient", "shaped", "through",
    }  # fmt: skip
    assert [step.inputs[0] for step in opened(plan) if step.flag("short")] == ["conv.pooled", "w2", "shaped"]
    assert {plan.wires[name].form for name in ("conv", "w2.short", "back")} == {"masked"}


def test_a_mask_is_short_only_if_it_hides_the_value() -> None:
    def truncated(bits: int) -> Plan:
        builder = PlanBuilder(Plan(name="n", field="mersenne127", parties=("a", "b"), level=2, batch=1))
        builder.section = "each"
        wire = Wire(form="shared", shape=(2,), scale=40, low=-(1 << bits) + 1, high=(1 << bits) - 1)
        builder.carry(Carry(name="x", first="x", then="x", wire=wire))
        builder.add("truncate", ("x",), {"shift": 20}, name="y")
        return finished(builder.plan("scaled"))

    assert truncated(64).wires["y"].form == "masked"
    assert truncated(65).wires["y"].form == "truncated"


def test_what_setup_made_is_masked_there_once() -> None:
    """Weights that no iteration changes: their opening costs nothing in the body, their reshaped form neither."""
    builder = PlanBuilder(Plan(name="n", field="mersenne61", parties=("client", "server"), level=1, batch=1))
    wire = Wire(form="clear", at="server", shape=(2, 6), scale=16, low=-9, high=9)
    builder.add("given", attrs={"what": "parameter"}, name="w", wire=wire)
    builder.section = "each"
    builder.add("given", attrs={"what": "data"}, name="x", wire=wire)
    builder.add("reshape", ("w",), name="turned", shape=(6, 2))
    builder.add("product", ("x", "w"), {"map": "multiply"}, name="y")
    builder.add("product", ("x", "turned"), {"map": "matmul"}, name="z")
    plan = finished(builder.plan("scaled"))

    assert [step.inputs for step in opened(plan, "setup")] == [("w",)]
    assert [step.inputs for step in opened(plan)] == [("x",)]
    assert plan.by_name["z"].inputs == ("x.masked", "turned.masked")


def test_a_value_read_at_another_scale_is_chosen_without_an_opening() -> None:
    builder = PlanBuilder(Plan(name="n", field="mersenne61", parties=("client", "server"), level=2, batch=1))
    builder.section = "each"
    wire = Wire(form="shared", shape=(4,), scale=32, low=-(2**30), high=2**30)
    builder.carry(Carry(name="x", first="x", then="x", wire=wire))
    builder.add("truncate", ("x",), {"shift": 16}, name="t")
    builder.add("rescale", ("t",), {"to": 18}, name="quarter")
    builder.add("compare", ("quarter",), {"knots": (1,)}, name="bit")
    builder.add("select", ("bit", "quarter"), {"slopes": (1,), "knots": (0,)}, name="y")
    builder.add("product", ("y", "y"), {"map": "multiply"}, name="z")
    before = builder.plan("scaled")
    plan = finished(before)

    assert [step.inputs[0] for step in opened(plan)] == ["x", "y.chosen"]
    assert plan.by_name["bit.digits"].integer("shift") == 16
    made, wanted = plan.wires["y.masked"], before.wires["y"]
    assert (made.scale, made.low, made.high) == (wanted.scale, wanted.low, wanted.high) == (18, 0, 2**14 + 1)


def test_a_coarse_comparison_shares_the_truncation_s_opening() -> None:
    builder = PlanBuilder(Plan(name="n", field="mersenne61", parties=("client", "server"), level=2, batch=1))
    builder.section = "each"
    wire = Wire(form="shared", shape=(4,), scale=40, low=-(2**50), high=2**50)
    builder.carry(Carry(name="w", first="w", then="w", wire=wire))
    builder.add("compare", ("w",), {"knots": (3 << 45, -2 << 45), "coarse": 45}, name="bits")
    certified = {"by": "bits", "low": -2 << 45, "high": 4 << 45}
    builder.add("truncate", ("w",), {"shift": 24}, name="t")
    builder.add("certified", ("t",), {**certified, "low": -2 << 21, "high": 4 << 21}, name="u")
    builder.add("product", ("u", "u"), {"map": "multiply"}, name="z")
    plan = finished(builder.plan("scaled"))

    assert [step.inputs[0] for step in opened(plan)] == ["w", "t"]
    digits = plan.by_name["bits.digits"]
    assert (digits.integer("shift"), digits.integer("digits")) == (45, 2)
    assert digits.integers("offsets") == ((256 - 3) << 45, (256 + 2) << 45)
    assert digits.wire.shape == (2, 4)


@given(PLANS)
def test_masked_plans_keep_the_rules_of_the_ops(plan: Plan) -> None:
    """At every stage the plan is the same after text and inference; operands have the forms that their step takes."""
    for step in stages(plan):
        assert parse(show(step.plan)) == step.plan
        assert reinfer(step.plan) == step.plan
    made = finished(plan)
    for step in made.steps():
        takes = PLAN_OPS[step.op].takes
        for place, name in enumerate(step.inputs):
            assert made.wires[name].form in takes[min(place, len(takes) - 1)], (step.name, name)


@given(PLANS)
def test_every_secret_is_used_by_one_step(plan: Plan) -> None:
    made = finished(plan)
    names = [step.word(kind) for step in made.steps() for kind in SECRETS if step.word(kind)]

    assert len(names) == len(set(names))


@given(PLANS)
def test_values_stay_what_they_were(plan: Plan) -> None:
    """Shape and scale of whatever had a name and is still there; its range is no wider."""
    made = finished(plan)
    for name, wire in plan.wires.items():
        if name in made.wires:
            after = made.wires[name]

            assert (after.shape, after.scale) == (wire.shape, wire.scale)
            if wire.low is not None:
                assert wire.low <= (after.low or 0) <= (after.high or 0) <= (wire.high or 0)


@given(PLANS)
def test_from_level_1_on_nothing_is_opened_twice(plan: Plan) -> None:
    values = [step.inputs[0] for section in ("setup", "each") for step in opened(finished(plan), section)]

    assert plan.level == 0 or len(values) == len(set(values))
