"""Weights that a training left on shares: a plan that predicts with them, and one that goes on training them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppc.compiler import compile_program
from ppc.errors import PpcError
from ppc.field import Words, from_integers
from ppc.passes.checks.verdict import all_problems
from ppc.plan.kept import kept, taken
from ppc.plan.steps import Plan
from ppc.protocol import Lowered, lowered
from ppc.reference import evaluate
from tests.programs import program
from tests.runtime.joint_runs import Values, given_to, trained, values_of
from tests.runtime.plans import Transcript, same_as_twin

NARROW, WIDE = "joint { field = mersenne61 }", "joint { field = mersenne127, truncation = local, fraction = 16 }"
LESSONS = "labels from lab\nmodel kept shared\nloss = mse\nsgd(rate=0.02, batch=2, momentum=0.5)"
BODY = "conv2d(3, kernel=3)\navg_pool(2)\nrelu\ndense(4)"
TURNS = 2


def source(joint: str) -> str:
    return program(joint, classes=4, body=BODY, lessons=LESSONS)


def training(joint: str, level: int) -> Lowered:
    return lowered(compile_program(source(joint), train=True), level=level)


def left(plan: Plan, transcript: Transcript) -> dict[str, Words]:
    """The sum of both parties' shares of everything that is carried, after the last iteration."""
    carries = plan.section("each").carries
    found = {carry.name: transcript.value(carry.then, "each", TURNS - 1) for carry in carries}
    return {name: from_integers(value, plan.modulus_field) for name, value in found.items()}


def begun_with(plan: Plan, shares: dict[str, Words], values: Values) -> dict[str, Any]:
    own = {step.name: shares[step.name.removesuffix(".first")] for step in taken(plan)}
    given = given_to(plan, {**values, **shares})
    return {**given, **own}


@pytest.mark.parametrize(("joint", "level"), [(NARROW, 0), (NARROW, 2), (WIDE, 1), (WIDE, 2)])
def test_what_was_trained_predicts_and_goes_on_training(joint: str, level: int) -> None:
    first = training(joint, level)
    values = values_of(first.compiled.graph)
    batch = {name: values[name] for name in ("image", "labels")}
    shares = left(first.plan, same_as_twin(first.plan, given_to(first.plan, values), iterations=TURNS))
    wires = kept(first.plan)

    after = trained(first.compiled.graph, values, [batch] * TURNS)
    _predicts(source(joint), level, first.plan, shares, after)
    more = lowered(compile_program(source(joint), train=True, kept=wires), level=level, field=first.plan.field).plan
    assert kept(more) == wires  # so it may go on for ever
    assert all_problems(more) == []
    again = left(more, same_as_twin(more, begun_with(more, shares, values), iterations=TURNS))
    wanted = trained(first.compiled.graph, values, [batch] * (2 * TURNS))
    for name in wires:
        if not name.endswith(".momentum"):
            assert np.abs(_reals(more, name, again[name]) - wanted[name]).max() < 1e-3, name


def _predicts(text: str, level: int, before: Plan, shares: dict[str, Words], weights: Values) -> None:
    """The answer of the trained weights, which nobody holds, and one check of their bounds in setup."""
    compiled = compile_program(text, batch=3, kept=kept(before))
    plan = lowered(compiled, level=level, field=before.field).plan
    assert all_problems(plan) == []
    assert [step.phase for step in plan.section("setup").steps if step.op == "reveal"] == ["check"]
    image = np.random.default_rng(5).uniform(0.0, 1.0, (3, 2, 8, 8))
    transcript = same_as_twin(plan, begun_with(plan, shares, {"image": image}), iterations=2)
    found = transcript.outcome.result("hospital", "each", 1)["result"]
    wanted = evaluate(compiled.after("source"), {**weights, "image": image})["result"]
    assert np.abs(np.asarray(found) - wanted).max() < 1e-2


def _reals(plan: Plan, name: str, elements: Words) -> Any:
    from ppc.field import decode

    return decode(elements, plan.modulus_field, fraction=plan.wires[name].scale or 0)


def test_weights_out_of_their_bounds_end_the_run() -> None:
    """A share file of something else: no answer is made with it."""
    first = training(NARROW, 2)
    compiled = compile_program(source(NARROW), kept=kept(first.plan))
    plan = lowered(compiled, field=first.plan.field).plan
    field = plan.modulus_field
    huge = {
        name: from_integers(np.full(wire.shape, wire.high, object), field) for name, wire in kept(first.plan).items()
    }
    image = np.zeros((1, 2, 8, 8))
    with pytest.raises(PpcError) as caught:
        same_as_twin(plan, begun_with(plan, huge, {"image": image}))

    assert caught.value.diagnostics[0].code == "PPC656"


def test_shares_of_another_model_are_refused() -> None:
    wires = kept(training(NARROW, 2).plan)
    fewer = {name: wire for name, wire in wires.items() if name != "dense1.bias"}
    with pytest.raises(PpcError) as caught:
        lowered(compile_program(source(NARROW), kept=fewer), field="mersenne61")
    assert caught.value.diagnostics[0].code == "PPC503"

    other = source(NARROW).replace("conv2d(3,", "conv2d(5,")
    with pytest.raises(PpcError) as caught:
        lowered(compile_program(other, kept=wires), field="mersenne61")
    assert caught.value.diagnostics[0].code == "PPC504"
