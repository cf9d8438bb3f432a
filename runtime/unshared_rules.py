"""What each op comes to in the clear, with the kernels: one rule a row, beside those of the twin in Python's integers.

Called by `unshared`. Knows no party and sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ppc.errors import InternalError
from ppc.field import Words, from_integers
from ppc.plan.material import plane_bytes
from ppc.plan.steps import Plan, Step
from ppc.runtime.bilinear import Term, bilinear
from ppc.runtime.kernels import Bit, Expression, horner, select
from ppc.runtime.lazy import Array, Lazy, Leaves, Local, Shape, add
from ppc.runtime.linear import linear


@dataclass(frozen=True, eq=False, repr=False)
class Plain:
    """A number. Where a run opens it to round it, with the mask: the coin of that rounding."""

    value: Array
    mask: Array | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Compared:
    """A comparison that is half done: what is compared, and the step that says with what."""

    plain: Plain
    step: Step


@dataclass(frozen=True, eq=False, repr=False)
class Planes:
    """Bits, packed: [thresholds, words]."""

    bits: Words
    shape: Shape  # of one threshold


@dataclass(frozen=True, eq=False, repr=False)
class Place:
    """What a rule works with. `coin` is the mask, the noise or the share of this step, where it has one."""

    plan: Plan
    local: Local
    coin: Words | None
    iteration: int

    def drawn(self, step: Step) -> Words:
        if self.coin is None:
            raise InternalError(f"there is no coin for {step.name}", place="unshared")
        return self.coin


Rule = Callable[[Place, Step, Sequence[Any]], Any]


def rule_of(step: Step) -> Rule:
    return RULES.get(step.op, _linear)


def stored(local: Local, value: Any) -> Any:
    """The value as arrays."""
    if not isinstance(value, Plain):
        return value
    return Plain(local.store(value.value), local.stored(value.mask))


def number(local: Local, value: Plain | Planes) -> Array:
    """A value as elements; a bit as 0 or 1."""
    return value.value if isinstance(value, Plain) else _zero_or_one(local, value.bits[0], value.shape)


def _zero_or_one(local: Local, plane: Words, shape: Shape) -> Lazy:
    zero = local.zeros((1,))
    return Lazy(shape, lambda leaves: select(leaves.bit(plane), leaves.element(zero) + 1, 0))


# ---- openings: nothing is sent ----


def _mask(place: Place, _step: Step, operands: Sequence[Any]) -> Plain:
    return Plain(place.local.store(number(place.local, operands[0])), place.coin)


def _reveal(place: Place, step: Step, operands: Sequence[Any]) -> Plain:
    found = add(step.wire.shape, number(place.local, operands[0]), place.drawn(step) if step.word("noise") else None)
    assert found is not None
    return Plain(place.local.store(found))


def _digits(_place: Place, step: Step, operands: Sequence[Any]) -> Compared:
    return Compared(operands[0], step)


def _bit(place: Place, step: Step, operands: Sequence[Compared]) -> Planes:
    """Bit K of the rounded number, for every threshold."""
    (compared,) = operands
    offsets, plain = compared.step.integers("offsets"), compared.plain
    shape = step.wire.shape if len(offsets) == 1 else step.wire.shape[1:]
    size = int(np.prod(shape))
    bits = np.empty((len(offsets), plane_bytes(size) // 8), np.uint64)
    shift, highest = (
        compared.step.integer("shift"),
        compared.step.integer("shift") + 4 * compared.step.integer("digits"),
    )
    for offset, plane in zip(offsets, bits, strict=True):
        leaves = Leaves()
        if len(offsets) == 1:
            found = _rounded(place, leaves, plain, offset, shift).bit(highest)
        else:
            found = leaves.element(_moved(place, plain, shape, offset, shift)).bit(highest)
        place.local.run([found], leaves, [], shape, [plane])
    return Planes(bits, shape)


def _moved(place: Place, plain: Plain, shape: Shape, offset: int, shift: int) -> Words:
    """Of many thresholds the offset is an operand: with a constant in it, each would be a kernel of its own."""
    threshold = from_integers([offset], place.local.field)

    def build(leaves: Leaves) -> Expression:
        return _rounded(place, leaves, plain, leaves.element(threshold), shift)

    return place.local.store(Lazy(shape, build))


def _rounded(place: Place, leaves: Leaves, plain: Plain, offset: Expression | int, shift: int) -> Expression:
    """What is shifted: (e >> shift) - (λ >> shift) is (x + offset + λ mod 2^shift) >> shift, with one more before the
    shift where e = x + offset + λ has passed p, as 2^n is 1 there."""
    assert plain.mask is not None
    top = 1 << place.local.field.bits - 1
    moved, mask = leaves.element(plain.value) + offset, leaves.element(plain.mask)
    passed = (moved + mask).below(top) & ~mask.below(top)
    return moved + mask.low(shift) + select(passed, 1, 0)


# ---- local steps ----


def _bilinear(place: Place, step: Step, operands: Sequence[Any]) -> Plain:
    """Of masked and public operands a masked result: its mask is the same map of the mask."""
    x, y = operands
    made = _map(place, step, number(place.local, x), number(place.local, y))
    masks = [operand.mask if isinstance(operand, Plain) else None for operand in operands]
    if step.wire.form != "masked" or masks == [None, None]:
        return Plain(made)
    left, right = (number(place.local, o) if mask is None else mask for o, mask in zip(operands, masks, strict=True))
    return Plain(made, _map(place, step, left, right))


def _map(place: Place, step: Step, x: Array, y: Array) -> Array:
    found = bilinear(place.local, step, [Term(x, y)])
    assert found is not None
    return found


def _polynomial(_place: Place, step: Step, operands: Sequence[Any]) -> Plain:
    (x,), coefficients = operands, step.integers("coefficients")
    return Plain(Lazy(step.wire.shape, lambda leaves: horner(leaves.element(x.value), coefficients)))


def _truncate(place: Place, step: Step, operands: Sequence[Any]) -> Plain:
    (x,), shift, offset, shape = operands, step.integer("shift"), step.integer("offset"), step.wire.shape

    def build(leaves: Leaves) -> Expression:
        return (_rounded(place, leaves, x, offset, shift) >> shift) - (offset >> shift)

    mask = Lazy(shape, lambda leaves: leaves.element(x.mask) >> shift) if step.wire.form == "masked" else None
    return Plain(Lazy(shape, build), mask)


def _truncate_local(place: Place, step: Step, operands: Sequence[Any]) -> Plain:
    """Party 0's share of it is uniform, and so a coin."""
    x, first, shift, offset = (
        number(place.local, operands[0]),
        place.drawn(step),
        step.integer("shift"),
        step.integer("offset"),
    )

    def build(leaves: Leaves) -> Expression:
        mine = leaves.element(first)
        return (mine + offset >> shift) - (offset >> shift) - ((mine - leaves.element(x)) >> shift)

    return Plain(Lazy(step.wire.shape, build))


