"""What the parties send each other: every opening's payload, and the frames that carry them.

All openings of a round that one party sends travel in one frame. Bytes are payload and frame headers, before TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppc.plan import reals
from ppc.plan.material import bit_plane, digits_made, planes
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import BOTH, Plan, Section, Step
from ppc.plan.wires import Wire

HEADER = 16  # bytes of a frame's header


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one party sends in one opening."""

    step: str
    sender: str
    round: int
    layer: str
    phase: str
    bytes: int


def messages(plan: Plan, section: Section) -> Iterator[Message]:
    """Every message of one pass through a section, in the order of the steps."""
    for step in section.steps:
        if step.op in OPENINGS:
            wire = plan.wires[step.inputs[0]]
            size = payload(plan, step)
            for sender in senders(plan, step, wire):
                yield Message(
                    step=step.name, sender=sender, round=step.round, layer=step.layer, phase=step.phase, bytes=size
                )


def payload(plan: Plan, step: Step) -> int:
    """Bytes that each sender of an opening sends."""
    if step.op == "reveal" and step.wire.scale is None:
        return reals.payload(step)
    if step.op in ("mask", "reveal"):
        return step.wire.size * plan.modulus_field.words * 8
    if step.op == "bit":
        return bit_plane(step, plan.by_name)
    return planes(digits_made(step, plan.by_name)) * bit_plane(step, plan.by_name)


def senders(plan: Plan, step: Step, wire: Wire) -> tuple[str, ...]:
    """Who sends: the owner of a clear value, the other party of a revealed one, else both."""
    if step.op == "mask" and wire.form == "clear":
        return (wire.at,)
    if step.op == "reveal" and step.word("to") != BOTH:
        return (plan.peer(step.word("to")),)
    return plan.parties


def frames(plan: Plan, section: Section) -> dict[tuple[int, str], int]:
    """The size of every frame's payload, by round and sender; a frame that would be empty is not sent."""
    found: dict[tuple[int, str], int] = {}
    for message in messages(plan, section):
        if message.bytes:
            key = (message.round, message.sender)
            found[key] = found.get(key, 0) + message.bytes
    return found


def bytes_sent(plan: Plan, section: Section, sender: str) -> int:
    """Everything that a party sends in one pass through a section, headers included."""
    return sum(size + HEADER for (_, party), size in frames(plan, section).items() if party == sender)
