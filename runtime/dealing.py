"""What the dealer makes for each op: one rule a row, in the terms of PROTOCOL.md.

Called by the dealer, step by step. A rule writes party 1's corrections and returns what is known of the step's masks.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ppc.errors import InternalError
from ppc.field import Words
from ppc.plan.material import digits_made, plane_bytes, planes, thresholds
from ppc.plan.steps import Step
from ppc.runtime.bilinear import Term, bilinear
from ppc.runtime.clear_steps import computed, encoded, given
from ppc.runtime.combining import Group, in_groups, multiplied, products, whole
from ppc.runtime.kernels import Bit, Expression, constant, select
from ppc.runtime.lazy import Array, Lazy, Leaves, Shape, subtract
from ppc.runtime.linear import linear
from ppc.runtime.table import Known, Mask, Missing, OneTime, Table, Upper, lazy, total

DIGITS_A_WORD = 4  # digits that are taken from the mask at once
CHUNK = 1 << 15  # elements whose products of bits are made at once, in the nearest cache


def deal_step(table: Table, step: Step) -> Known:
    if step.wire.form == "public" and step.op != "reveal":
        return _public(table, step)
    if step.wire.form == "clear" and step.op != "reveal":
        return None
    made = DEALING.get(step.op, _linear)(table, step)
    if isinstance(made, Missing):
        table.see(step, made.value)
    return made


# ---- openings of elements ----


def _mask(table: Table, step: Step) -> Known:
    """Uniform shares from both seeds; the owner of a clear value has all of it."""
    wire, shape = table.plan.wires[step.inputs[0]], step.wire.shape
    owners = [party for party in table.plan.parties if wire.form != "clear" or wire.at == party]
    draws = [
        table.hands[place].mask(step) if party in owners else None for place, party in enumerate(table.plan.parties)
    ]
    found = Mask((draws[0], draws[1]), total(shape, draws[0], draws[1]))
    missing = table.known(step.inputs[0])
    if isinstance(missing, Missing):
        if step.flag("short"):
            raise InternalError(f"{step.name} is short and hides a product of masks", place="deal")
        found = Mask(None, table.local.store(total(shape, subtract(shape, found.whole, missing.value), None)))
    table.see(step, found.whole)
    return found


def _reveal(table: Table, step: Step) -> Known:
    """Noise is uniform below 2^drowned."""
    if isinstance(table.known(step.inputs[0]), Missing):
        raise InternalError(f"{step.name} reveals a share that lacks its product of masks", place="deal")
    if step.word("noise"):
        shape, drowned = step.wire.shape, step.integer("drowned")
        drawn = table.hands[2].uniform(step.word("noise"), *shape)
        noise = table.local.store(lazy(shape, drawn, lambda element: element.low(drowned)))
        table.elements(step, "noise", [lazy(shape, noise, lambda element: element)], *shape)
        table.see(step, noise)
    return None


# ---- functions of masks ----


def _product(table: Table, step: Step) -> Known:
    """Λx·Λy but for the part that party 0 has by itself."""
    x, y = (table.shares(name) for name in step.inputs)
    terms = [Term(x[0], y[1]), Term(x[1], table.mask(step.inputs[1]).whole)]
    missing = bilinear(table.local, step, terms)
    if step.word("into"):
        return None if missing is None else Missing(missing)
    shape = step.wire.shape
    made = Lazy(shape, lambda _: constant(0)) if missing is None else lazy(shape, missing, lambda element: element)
    table.elements(step, "share", [made], *shape)
    return None


def _polynomial(table: Table, step: Step) -> Known:
    degree, shape = len(step.integers("coefficients")) - 1, step.wire.shape
    mask = table.mask(step.inputs[0]).whole

    def power(exponent: int) -> Lazy:
        def build(leaves: Leaves) -> Expression:
            element = leaves.element(mask)
            made = element
            for _ in range(exponent - 1):
                made = made * element
            return made

        return Lazy(shape, build)

    if degree > 1:
        table.elements(step, "share", [power(exponent) for exponent in range(2, degree + 1)], degree - 1, *shape)
    return None


def _truncate(table: Table, step: Step) -> Known:
    """R = λ >> shift and ρ = 1{λ >= 2^(n-1)}."""
    mask, shift, shape = table.mask(step.inputs[0]).whole, step.integer("shift"), step.wire.shape
    upper = lazy(shape, mask, lambda element: element >> shift)
    if step.wire.form == "masked":
        return Mask(table.elements(step, "tuple", [upper], *shape), table.local.store(upper))
    table.elements(step, "tuple", [upper, _reached(table, mask, shape)], 2, *shape)
    return Upper(mask, shift)


def _reached(table: Table, mask: Array, shape: Shape) -> Lazy:
    top = table.plan.modulus_field.bits - 1
    return lazy(shape, mask, lambda element: select(element.bit(top), 1, 0))


def _select(table: Table, step: Step) -> Known:
    """λ_d times what the other operand is made of."""
    bits, x = table.known(step.inputs[0]), table.known(step.inputs[1])
    assert isinstance(bits, OneTime)
    assert isinstance(x, Upper | Mask)
    count, shape, top = bits.bits.shape[0], step.wire.shape, table.plan.modulus_field.bits - 1

    def times(plane: Words, make: Callable[[Expression, Bit], Expression]) -> Lazy:
        return Lazy(shape, lambda leaves: make(leaves.element(x.whole), leaves.bit(plane)))

    hidden = [bits.bits[j, 0] for j in range(count)]
    if isinstance(x, Mask):
        table.elements(
            step, "share", [times(d, lambda mask, bit: select(bit, mask, 0)) for d in hidden], 1, count, *shape
        )
        return None
    shift = x.shift
    made = [times(d, lambda mask, bit: select(bit, mask >> shift, 0)) for d in hidden]
    made += [times(d, lambda mask, bit: select(bit & mask.bit(top), 1, 0)) for d in hidden]
    table.elements(step, "share", made, 2, count, *shape)
    return None


# ---- comparisons ----


def _digits(table: Table, step: Step) -> Known:
    """Both draws of the one-time bits; the top bit of R and the products of its digits' bits."""
    mask, size = table.mask(step.inputs[0]).whole, table.plan.wires[step.inputs[0]].size
    digits, words = step.integer("digits"), plane_bytes(size) // 8
    upper, monomials = table.hands[0].digits(step, size)
    top, numbers = _digits_of(table, mask, step, size)
    np.bitwise_xor(top, upper, out=table.parcel.bits(step.name, step.word("tuple"), words))
    room = table.parcel.monomials(step.name, step.word("tuple"), (digits, size))
    for digit, start in product(range(digits), range(0, size, CHUNK)):
        part = slice(start, start + CHUNK)
        moved = numbers[digit // DIGITS_A_WORD][part] >> np.uint16(digit % DIGITS_A_WORD * 4)
        np.bitwise_xor(monomials_of(moved), monomials[digit, part], out=room[digit, part])
    shape = (len(step.integers("offsets")), planes(digits), words)
    return OneTime(table.own_bits(step, shape), digits)


def monomials_of(digits: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The products of the four lowest bits: bit S is set if the digit has all bits of S. Nothing is looked up."""
    made = np.ones_like(digits)
    for bit in range(4):
        made |= (made << np.uint16(1 << bit)) * (digits >> np.uint16(bit) & np.uint16(1))
    return made


def _digits_of(table: Table, mask: Array, step: Step, size: int) -> tuple[Words, list[NDArray[np.uint16]]]:
    """The plane of bit K of R, and R's digits, four to a number."""
    field, digits, shift = table.plan.modulus_field, step.integer("digits"), step.integer("shift")
    flat = table.local.reshaped(table.local.store(mask), (size,))
    starts = [shift + 4 * digit for digit in range(0, digits, DIGITS_A_WORD)]
    leaves = Leaves()
    element = leaves.element(flat)
    expressions = [(element >> start).low(min(16, field.bits - start)) for start in starts]
    outs = [field.empty(size) for _ in starts]
    top = np.empty(plane_bytes(size) // 8, np.uint64)
    table.local.run([*expressions, element.bit(shift + 4 * digits)], leaves, outs, (size,), [top])
    lowest = [out if field.words == 1 else out[:, 0] for out in outs]
    return top, [low.astype(np.uint16) for low in lowest]


def _combined(table: Table, step: Step, groups: list[Group], own: int) -> None:
    """The products of the one-time bits under which the operand was opened."""
    bits = _one_time(table, step).bits
    made = [multiplied(groups, threshold) for threshold in bits]
    shape = (bits.shape[0], len(products(groups)), bits.shape[2])
    table.bits(step, np.array(made, np.uint64).reshape(shape), own)


def _one_time(table: Table, step: Step) -> OneTime:
    value = table.known(step.inputs[0])
    assert isinstance(value, OneTime)
    assert value.digits == digits_made(table.plan.by_name[step.inputs[0]], table.plan.by_name)
    return value


def _groups(table: Table, step: Step) -> Known:
    value = _one_time(table, step)
    groups = in_groups(value.digits)
    own = table.own_bits(step, (value.bits.shape[0], planes(len(groups)), value.bits.shape[2]))
    _combined(table, step, groups, own.size)
    return OneTime(own, len(groups))


def _bit(table: Table, step: Step) -> Known:
    """λ_d as bits, drawn by both, and as shares of numbers."""
    value = _one_time(table, step)
    count = thresholds(step, table.plan.by_name)
    own = table.own_bits(step, (count, value.bits.shape[2]))
    _combined(table, step, whole(value.digits), own.size)
    size = step.wire.size // count
    made = [_as_number((size,), own[j]) for j in range(count)]
    table.elements(step, "share", made, count, size)
    return OneTime(own[:, None])


def _as_number(shape: Shape, plane: Words) -> Lazy:
    return Lazy(shape, lambda leaves: select(leaves.bit(plane), 1, 0))


# ---- linear steps: masks go through the same map ----


def _linear(table: Table, step: Step) -> Known:
    if step.wire.form == "masked":
        pairs = [_shares(table, name) for name in step.inputs]
        shares = tuple(_mapped(table, step, [pair[party] for pair in pairs]) for party in range(2))
        return Mask((shares[0], shares[1]), total(step.wire.shape, *shares))
    lacking = [_lacking(table, name) for name in step.inputs]
    if all(value is None for value in lacking):
        return None
    made = _mapped(table, step, lacking)
    return None if made is None else Missing(made)


def _shares(table: Table, name: str) -> tuple[Array | None, Array | None]:
    return (None, None) if table.plan.wires[name].form == "public" else table.shares(name)


def _lacking(table: Table, name: str) -> Array | None:
    value = table.known(name)
    if isinstance(value, Mask):
        table.shares(name)
    return value.value if isinstance(value, Missing) else None


def _mapped(table: Table, step: Step, operands: list[Array | None]) -> Array | None:
    if step.op == "apply":
        return table.local.stored(_applied(table, step, operands))
    shapes = [table.plan.wires[name].shape for name in step.inputs]
    return table.local.stored(linear(table.local, step, shapes, operands, affine=False, iteration=table.iteration))


def _applied(table: Table, step: Step, operands: list[Array | None]) -> Array | None:
    """The public operand is the map's, for the mask as for the value."""
    public = [table.plan.wires[name].form == "public" for name in step.inputs]
    values = [
        cast(Words, table.known(name)) if known else operand
        for name, known, operand in zip(step.inputs, public, operands, strict=True)
    ]
    if any(known and value is None for known, value in zip(public, values, strict=True)):
        raise InternalError(f"{step.name} maps a mask by a value that the dealer was not given", place="deal")
    return bilinear(table.local, step, [Term(values[0], values[1])])


def _alone(_table: Table, _step: Step) -> Known:
    return None


# ---- public values, as far as they were given to the dealer too ----


def _public(table: Table, step: Step) -> Known:
    operands = [cast("Words | None", table.known(name)) for name in step.inputs]
    if step.op == "given":
        told = step.name in table.public or step.word("what") == "zero"
        return given(step, table.public) if told else None
    present = [operand for operand in operands if operand is not None]
    if len(present) < len(operands) or step.op == "decode":
        return None
    if step.op == "compute":
        return computed(step, list(present))
    if step.op == "encode":
        field, source = table.plan.modulus_field, table.plan.wires[step.inputs[0]]
        return encoded(step, source, present[0], field, None, ("", 0))
    if step.op == "apply":
        return table.local.stored(bilinear(table.local, step, [Term(present[0], present[1])]))
    shapes = [table.plan.wires[name].shape for name in step.inputs]
    return table.local.stored(linear(table.local, step, shapes, present, affine=True, iteration=table.iteration))


DEALING: dict[str, Callable[[Table, Step], Known]] = {
    "given": _alone,
    "mask": _mask,
    "reveal": _reveal,
    "product": _product,
    "polynomial": _polynomial,
    "truncate": _truncate,
    "select": _select,
    "digits": _digits,
    "groups": _groups,
    "bit": _bit,
    "count": _alone,
    "as_number": _alone,
}