def _select(_place: Place, step: Step, operands: Sequence[Any]) -> Plain:
    planes, x = operands
    pieces = list(zip(step.integers("slopes"), step.integers("knots"), planes.bits, strict=True))

    def build(leaves: Leaves) -> Expression:
        element = leaves.element(x.value)
        parts = [_piece(leaves.bit(plane), element, slope, knot) for slope, knot, plane in pieces]
        return sum(parts[1:], start=parts[0])

    return Plain(Lazy(step.wire.shape, build))


def _piece(bit: Bit, element: Expression, slope: int, knot: int) -> Expression:
    bent = element - knot if knot else element
    return select(bit, bent if slope == 1 else bent * slope, 0)


def _count(place: Place, step: Step, operands: Sequence[Planes]) -> Plain:
    (planes,) = operands
    size = int(np.prod(planes.shape))
    counts = [int(np.unpackbits(row.view(np.uint8), bitorder="little", count=size).sum()) for row in planes.bits]
    total = sum(slope * count for slope, count in zip(step.integers("slopes"), counts, strict=True))
    return Plain(from_integers(np.array(total, dtype=object), place.local.field))


def _as_number(place: Place, step: Step, operands: Sequence[Planes]) -> Plain:
    return Plain(_zero_or_one(place.local, operands[0].bits[step.integer("threshold", 0)], step.wire.shape))


# ---- linear steps ----


def _linear(place: Place, step: Step, operands: Sequence[Any]) -> Plain:
    """The value; and of one that a run would open the mask, by the same map without its constants."""
    value = _mapped(place, step, [number(place.local, operand) for operand in operands], True)
    assert value is not None
    if step.wire.form != "masked":
        return Plain(value)
    masks = [operand.mask if isinstance(operand, Plain) else None for operand in operands]
    return Plain(value, _mapped(place, step, masks, False))


def _mapped(place: Place, step: Step, operands: list[Array | None], affine: bool) -> Array | None:
    shapes = [place.plan.wires[name].shape for name in step.inputs]
    return linear(place.local, step, shapes, operands, affine=affine, iteration=place.iteration)


RULES: dict[str, Rule] = {
    "mask": _mask,
    "reveal": _reveal,
    "digits": _digits,
    "groups": lambda _place, _step, operands: operands[0],
    "bit": _bit,
    "product": _bilinear,
    "apply": _bilinear,
    "polynomial": _polynomial,
    "truncate": _truncate,
    "truncate_local": _truncate_local,
    "select": _select,
    "count": _count,
    "as_number": _as_number,
}
