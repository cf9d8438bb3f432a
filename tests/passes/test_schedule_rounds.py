"""schedule_rounds: who waits for whom, and how many rounds there are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from ppc.passes.checks.check_rounds import CheckRounds
from ppc.plan.messages import frames
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from tests.passes.random_plans import PLANS
from tests.passes.small_plans import cubic, finished, relu
from tests.programs import compiled, program

LESSONS = "labels from hospital\nlogits to hospital\nloss = softmax_cross_entropy\nsgd(rate=0.1, batch=2)"


def rounds(plan: Plan) -> dict[str, int]:
    return {step.name: step.round for step in plan.section("each").steps if step.op in OPENINGS}


def test_a_training_step_takes_nine_rounds() -> None:
    """The table of PROTOCOL.md, section 8; the dense weights' two openings hide in the first rounds."""
    assert rounds(finished(relu())) == {
        "x.masked": 1,
        "w1.masked": 1,
        "w2.masked": 1,
        "conv.pooled.masked": 2,
        "w2.short.masked": 2,
        "bit.digits": 3,
        "bit": 4,
        "positive.masked": 5,
        "opened": 6,
        "gradient.masked": 7,
        "shaped.masked": 8,
        "through.masked": 9,
    }


def test_below_level_2_every_opening_has_a_round_of_its_own() -> None:
    for plan in (cubic(0), cubic(1), relu(0), relu(1)):
        made = list(rounds(finished(plan)).values())

        assert made == list(range(1, len(made) + 1))


@given(PLANS)
def test_every_step_comes_after_what_it_reads_and_an_opening_one_round_later(plan: Plan) -> None:
    made = finished(plan)
    for section in made.sections:
        own = {step.name: step for step in section.steps}
        for step in section.steps:
            latest = max((own[name].round for name in step.inputs if name in own), default=0)

            assert step.round > latest if step.op in OPENINGS else step.round == latest


@given(PLANS)
def test_at_level_2_nothing_could_be_sent_earlier_and_no_round_is_empty(plan: Plan) -> None:
    made = finished(plan)
    for section in made.sections:
        sent = {number for number, _ in frames(made, section)}

        assert sent == set(range(1, section.rounds + 1))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_nothing_is_shown_before_the_range_of_the_weights_is_proved(level: int) -> None:
    """One layer's scores could be sent in round 3, and its range is known after 4 at level 2."""
    made = lowered(compiled(program("joint", body="dense(10)", lessons=LESSONS), train=True), level=level).plan
    sent = rounds(made)

    assert sent["dense1.to_hospital.opened"] > sent["check.outside"]


def test_a_plan_that_shows_it_earlier_is_refused() -> None:
    made = lowered(compiled(program("joint", body="dense(10)", lessons=LESSONS), train=True)).plan
    each = made.section("each")
    early = tuple(replace(s, round=s.round - 1) if s.word("grant") == "logits" else s for s in each.steps)
    broken = replace(made, sections=tuple(replace(s, steps=early) if s is each else s for s in made.sections))

    messages = [problem.message for problem in CheckRounds().problems(broken)]
    assert any("what proves its range" in message for message in messages)
