"""choose_masks: which products need no share, and so no correction."""

from __future__ import annotations

from hypothesis import given

from ppc.passes.choose_masks import ChooseMasks
from ppc.passes.reuse_masks import ReuseMasks
from ppc.plan.build import PlanBuilder
from ppc.plan.material import corrections
from ppc.plan.steps import Carry, Plan, Result
from ppc.plan.text import parse, show
from ppc.plan.wires import Wire
from tests.passes.random_plans import PLANS
from tests.passes.small_plans import BATCH, CHANNELS, CLASSES, FLAT, POOLED, relu

LOGITS = BATCH * CLASSES

SCALED = Wire(form="shared", shape=(4,), scale=16, low=-(2**16), high=2**16)


def chosen(plan: Plan) -> dict[str, str]:
    return {step.name: step.word("into") for step in ChooseMasks().run(plan).steps() if step.word("into")}


def masked(plan: Plan) -> Plan:
    return ReuseMasks().run(plan)


def product(*behind: tuple[str, tuple[str, ...]], shift: int = 16, read: bool = False) -> Plan:
    """x·x, what is done with it, and a truncation of the last value; `read` hands the product on as well."""
    builder = PlanBuilder(Plan(name="n", field="mersenne61", parties=("client", "server"), level=2, batch=1))
    builder.section = "each"
    builder.carry(Carry(name="x", first="x", then="x", wire=SCALED))
    last = builder.add("product", ("x", "x"), {"map": "multiply"}, name="p").name
    for op, inputs in behind:
        attrs = {"offset": {"constant": 5}, "rescale": {"to": 30}, "times": {"factor": 3}}.get(op, {})
        last = builder.add(op, inputs, attrs, shape=(2, 2) if op == "reshape" else None).name
    builder.add("truncate", (last,), {"shift": shift})
    if read:
        builder.result(Result(name="p", value="p"))
    return masked(builder.plan("scaled"))


def test_the_products_of_a_training_step_that_are_opened_only_to_be_truncated() -> None:
    """The convolution and the gradient at the ReLU; the logits and the weights' gradients keep their shares."""
    plan = masked(relu())
    before = sum(c.elements for c in corrections(plan, plan.section("each")) if c.kind == "product of masks")
    after = ChooseMasks().run(plan)

    assert set(chosen(plan)) == {"conv.wide", "to_flat"}
    assert before == 2 * POOLED + LOGITS + CLASSES * FLAT + CHANNELS * 9
    assert sum(c.elements for c in corrections(after, after.section("each")) if c.kind == "product of masks") == (
        before - 2 * POOLED
    )


def test_a_product_may_be_added_to_something_or_read_in_another_shape() -> None:
    assert chosen(product()) == {"p": "m2"}
    assert chosen(product(("add", ("p", "x")))) == {"p": "m2"}
    assert chosen(product(("subtract", ("p", "x")))) == {"p": "m2"}
    assert chosen(product(("offset", ("p",)), ("rescale", ("offset",)), ("reshape", ("rescale",)))) == {"p": "m2"}


def test_a_product_with_a_factor_or_with_another_reader_keeps_its_share() -> None:
    assert chosen(product(("subtract", ("x", "p")))) == {}
    assert chosen(product(("times", ("p",)))) == {}
    assert chosen(product(("add", ("p", "p")))) == {}
    assert chosen(product(read=True)) == {}


def test_a_mask_takes_up_one_product() -> None:
    builder = PlanBuilder(Plan(name="n", field="mersenne61", parties=("client", "server"), level=2, batch=1))
    builder.section = "each"
    builder.carry(Carry(name="x", first="x", then="x", wire=SCALED))
    for name in ("p", "q"):
        builder.add("product", ("x", "x"), {"map": "multiply"}, name=name)
    builder.add("add", ("p", "q"))
    builder.add("truncate", ("add",), {"shift": 16})

    assert chosen(masked(builder.plan("scaled"))) == {"p": "m2"}


def test_no_mask_is_chosen_that_a_product_reads_or_that_is_short() -> None:
    builder = PlanBuilder(Plan(name="n", field="mersenne61", parties=("client", "server"), level=2, batch=1))
    builder.section = "each"
    builder.carry(Carry(name="x", first="x", then="x", wire=SCALED))
    builder.add("product", ("x", "x"), {"map": "multiply"}, name="p")
    builder.add("truncate", ("p",), {"shift": 16})
    builder.add("product", ("p", "x"), {"map": "multiply"})

    assert chosen(masked(builder.plan("scaled"))) == {}
    assert chosen(masked(relu(2, "mersenne127"))) == {}


def test_below_level_2_nothing_changes() -> None:
    for level in (0, 1):
        plan = masked(relu(level))

        assert ChooseMasks().run(plan) == plan


@given(PLANS)
def test_a_chosen_mask_is_one_of_the_plan_and_chosen_once(plan: Plan) -> None:
    made = ChooseMasks().run(masked(plan))
    into = [step.word("into") for step in made.steps() if step.word("into")]

    assert len(into) == len(set(into))
    assert set(into) <= {step.word("mask") for step in made.steps()}
    assert all(not step.word("share") for step in made.steps() if step.word("into"))
    assert ChooseMasks().run(made) == made
    assert parse(show(made)) == made
