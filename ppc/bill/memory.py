"""The most bytes that each role holds at one time: every value from where it is made to where it is last read.

A value that leaves its section is held to the section's end, and what setup made and later sections read stays for all
of it. Beside the values a step holds the dealer's secrets that it uses up, and an opening what is sent and received.
Left out are the program itself, the interpreter, and the buffers of kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ppc.bill.products import mask_owner
from ppc.plan.material import corrections, plane_bytes
from ppc.plan.messages import payload
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Plan, Section, Step
from ppc.plan.wires import Wire

REAL = 8  # bytes of a float64
Roles = tuple[int, int, int]  # party 0, party 1, dealer
EMPTY: Roles = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """`at` names the step during which party 0 and party 1 together hold the most."""

    roles: Roles
    at: str


def peak(plan: Plan, section: Section) -> Peak:
    """The peaks of one pass through a section. They need not be at the same step for each role."""
    ends: dict[int, list[str]] = {}
    for name, number in _last_reads(plan, section).items():
        ends.setdefault(number, []).append(name)
    secrets = _secrets(plan, section)
    staying = [plan.wires[name] for name in _standing(plan, section)]
    held = _sum(*(_value(plan, wire) for wire in staying))
    best, where, most = held, "", -1
    for number, step in enumerate(section.steps):
        during = _sum(held, _made(plan, step), _beside(plan, step, secrets))
        best = (max(best[0], during[0]), max(best[1], during[1]), max(best[2], during[2]))
        if during[0] + during[1] > most:
            where, most = step.name, during[0] + during[1]
        held = _sum(held, _made(plan, step))
        for name in ends.get(number, ()):
            held = _less(held, _made(plan, plan.by_name[name]))
    return Peak(roles=best, at=where)


def parcel(plan: Plan, section: Section) -> int:
    """Bytes that the dealer makes for one pass before any of them leave: beside its values, which `peak` counts."""
    return sum(_secrets(plan, section).values())


def _last_reads(plan: Plan, section: Section) -> dict[str, int]:
    """The number of the last step that reads each value of the section, the ones that leave it apart.

    What is computed inside of its reader's loop reads its operands there.
    """
    last = {step.name: number for number, step in enumerate(section.steps)}
    for number, step in reversed(list(enumerate(section.steps))):
        done = last[step.name] if step.flag("inline") else number
        last.update({name: max(last[name], done) for name in step.inputs if name in last})
    for name in _leaving(plan, section):
        last.pop(name, None)
    return last


def _leaving(plan: Plan, section: Section) -> set[str]:
    """Results, what is carried on, and what other sections read."""
    names = {result.value for result in section.results} | {carry.then for carry in section.carries}
    for other in plan.sections:
        if other is not section:
            names |= {name for step in other.steps for name in step.inputs}
            names |= {carry.first for carry in other.carries} | {result.value for result in other.results}
    return names


def _standing(plan: Plan, section: Section) -> list[str]:
    """What is there before the section begins: its carried values, and what it or a later section reads of others."""
    own = {step.name for step in section.steps}
    place = plan.sections.index(section)
    later = [step for one in plan.sections[place:] for step in one.steps]
    earlier = {step.name for one in plan.sections[:place] for step in one.steps}
    carried = [carry.name for carry in section.carries]
    before = [carry.name for one in plan.sections[:place] for carry in one.carries]
    read = [name for step in later for name in step.inputs if name in earlier or name in before]
    return list(dict.fromkeys([*carried, *(name for name in read if name not in own)]))


def _secrets(plan: Plan, section: Section) -> Mapping[str, int]:
    """Bytes of what each step is sent by the dealer; party 0 draws as much from its seed."""
    found: dict[str, int] = {}
    for correction in corrections(plan, section):
        found[correction.step] = found.get(correction.step, 0) + correction.bytes(plan.modulus_field.words)
    return found


def _beside(plan: Plan, step: Step, secrets: Mapping[str, int]) -> Roles:
    """What is needed only while the step is done."""
    dealt = secrets.get(step.name, 0)
    moved = 2 * payload(plan, step) if step.op in OPENINGS else 0
    return dealt + moved, dealt + moved, 2 * dealt


def _made(plan: Plan, step: Step) -> Roles:
    """What a step's result takes; one that is computed inside of its reader's loop is never written."""
    if step.flag("inline"):
        return EMPTY
    held = _value(plan, step.wire)
    if step.wire.form == "masked" and mask_owner(plan.by_name, step.name) == plan.parties[0]:
        return held[0], held[1] // 2, held[2]  # the other party's share of the mask is zero
    if step.wire.form == "masked" and mask_owner(plan.by_name, step.name) == plan.parties[1]:
        return held[0] // 2, held[1], held[2]
    return held


def _value(plan: Plan, wire: Wire) -> Roles:
    element = REAL if wire.scale is None and wire.form != "digits" else plan.modulus_field.words * 8
    size = wire.size * element
    match wire.form:
        case "clear":
            return (size, 0, 0) if wire.at == plan.parties[0] else (0, size, 0)
        case "public":
            return size, size, 0
        case "shared":
            return size, size, 0
        case "masked":  # the opened value and a share of the mask; the dealer remembers the mask
            return 2 * size, 2 * size, size
        case "truncated":  # public quotient and wrap, shares of R and of its high bit
            both = 3 * size + plane_bytes(wire.size)
            return both, both, 2 * size
        case "digits":  # opened planes; how many there are, the step that sends them has counted as its messages
            both = 2 * plane_bytes(wire.size)
            return both, both, plane_bytes(wire.size)
        case "bit":
            both = size + plane_bytes(wire.size)
            return both, both, size


def _sum(*held: Roles) -> Roles:
    return sum(one[0] for one in held), sum(one[1] for one in held), sum(one[2] for one in held)


def _less(held: Roles, gone: Roles) -> Roles:
    return held[0] - gone[0], held[1] - gone[1], held[2] - gone[2]
