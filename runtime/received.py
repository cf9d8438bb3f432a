"""What came from the other party is something that it may send: elements of the field, numbers within proved ranges.

Called by the party and its openings. A value under a mask may be any element, so most lies of a peer cannot be told
from the truth (the parties are assumed to follow the protocol); what the plan excludes ends the run before it is used.
"""

from __future__ import annotations

from ppc.errors import PpcError, fail
from ppc.field import Field, Words, canonical, within
from ppc.plan.steps import Plan, Step
from ppc.runtime.channel import Header


def checked(plan: Plan, step: Step, part: Words, header: Header, sender: str) -> None:
    """One message of a frame. Bits have nothing to check; reals are checked where they are read (ppc.runtime.reals)."""
    elements = step.op in ("mask", "reveal") and not plan.wires[step.inputs[0]].real
    field = plan.modulus_field
    if elements and not canonical(part.reshape(field.shape(-1)), field):
        raise _impossible(step, header, sender, "is no element of the field")


def _impossible(step: Step, header: Header, sender: str, what: str) -> PpcError:
    return fail(
        "PPC670",
        f"In {header.name}, `{sender}` sent a number for `{step.name}` that {what}.",
        hint="The other party does not follow the plan: nothing of this run can be used.",
    )


def opened(step: Step, value: Words, field: Field, place: str, sender: str) -> Words:
    """A masked value of short masks, or a revealed one, whose range the plan knows; of neither a number is shown."""
    low, high = step.wire.low, step.wire.high
    if low is None or high is None:
        return value
    if step.op == "mask":  # under r_0 + r_1, each below 2^(n-2)
        high += 1 << field.bits - 1
    if within(value, low, high, field):
        return value
    raise fail(
        "PPC670",
        f"What was opened for `{step.name}` in {place} lies outside of the range that the plan is proved for: what "
        f"`{sender}` sent, or what the dealer dealt, is not of this run.",
        hint="The other party does not follow the plan: nothing of this run can be used.",
    )
