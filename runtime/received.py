"""What came from the other party is something that it may send: elements of the field, numbers within proved ranges.

Called by the party and its openings. A value under a mask may be any element, so most lies of a peer cannot be told
from the truth (the parties are assumed to follow the protocol); what the plan excludes ends the run before it is used.
"""

from __future__ import annotations

import numpy as np

from ppc.errors import PpcError, fail
from ppc.field import Field, Words, canonical, within
from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire
from ppc.runtime.channel import Header

ROUNDING = 1e-6  # by which reals that another machine computed may pass their bounds, for each unit of those


def checked(plan: Plan, step: Step, part: Words, header: Header, sender: str) -> None:
    """One message of a frame. Bits have nothing to check."""
    if step.op == "reveal" and plan.wires[step.inputs[0]].real:
        if not _allowed(part.view(np.float64), step.wire):
            raise _impossible(step, header, sender, "is not within its bounds")
    elif step.op in ("mask", "reveal") and not canonical(_elements(part, plan.modulus_field), plan.modulus_field):
        raise _impossible(step, header, sender, "is no element of the field")


def _elements(part: Words, field: Field) -> Words:
    return part.reshape(field.shape(-1))


def _allowed(reals: np.ndarray[tuple[int, ...], np.dtype[np.float64]], wire: Wire) -> bool:
    if not np.isfinite(reals).all():
        return False
    if wire.bounds is None or not reals.size:
        return True
    slack = ROUNDING * max(1.0, abs(wire.bounds.low), abs(wire.bounds.high))
    return bool(wire.bounds.low - slack <= reals.min() and reals.max() <= wire.bounds.high + slack)


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
