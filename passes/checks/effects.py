"""What happens once: truncations, comparisons, openings and products, over the unrolled schedule (C0, C7, C9).

A truncation's coin and a result's noise are new each time. Done twice, they tell more of one value: two truncations of
a secret at one scale leave half of the interval that it may lie in (T1), two results with noise average it out. So do
those of its images: multiples of it, sums of it and public numbers, its elements in another order (`images`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from fractions import Fraction

from ppc.passes.checks.images import image_of, overlap, shown_in
from ppc.passes.checks.numbers import Event, Piece, Schedule, Value, number, unrolled
from ppc.passes.checks.rules import Found, Rule
from ppc.plan.ops import PLAN_OPS
from ppc.plan.steps import Plan, Section, Step

# What shows something of a value each time, also in the next iteration if nothing new came in.
RULES = {"truncate": Rule.ONE_TRUNCATION, "digits": Rule.ONE_EFFECT, "reveal": Rule.DROWNED}


def check_effects(plan: Plan, found: Found) -> None:
    """A public image of a value counts as that value."""
    seen: dict[Hashable, list[tuple[Piece | None, Step]]] = {}
    schedule = unrolled(plan)
    for event in schedule.events:
        step = event.step
        for key, span in _keys(event, schedule):
            before = seen.setdefault(key, [])
            for other in (other for piece, other in before if overlap(piece, span)):
                again = f"does again what `{other.name}` did, on the same value"
                found.note(RULES.get(step.op, Rule.ONE_EFFECT), step, again)
            before.append((span, step))
        if step.op in RULES and schedule.stale(event):
            found.note(RULES[step.op], step, "is done in every iteration, and no iteration renews its value")
    if plan.level:
        for section in plan.sections:
            _masked_once(section, found)


def _keys(event: Event, schedule: Schedule) -> Iterator[tuple[Hashable, Piece | None]]:
    """What makes an effect the same again, and on which piece of it.

    Of what shows something of a value it is the value, at the unit it is rounded to; of the others the wires.
    """
    step, operands = event.step, event.operands
    match step.op:
        case "truncate":
            for shown in shown_in(operands[0], schedule.parts):
                yield (step.op, shown.direction, step.integer("shift") - shown.twos), shown.piece
        case "digits":
            yield (step.op, step.integer("digits"), *_compared(operands[0], step)), None
        case "reveal":
            yield (step.op, number(operands[0]), step.word("to")), None
            for shown in shown_in(operands[0], schedule.parts) if step.integer("drowned", 0) else ():
                yield ("noise", shown.direction, step.word("to")), shown.piece
        case "product" | "polynomial" | "select" | "groups" | "bit":
            hidden = {*PLAN_OPS[step.op].secrets, "into"}
            described = sorted((key, value) for key, value in step.attrs.items() if key not in hidden)
            yield (step.op, tuple(operand.wire for operand in operands), *described), None
        case _:
            return


def _compared(x: Value, step: Step) -> tuple[Hashable, ...]:
    """The value and the thresholds, whatever public numbers stand on both sides."""
    image = image_of(x)
    offsets = tuple(Fraction(offset + image.constant, image.factor) for offset in step.integers("offsets"))
    return (image.direction, Fraction(1 << step.integer("shift"), image.factor), offsets)


def _masked_once(section: Section, found: Found) -> None:
    """Two masks for one value show nothing, and -O0 has one for each use; above it they are a mistake."""
    seen: dict[tuple[str, bool], Step] = {}
    for step in section.steps:
        if step.op == "mask":
            key = (step.inputs[0], step.flag("short"))
            if key in seen:
                found.note(Rule.ONE_EFFECT, step, f"opens `{key[0]}` again, as `{seen[key].name}` does")
            seen.setdefault(key, step)
