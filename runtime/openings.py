"""A party's openings: what it writes into its frame, and what it makes of both parties' parts.

Called by the party, round by round. An opening reveals nothing but what its mask leaves (PROTOCOL.md, section 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from ppc.errors import InternalError, fail
from ppc.field import Words, from_integers
from ppc.plan.material import digits_made, plane_bytes, planes, thresholds
from ppc.plan.steps import BOTH, Step
from ppc.plan.wires import Wire
from ppc.runtime import reals
from ppc.runtime.combining import Group, combination, in_groups, products, whole
from ppc.runtime.desk import Desk
from ppc.runtime.lazy import Array, Leaves, Shape, add
from ppc.runtime.received import opened
from ppc.runtime.values import Bits, Digits, Masked, Reals, Value

LONG = 2048  # words of a plane; putting the planes of several thresholds side by side copies them
Read = Callable[[Words | None, Words | None], Value]  # of the own part and the other party's, where they are sent


@dataclass(frozen=True, eq=False, repr=False)
class Opening:
    """What a party does for one opening: fill its part of the frame, where it sends one; then read both parts."""

    write: Callable[[Words], None]
    read: Read


def opening(desk: Desk, step: Step) -> Opening:
    return OPENINGS_OF[step.op](desk, step)


def _sum(desk: Desk, shape: Shape, mine: Words | None, theirs: Words | None) -> Words:
    """What both parts come to; where one party sends, its part is all."""
    found = desk.local.stored(add(shape, _elements(desk, shape, mine), _elements(desk, shape, theirs)))
    assert found is not None
    return found


def _elements(desk: Desk, shape: Shape, part: Words | None) -> Words | None:
    return None if part is None else desk.local.reshaped(part, shape)


def _write(desk: Desk, shape: Shape, value: Array | None, out: Words) -> None:
    if value is None:
        out[...] = 0
    else:
        desk.local.store(value, desk.local.reshaped(out, shape))


def _both_bits(mine: Words | None, theirs: Words | None, shape: Shape) -> Words:
    assert mine is not None
    assert theirs is not None
    return (mine ^ theirs).reshape(shape)


# ---- elements ----


def _mask(desk: Desk, step: Step) -> Opening:
    """e = v + λ. The owner of a clear value knows λ in full, and the peer's share of it is zero."""
    wire, shape = desk.wire(step.inputs[0]), step.wire.shape
    mask = None if wire.form == "clear" and wire.at != desk.name else desk.hand.mask(step)
    share = None if mask is None else desk.share(step.inputs[0])

    def read(mine: Words | None, theirs: Words | None) -> Value:
        found = _sum(desk, shape, mine, theirs)
        return Masked(_in_range(desk, step, found) if step.flag("short") else found, mask)

    return Opening(lambda out: _write(desk, shape, add(shape, share, mask), out), read)


def _reveal(desk: Desk, step: Step) -> Opening:
    """To one party, which adds its own share, or to both."""
    wire, shape = desk.wire(step.inputs[0]), step.wire.shape
    if wire.real:
        return _sent(desk, step)
    noise = desk.hand.elements(step, "noise", *shape) if step.word("noise") else None
    share = add(shape, desk.share(step.inputs[0]), noise)

    def read(mine: Words | None, theirs: Words | None) -> Value:
        if step.word("to") not in (BOTH, desk.name):
            return None
        own = mine if mine is not None else desk.local.stored(share)
        found = _in_range(desk, step, _sum(desk, shape, own, theirs))
        if step.name in desk.certifying:
            certify(desk.section.name, desk.iteration, found)
        return found

    return Opening(lambda out: _write(desk, shape, share, out), read)


def _sent(desk: Desk, step: Step) -> Opening:
    """Reals that their owner shows as they are, for a layer that runs in the clear elsewhere."""
    value = desk.values[step.inputs[0]]

    def write(out: Words) -> None:
        if value is None:
            out[...] = 0
        else:
            reals.write(step, cast(Reals, value), out)

    def read(_mine: Words | None, theirs: Words | None) -> Value:
        if step.word("to") not in (BOTH, desk.name) or value is not None or theirs is None:
            return value if step.word("to") in (BOTH, desk.name) else None
        return reals.read(step, theirs, desk.wire(step.inputs[0]).bounds, desk.plan.peer(desk.name))

    return Opening(write, read)


def _in_range(desk: Desk, step: Step, found: Words) -> Words:
    place = f"{desk.section.name}, iteration {desk.iteration}"
    return opened(step, found, desk.plan.modulus_field, place, desk.plan.peer(desk.name))


def certify(section: str, iteration: int, counted: Words) -> None:
    """How many values left their range must be zero."""
    if counted.any():
        when = "At the start" if section == "setup" else f"In iteration {iteration}"
        raise fail(
            "PPC656",
            f"{when}, values left the range that the plan is proved for; which ones, nobody is told.",
            hint="Write wider bounds for the weights, or train with a smaller rate.",
        )


