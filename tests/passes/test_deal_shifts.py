"""deal-shifts: a share that a party may not shift is truncated with the dealer's help, and no other one."""

from __future__ import annotations

import pytest

from ppc.passes.checks.check_masks import CheckMasks
from ppc.passes.checks.rules import Rule
from ppc.passes.deal_shifts import LOCAL, DealShifts
from ppc.plan.steps import Plan
from ppc.plan.text import parse, show
from tests.passes.test_check_shares import SHIFTED, shifted


def of(name: str) -> tuple[Plan, bool]:
    """A plan in which `s` is shifted locally, and whether it may be."""
    lines, good = SHIFTED[name]
    return parse(shifted(*lines, of="s")), good


@pytest.mark.parametrize("name", SHIFTED)
def test_every_share_that_is_not_uniform_is_truncated_by_the_dealer(name: str) -> None:
    plan, good = of(name)

    made = DealShifts().run(plan)

    assert Rule.UNIFORM not in {problem.rule for problem in CheckMasks().problems(made)}
    assert [step.name for step in made.steps() if step.op == LOCAL] == ["z.t", *(["shifted"] if good else [])]
    assert made.by_name["shifted"].op == (LOCAL if good else "truncate")


@pytest.mark.parametrize("name", SHIFTED)
def test_where_nothing_is_wrong_nothing_changes(name: str) -> None:
    plan, good = of(name)
    once = DealShifts().run(plan)

    assert show(DealShifts().run(once)) == show(once)
    assert not good or show(once) == show(plan)


def test_one_opening_serves_all_that_is_done_with_a_value() -> None:
    sum_ = "s = add(a, b) : shared[2] @8 in -512..512 ; 0"
    mask = 's.open = mask(s) {"mask": "m.s"} : masked[2] @8 in -512..512 ; 1'

    made = DealShifts().run(parse(shifted(sum_, mask, of="s")))

    assert [step.name for step in made.steps() if step.op == "mask" and step.inputs == ("s",)] == ["s.open"]
    assert made.by_name["shifted"].inputs == ("s.open",)
