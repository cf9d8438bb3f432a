"""All checks of a plan together, and what is said of a plan from outside that breaks a rule.

Called by the front door for plan texts that it is given, and by whoever loads a compiled plan.
"""

from __future__ import annotations

from ppc.errors import Diagnostic, PpcError
from ppc.passes.checks.check_masks import CheckMasks
from ppc.passes.checks.check_ranges import CheckRanges
from ppc.passes.checks.check_rounds import CheckRounds
from ppc.passes.checks.rules import Check, Problem
from ppc.plan.steps import Plan

CHECKS: tuple[Check, ...] = (CheckRounds(), CheckRanges(), CheckMasks())
MOST_TOLD = 20  # of a plan from outside, which may break a rule at every step


def all_problems(plan: Plan) -> list[Problem]:
    """The problems of every check, each once: what keeps one of them from looking keeps all."""
    return list(dict.fromkeys(problem for check in CHECKS for problem in check.problems(plan)))


def accepted(plan: Plan) -> Plan:
    """The plan, if it keeps every rule. Where it comes from outside, a breach is not ours, and has a code."""
    if problems := all_problems(plan):
        raise PpcError(*(_diagnostic(problem) for problem in problems[:MOST_TOLD]))
    return plan


def _diagnostic(problem: Problem) -> Diagnostic:
    rule = f"breaks the rule “{problem.rule}”"
    return Diagnostic(
        code="PPC513",
        message=f"`{problem.step}` {rule}: it {problem.message}."
        if problem.step
        else f"The plan {rule}: {problem.message}.",
        hint="Compile the program again; a plan that was written or changed by hand is not run.",
    )