# ---- bits ----


def _digits(desk: Desk, step: Step) -> Opening:
    """Section 5: the digits of the opened value choose which of the shared products of R's bits count."""
    value = desk.masked(step.inputs[0])
    size, count = desk.wire(step.inputs[0]).size, len(step.integers("offsets"))
    digits, words = step.integer("digits"), plane_bytes(size) // 8
    shape = (count, planes(digits), words)
    own = desk.hand.own_bits(step, shape)
    upper, monomials = desk.hand.digits(step, size)
    top = np.empty((count, words), np.uint64)

    def write(out: Words) -> None:
        for j, offset in enumerate(step.integers("offsets")):
            elements = _shifted(desk, value.opened, size, offset, step, top[j])
            desk.local.bench.comparison_digits(
                elements, monomials, own[j], out.reshape(shape)[j], shift=step.integer("shift"), digits=digits
            )

    def read(mine: Words | None, theirs: Words | None) -> Value:
        share = top ^ upper if desk.first else np.broadcast_to(upper, top.shape)
        return Digits(_both_bits(mine, theirs, shape), own, digits, share)

    return Opening(write, read)


def _shifted(desk: Desk, opened: Words, size: int, offset: int, step: Step, top: Words) -> Words:
    """The opened value plus the offset; its bit K above the shift goes to `top`."""
    local, highest = desk.local, step.integer("shift") + 4 * step.integer("digits")
    elements, leaves = local.field.empty(size), Leaves()
    moved = leaves.element(opened)
    # Of many thresholds the offset is an operand: with a constant in it, each would be a kernel of its own.
    many = len(step.integers("offsets")) > 1
    moved = moved + (leaves.element(from_integers([offset], local.field)) if many else offset)
    local.run([moved, moved.bit(highest)], leaves, [elements], (size,), [top])
    return elements


def _combined(desk: Desk, step: Step, value: Digits, groups: list[Group], own: Words, out: Words) -> None:
    """The groups' results under the new one-time bits, without the products of the old ones in sight."""
    count, _, words = value.opened.shape
    made = desk.hand.products(step, (count, len(products(groups)), words), own.size)
    together = 1 if words >= LONG else count
    for start in range(0, count, together):
        part = slice(start, start + together)
        operands = [row for bits in (value.opened, value.own, made) for row in _by_plane(bits[part])]
        results = np.empty((out.shape[1], together * words), np.uint64)
        desk.local.bench.bitwise(combination(tuple(groups), desk.first), operands, list(results))
        rows = np.swapaxes(results.reshape(out.shape[1], together, words), 0, 1)
        np.bitwise_xor(rows, own[part], out=out[part])


def _by_plane(bits: Words) -> Words:
    """[thresholds, planes, words] as a row for each plane, with all thresholds side by side."""
    count, planes_, words = bits.shape
    return np.ascontiguousarray(np.swapaxes(bits, 0, 1)).reshape(planes_, count * words)


def _groups(desk: Desk, step: Step) -> Opening:
    value = _held_digits(desk, step)
    groups = in_groups(value.digits)
    shape = (value.opened.shape[0], planes(len(groups)), value.opened.shape[2])
    own = desk.hand.own_bits(step, shape)

    def read(mine: Words | None, theirs: Words | None) -> Value:
        return Digits(_both_bits(mine, theirs, shape), own, len(groups), value.top)

    return Opening(lambda out: _combined(desk, step, value, groups, own, out.reshape(shape)), read)


def _bit(desk: Desk, step: Step) -> Opening:
    """d = bit K of the difference and the borrow from the digits below, opened as c = d ⊕ λ_d."""
    value = _held_digits(desk, step)
    shape = (value.opened.shape[0], value.opened.shape[2])
    own = desk.hand.own_bits(step, shape)
    count = thresholds(step, desk.plan.by_name)

    def write(out: Words) -> None:
        room = out.reshape((shape[0], 1, shape[1]))
        _combined(desk, step, value, whole(value.digits), (own ^ value.top)[:, None], room)

    def read(mine: Words | None, theirs: Words | None) -> Value:
        number = desk.hand.elements(step, "share", count, *_one(step.wire, count))
        return Bits(_both_bits(mine, theirs, shape), number)

    return Opening(write, read)


def _one(wire: Wire, count: int) -> Shape:
    """The shape of one threshold's bits."""
    return wire.shape if count == 1 else wire.shape[1:]


def _held_digits(desk: Desk, step: Step) -> Digits:
    value = desk.values[step.inputs[0]]
    if not isinstance(value, Digits) or value.digits != digits_made(
        desk.plan.by_name[step.inputs[0]], desk.plan.by_name
    ):
        raise InternalError(f"{step.inputs[0]} has no digits", place="run")
    return value


OPENINGS_OF: dict[str, Callable[[Desk, Step], Opening]] = {
    "mask": _mask,
    "reveal": _reveal,
    "digits": _digits,
    "groups": _groups,
    "bit": _bit,
}
