"""Right answers counted on shares: of the weights that a training hands on, over batches, with one number opened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppc.compiler import compile_program
from ppc.errors import PpcError
from ppc.field import Words, from_integers
from ppc.leak.contract import contract
from ppc.passes.checks.rules import Rule
from ppc.passes.checks.verdict import all_problems
from ppc.plan.kept import kept, taken
from ppc.plan.steps import Plan
from ppc.plan.text import parse, show
from ppc.protocol import Lowered, lowered
from ppc.reference import evaluate
from tests.handmade_plans import broken
from tests.programs import program
from tests.runtime.joint_runs import Values, given_to, values_of
from tests.runtime.plans import run, same_as_twin

NARROW, WIDE = "joint { field = mersenne61 }", "joint { field = mersenne127, truncation = local, fraction = 16 }"
LESSONS = "labels from {owner}\nmodel to lab\nevaluate accuracy to lab\nloss = mse\nsgd(rate=0.02, batch=4)"
BODY = "conv2d(3, kernel=3)\navg_pool(2)\nrelu\ndense(5)"
BATCH = 4


def made(joint: str, level: int, owner: str) -> tuple[Lowered, Lowered]:
    """A training, and what measures it."""
    text = program(joint, classes=5, body=BODY, lessons=LESSONS.replace("{owner}", owner))
    training = lowered(compile_program(text, train=True), level=level)
    wires, field = kept(training.plan), training.plan.field
    return training, lowered(compile_program(text, evaluate=True, kept=wires), level=level, field=field)


def on_shares(plan: Plan, weights: Values) -> dict[str, Words]:
    """Weights as a training would have left them."""
    found: dict[str, Words] = {}
    for step in taken(plan):
        integers = np.rint(np.ldexp(weights[step.name], step.wire.scale or 0)).astype(object)
        found[step.name] = from_integers(np.vectorize(int, otypes=[object])(integers), plan.modulus_field)
    return found


def given(plan: Plan, weights: Values, rows: int) -> tuple[dict[str, Any], Values]:
    """Weights on shares, images, and labels of which some rows are padding."""
    generator = np.random.default_rng(7)
    images = generator.uniform(0.0, 1.0, (BATCH, 2, 8, 8))
    labels = np.eye(5)[generator.integers(0, 5, BATCH)]
    labels[rows:] = 0.0
    values: Values = {"image": images, "labels": labels}
    return {**given_to(plan, {**weights, **values}), **on_shares(plan, weights)}, values


@pytest.mark.parametrize(
    ("joint", "level", "owner"), [(NARROW, 2, "hospital"), (NARROW, 0, "lab"), (WIDE, 1, "hospital"), (WIDE, 2, "lab")]
)
def test_right_answers_of_all_batches_are_added_up(joint: str, level: int, owner: str) -> None:
    """The run is its twin; the lab learns one number, and the hospital nothing but that no weight is out of bounds."""
    training, counting = made(joint, level, owner)
    plan, weights = counting.plan, values_of(training.compiled.graph)
    brought, values = given(plan, weights, rows=3)
    transcript = same_as_twin(plan, brought, iterations=3, variant="slow")
    graph = counting.compiled.graph
    wanted = float(evaluate(graph, {**weights, **values})["right"])

    assert transcript.outcome.result("lab", "finish") == {"right": 3 * wanted}
    assert transcript.outcome.result("hospital", "finish") == {}
    assert all_problems(plan) == []
    assert {(one.party, one.value, one.grant) for one in contract(plan).seen if one.grant != "own"} == {
        ("lab", "right.to_lab", "accuracy"),
        ("lab", "check.outside", "check"),
        ("hospital", "check.outside", "check"),
    }


def test_answers_are_right_where_no_score_is_above_that_of_the_label() -> None:
    """Against a plain count, on scores of which none is near another."""
    training, counting = made(NARROW, 2, "hospital")
    graph, weights = counting.compiled.graph, values_of(training.compiled.graph)
    _, values = given(counting.plan, weights, rows=BATCH)
    found = evaluate(graph, {**weights, **values})

    best = found["result"].argmax(axis=1)
    assert float(found["right"]) == (best == values["labels"].argmax(axis=1)).sum()


# ---- what is added up ----


def mutated(plan: Plan, old: str, new: str) -> set[Rule]:
    text = show(plan)
    assert text.count(old) == 1
    return broken(parse(text.replace(old, new)))


def test_a_tally_is_carried_from_zero_on() -> None:
    plan = made(NARROW, 2, "hospital")[1].plan
    most = str(1 << 20)

    assert Rule.STATED in mutated(plan, f'"most": {most}', f'"most": {most}0')
    assert Rule.STATED in mutated(plan, "then right.so_far", "then right.before")


def test_a_tally_has_an_end() -> None:
    """Beyond it the sum would have no range."""
    plan = made(NARROW, 2, "hospital")[1].plan
    few = parse(show(plan).replace(f'"most": {1 << 20}', '"most": 2'))
    weights = values_of(made(NARROW, 2, "hospital")[0].compiled.graph)
    brought, _ = given(few, weights, rows=BATCH)
    assert run(few, brought, iterations=2, variant="slow").outcome.result("lab", "finish")
    with pytest.raises(PpcError) as caught:
        run(few, brought, iterations=3, variant="slow")
    assert caught.value.diagnostics[0].code == "PPC656"
