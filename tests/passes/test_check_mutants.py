"""Every mutant of a plan is rejected by a check, with the rule that it breaks, and by nothing else before."""

from __future__ import annotations

from collections import Counter

import pytest

from ppc.compiler import compile_program
from ppc.passes.checks.rules import Rule
from ppc.passes.checks.verdict import CHECKS, all_problems
from ppc.plan.text import parse, show
from ppc.protocol import lowered
from tests.plan_edits import Mutant, plan_text
from tests.plan_mutants import mutants

PLANS = ("training", "curves")
PARTS = 4  # of the mutants of a whole program, side by side


def survives(mutant: Mutant) -> bool:
    """Whether no check names a rule that the mutant breaks. The parser must not refuse it: that would prove nothing."""
    plan = parse(mutant.text)
    return not any(problem.rule in mutant.rules for check in CHECKS for problem in check.problems(plan))


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_that_keeps_the_rules_is_accepted(name: str) -> None:
    plan = parse(plan_text(name))

    assert all_problems(plan) == []
    assert show(plan) == plan_text(name)


@pytest.mark.parametrize("name", PLANS)
def test_no_mutant_survives(name: str) -> None:
    found = list(mutants(parse(plan_text(name))))

    assert [str(mutant) for mutant in found if survives(mutant)] == []


@pytest.mark.parametrize("part", range(PARTS))
def test_no_mutant_of_a_compiled_program_survives(part: int) -> None:
    """The deep training net of paper 004: every mask, opening, tuple and loop of one iteration at batch 128."""
    plan = lowered(compile_program("examples/deep_train.pnn", train=True), level=2).plan
    found = list(mutants(plan))

    assert len(found) > 1000
    assert [str(mutant) for mutant in found[part::PARTS] if survives(mutant)] == []


def test_there_are_mutants_of_every_rule() -> None:
    """Rules that have none here have a plan of their own in `test_check_masks` and its neighbours."""
    found = [mutant for name in PLANS for mutant in mutants(parse(plan_text(name)))]
    rules = Counter(rule for mutant in found for rule in mutant.rules)
    elsewhere = {Rule.HEAD, Rule.NAMES, Rule.RESULTS, Rule.NEW_WEIGHTS, Rule.UNIFORM}

    assert len(found) >= 600
    assert set(rules) >= set(Rule) - elsewhere
