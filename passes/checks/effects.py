"""What happens once: truncations, comparisons, openings and products, over the unrolled schedule (C0, C7, C9).

A truncation's coin and a result's noise are new each time. Done twice, they tell more of one value: two truncations of
a secret at one scale leave half of the interval that it may lie in (T1), two results with noise average it out.
"""

from __future__ import annotations

from collections.abc import Hashable

from ppc.passes.checks.numbers import Event, number, unrolled
from ppc.passes.checks.rules import Found, Rule
from ppc.plan.ops import PLAN_OPS
from ppc.plan.steps import Plan, Section, Step

# What shows something of a value each time, also in the next iteration if nothing new came in.
RULES = {"truncate": Rule.ONE_TRUNCATION, "digits": Rule.ONE_EFFECT, "reveal": Rule.DROWNED}


def check_effects(plan: Plan, found: Found) -> None:
    seen: dict[Hashable, Step] = {}
    schedule = unrolled(plan)
    for event in schedule.events:
        step = event.step
        if key := _key(event):
            if key in seen:
                found.note(
                    RULES.get(step.op, Rule.ONE_EFFECT),
                    step,
                    f"does again what `{seen[key].name}` did, on the same value",
                )
            seen.setdefault(key, step)
        if step.op in RULES and schedule.stale(event):
            found.note(RULES[step.op], step, "is done in every iteration, and no iteration renews its value")
    if plan.level:
        for section in plan.sections:
            _masked_once(section, found)


def _key(event: Event) -> Hashable:
    """What makes an effect the same again: the value for what shows something of it, the wires for the others."""
    step, operands = event.step, event.operands
    if step.op == "truncate":
        return (step.op, number(operands[0]), step.integer("shift"))
    if step.op == "digits":
        described = (step.integer("shift"), step.integer("digits"), step.integers("offsets"))
        return (step.op, number(operands[0]), *described)
    if step.op == "reveal":
        return (step.op, number(operands[0]), step.word("to"))
    if step.op in ("product", "polynomial", "select", "groups", "bit"):
        hidden = {*PLAN_OPS[step.op].secrets, "into"}
        described = sorted((key, value) for key, value in step.attrs.items() if key not in hidden)
        return (step.op, tuple(operand.wire for operand in operands), *described)
    return None


def _masked_once(section: Section, found: Found) -> None:
    """Two masks for one value show nothing, and -O0 has one for each use; above it they are a mistake."""
    seen: dict[tuple[str, bool], Step] = {}
    for step in section.steps:
        if step.op == "mask":
            key = (step.inputs[0], step.flag("short"))
            if key in seen:
                found.note(Rule.ONE_EFFECT, step, f"opens `{key[0]}` again, as `{seen[key].name}` does")
            seen.setdefault(key, step)
