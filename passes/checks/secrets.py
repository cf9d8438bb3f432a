"""The dealer's secrets: which a step needs, and that each is named once (C1, C2, C9). Called by `check_masks`."""

from __future__ import annotations

from ppc.passes.checks.rules import Found, Rule
from ppc.plan.ops import OPENINGS, PLAN_OPS
from ppc.plan.steps import Plan, Step

WITHOUT_SHARE = 2  # coefficients of a polynomial whose powers are those of the mask itself


def needed(step: Step) -> frozenset[str]:
    """The kinds of secrets that a step uses up."""
    match step.op:
        case "product" if step.word("into"):
            return frozenset()
        case "polynomial" if len(step.integers("coefficients")) <= WITHOUT_SHARE:
            return frozenset()
        case "reveal":
            return frozenset({"noise"}) if step.integer("drowned", 0) else frozenset()
        case _:
            return frozenset(PLAN_OPS[step.op].secrets)


def check_secrets(plan: Plan, found: Found) -> None:
    users: dict[str, tuple[Step, str]] = {}
    for step in plan.steps():
        given = {kind for kind in PLAN_OPS[step.op].secrets if step.word(kind)}
        for kind in sorted(needed(step) - given):
            rule = Rule.DROWNED if kind == "noise" else Rule.MASKED if step.op in OPENINGS else Rule.ONE_USE
            found.note(rule, step, f"names no {kind}, and needs one")
        for kind in sorted(given - needed(step)):
            found.note(Rule.ONE_USE, step, f"names a {kind}, `{step.word(kind)}`, and has no use for it")
        for kind in sorted(given):
            _once(step, kind, users, found)


def _once(step: Step, kind: str, users: dict[str, tuple[Step, str]], found: Found) -> None:
    """A name is one secret in setup and finish, and one in every iteration; no two steps use the same."""
    name = step.word(kind)
    if name in users:
        other, others_kind = users[name]
        rule = Rule.ONE_VALUE if kind == others_kind == "mask" else Rule.ONE_USE
        found.note(rule, step, f"uses `{name}`, which `{other.name}` uses up as its {others_kind}")
    users.setdefault(name, (step, kind))
