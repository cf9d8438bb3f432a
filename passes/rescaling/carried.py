"""The scale and the range of a value that one iteration hands to the next, found from the body itself.

A range is inductive: what the body makes of a value in it lies in it again. For a weight whose bounds are certified in
every iteration one update is added to them; for a momentum, which only fades, it is the limit of a geometric series.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ppc.plan.ops import PLAN_OPS
from ppc.plan.steps import Carry, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Where the search stands: the scale and magnitude assumed before the body, and the last attempt."""

    scale: int
    magnitude: int
    tried: tuple[int, int] = (0, 0)  # a magnitude assumed, and what the body made of it


def begun(plan: Plan) -> dict[str, Carried]:
    """What an earlier run left on shares has a scale and a range, in which it stays."""
    firsts = {carry.name: plan.by_name[carry.first] for carry in plan.section("each").carries}
    return {
        name: Carried(scale=first.integer("scale"), magnitude=max(abs(first.integer("low")), first.integer("high")))
        for name, first in firsts.items()
        if first.op == "given" and first.wire.form == "shared"
    }


def settled(plan: Plan, before: Mapping[str, Carried]) -> dict[str, Carried]:
    """What to assume next; the same as before where the body keeps it."""
    bounded = certified(plan)
    return {
        carry.name: _next(plan, carry, before.get(carry.name), certified=carry.name in bounded)
        for carry in plan.section("each").carries
    }


def certified(plan: Plan) -> set[str]:
    """What the body uses within certified bounds only: one update is all that it grows by."""
    return {step.inputs[0] for step in plan.section("each").steps if step.op == "certified"}


def growing(plan: Plan, before: Mapping[str, Carried], after: Mapping[str, Carried]) -> Carry:
    """The first value that does not settle; a certified one only if there is no other, which it would follow."""
    bounded = certified(plan)
    changed = [carry for carry in plan.section("each").carries if after[carry.name] != before.get(carry.name)]
    return min(changed, key=lambda carry: carry.name in bounded)


def _next(plan: Plan, carry: Carry, before: Carried | None, *, certified: bool) -> Carried:
    then, first = plan.wires[carry.then], plan.wires[carry.first]
    scale = max(then.scale or 0, first.scale or 0, carry.wire.scale or 0)
    made = max(then.magnitude << (scale - (then.scale or 0)), first.magnitude << (scale - (first.scale or 0)))
    if before is None or scale != before.scale:
        return Carried(scale=scale, magnitude=made)
    if made <= before.magnitude:
        return before
    end = made if certified else _limit(before, made)
    return Carried(scale=scale, magnitude=end, tried=(before.magnitude, made))


def _limit(before: Carried, made: int) -> int:
    """Where a growing range ends, if it grows as an affine function: two attempts tell which.

    A little is added for what rounds, and the next attempt shows whether the body keeps it. Where they do not tell,
    steps double: what has a limit is soon within it.
    """
    assumed, earlier = before.tried
    step = before.magnitude - assumed
    if not earlier or step <= 0:
        return made
    if made - earlier >= step:
        return 2 * made - before.magnitude
    growth = (made - earlier) / step
    end = before.magnitude + int((made - before.magnitude) / (1 - growth))
    return end + (end >> 10) + 2


def repeated(plan: Plan) -> set[str]:
    """What is linear in values from the iteration before: bits added to it would be added again in every iteration."""
    found = {carry.name for section in plan.sections for carry in section.carries}
    for step in plan.steps():
        if PLAN_OPS[step.op].kind == "linear" and not found.isdisjoint(step.inputs):
            found.add(step.name)
    return found
