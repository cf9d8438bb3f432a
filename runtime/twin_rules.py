"""What each op comes to, on integers: the meaning of the plan, from which every share has been left out.

Called by the twin, one rule a row. Bilinear maps run on the slow kernels; the rest is Python's integers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ppc.errors import InternalError
from ppc.field import Field, from_integers, to_integers
from ppc.plan.material import GROUP
from ppc.plan.steps import Plan, Step
from ppc.runtime.bilinear import Term, bilinear
from ppc.runtime.lazy import Local

Integers = NDArray[np.object_]


@dataclass(frozen=True, eq=False, repr=False)
class Plain:
    """A value modulo p, 0..p-1. A masked one has its mask; digits are planes, beside the bits they lead to."""

    integers: Integers
    mask: Integers | None = None
    bits: Integers | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Twins:
    """What a rule works with. `coin` is the run's mask, noise or share for this step."""

    plan: Plan
    local: Local
    coin: Integers | None
    iteration: int

    @property
    def field(self) -> Field:
        return self.plan.modulus_field

    def drawn(self, step: Step) -> Integers:
        if self.coin is None:
            raise InternalError(f"the run has no coin for {step.name}", place="twin")
        return self.coin

    def reduced(self, values: Integers) -> Integers:
        return cast(Integers, np.asarray(values % self.field.modulus, dtype=object))


Rule = Callable[[Twins, Step, Sequence[Plain]], Plain]


def rule_of(step: Step) -> Rule:
    return RULES.get(step.op, _linear)


# ---- openings ----


def _mask(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    return Plain(operands[0].integers, twins.drawn(step))


def _reveal(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    noise = twins.drawn(step) if step.word("noise") else 0
    return Plain(twins.reduced(operands[0].integers + noise))


def _rounded(twins: Twins, step: Step, operand: Plain, offset: int) -> tuple[Integers, Integers, Integers]:
    """Q0 and R, and Q0 - R with what a sum beyond p has lost: (x + offset) >> shift, or one more."""
    assert operand.mask is not None
    field, shift = twins.field, step.integer("shift")
    total = (operand.integers + offset) % field.modulus + operand.mask
    wrapped = (total >= field.modulus).astype(object)
    public, upper = (total - wrapped * field.modulus) >> shift, operand.mask >> shift
    return public, upper, public - upper + wrapped * 2 ** (field.bits - shift)


def _digits(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    """Planes less and equal of every threshold; and the bits that the comparison ends in."""
    digits = step.integer("digits")
    planes: list[Integers] = []
    bits: list[Integers] = []
    for offset in step.integers("offsets"):
        public, upper, difference = _rounded(twins, step, operands[0], offset)
        parts = [(public >> 4 * j & 15, upper >> 4 * j & 15) for j in range(digits)]
        planes.append(_compared(parts))
        bits.append(difference >> 4 * digits & 1)
    return Plain(np.stack(planes), bits=np.stack(bits))


def _compared(parts: Sequence[tuple[Integers, Integers]]) -> Integers:
    less = [(public < upper).ravel().astype(object) for public, upper in parts]
    equal = [(public == upper).ravel().astype(object) for public, upper in parts[1:]]
    return np.stack([*less, *equal])


def _groups(_twins: Twins, _step: Step, operands: Sequence[Plain]) -> Plain:
    """Of four digits: the highest that differs decides."""
    planes = operands[0].integers
    digits = (planes.shape[1] + 1) // 2
    less: list[Integers] = []
    equal: list[Integers] = []
    for start in range(0, digits, GROUP):
        below, same = planes[:, start], np.ones_like(planes[:, 0])
        for digit in range(start, min(start + GROUP, digits)):
            own = planes[:, digits + digit - 1] if digit else np.ones_like(same)
            below = planes[:, digit] + own * (below if digit > start else 0)
            same = same * own
        less.append(below)
        equal.append(same)
    return Plain(np.stack([*less, *equal[1:]], axis=1), bits=operands[0].bits)


def _bit(_twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    assert operands[0].bits is not None
    return Plain(operands[0].bits.reshape(step.wire.shape), bits=operands[0].bits)


# ---- local steps ----


def _bilinear(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    x, y = (from_integers(operand.integers, twins.field) for operand in operands)
    found = _map(twins, step, x, y)
    masked = [place for place, operand in enumerate(operands) if operand.mask is not None]
    if step.wire.form != "masked":
        return Plain(found)
    mask = from_integers(operands[masked[0]].mask, twins.field)
    return Plain(found, _map(twins, step, *((mask, y) if masked == [0] else (x, mask))))


def _map(twins: Twins, step: Step, x: NDArray[np.uint64], y: NDArray[np.uint64]) -> Integers:
    made = bilinear(twins.local, step, [Term(x, y)])
    assert made is not None
    return to_integers(twins.local.store(made), twins.field)


def _polynomial(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    total = np.zeros_like(operands[0].integers)
    for coefficient in reversed(step.integers("coefficients")):
        total = total * operands[0].integers + coefficient
    return Plain(twins.reduced(total))


def _truncate(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    offset = step.integer("offset")
    _, upper, moved = _rounded(twins, step, operands[0], offset)
    made = twins.reduced(moved - (offset >> step.integer("shift")))
    return Plain(made, upper if step.wire.form == "masked" else None)


def _truncate_local(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    """The error of one in p is part of the meaning, so party 0's share is a coin."""
    offset, shift, first = step.integer("offset"), step.integer("shift"), twins.drawn(step)
    other = twins.reduced(first - operands[0].integers)
    moved = (twins.reduced(first + offset) >> shift) - (offset >> shift)
    return Plain(twins.reduced(moved - (other >> shift)))


def _select(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    bits = operands[0].bits
    assert bits is not None
    rows = zip(step.integers("slopes"), step.integers("knots"), bits, strict=True)
    total = sum(slope * bit.reshape(step.wire.shape) * (operands[1].integers - knot) for slope, knot, bit in rows)
    return Plain(twins.reduced(cast(Integers, total)))


def _count(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    bits = operands[0].bits
    assert bits is not None
    total = sum(slope * int(bit.sum()) for slope, bit in zip(step.integers("slopes"), bits, strict=True))
    return Plain(twins.reduced(np.array(total, dtype=object)))


def _as_number(_twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    bits = operands[0].bits
    assert bits is not None
    return Plain(bits[step.integer("threshold", 0)].reshape(step.wire.shape))


# ---- linear steps ----


def _linear(twins: Twins, step: Step, operands: Sequence[Plain]) -> Plain:
    """The value; and of a masked one the mask, by the same map without its constants."""
    map_ = LINEAR[step.op] if step.op != "batch" else _batch(twins.iteration)
    value = twins.reduced(map_(step, [operand.integers for operand in operands], True))
    if step.wire.form != "masked":
        return Plain(value)
    masks = [np.zeros_like(o.integers) if o.mask is None else o.mask for o in operands]
    return Plain(value, twins.reduced(map_(step, masks, False)))


Map = Callable[[Step, Sequence[Integers], bool], Integers]


def _batch(iteration: int) -> Map:
    """One row after the other, from the first again behind the last."""
    return lambda step, values, _affine: np.stack(
        [values[0][(iteration * size + row) % len(values[0])] for size in [step.integer("rows")] for row in range(size)]
    )


def _over_channels(like: Integers, row: Integers) -> Integers:
    return row.reshape(1, -1, *(1,) * (like.ndim - 2))


def _offset(step: Step, values: Sequence[Integers], affine: bool) -> Integers:
    return values[0] + step.integer("constant") if affine else values[0]


def _framed(step: Step, image: Integers, border: int = 0) -> Integers:
    rows, columns = step.pair("padding")
    sides = ((0, 0), (0, 0), (rows, rows), (columns, columns))
    return np.pad(image, sides, constant_values=np.array(border, dtype=object))


def _views(step: Step, framed: Integers) -> Integers:
    """[n, c, rows, columns, kernel, kernel]"""
    down, across = step.pair("stride")
    return sliding_window_view(framed, step.pair("kernel"), axis=(2, 3))[:, :, ::down, ::across]  # pyright: ignore[reportCallIssue, reportArgumentType]


def _pool_sums(step: Step, values: Sequence[Integers], _affine: bool) -> Integers:
    return _views(step, _framed(step, values[0])).sum(axis=(4, 5))


def _window(step: Step, values: Sequence[Integers], affine: bool) -> Integers:
    row, column = step.pair("place")
    return _views(step, _framed(step, values[0], step.integer("border", 0) if affine else 0))[..., row, column]


def _unfold(step: Step, values: Sequence[Integers], _affine: bool) -> Integers:
    cut = _views(step, _framed(step, values[0]))
    batch, channels, rows, columns, *kernel = cut.shape
    groups = step.integer("groups")
    parts = cut.transpose(0, 2, 3, 1, 4, 5).reshape(batch, rows * columns, groups, channels // groups * np.prod(kernel))
    return parts.transpose(0, 2, 1, 3)


def _spread_back(step: Step, part: Integers, places: Sequence[tuple[int, int]]) -> Integers:
    (rows, columns), (height, width), (down, across) = (step.pair(key) for key in ("padding", "size", "stride"))
    whole = np.zeros((*part.shape[:2], height + 2 * rows, width + 2 * columns), dtype=object)
    for (i, j), (row, column) in product(np.ndindex(*part.shape[2:]), places):
        whole[:, :, i * down + row, j * across + column] += part[:, :, i, j]
    return whole[:, :, rows : rows + height, columns : columns + width]


def _pool_spread(step: Step, values: Sequence[Integers], _affine: bool) -> Integers:
    return _spread_back(step, values[0], list(np.ndindex(*step.pair("kernel"))))  # pyright: ignore[reportArgumentType]


LINEAR: dict[str, Map] = {
    "add": lambda _step, values, _affine: values[0] + values[1],
    "subtract": lambda _step, values, _affine: values[0] - values[1],
    "add_channel": lambda _step, values, _affine: values[0] + _over_channels(values[0], values[1]),
    "times": lambda step, values, _affine: values[0] * step.integer("factor"),
    "offset": _offset,
    "rescale": lambda _step, values, _affine: values[0],
    "certified": lambda _step, values, _affine: values[0],
    "reshape": lambda step, values, _affine: values[0].reshape(step.wire.shape),
    "concat": lambda _step, values, _affine: np.concatenate(values, axis=1),
    "slice": lambda step, values, _affine: values[0][:, step.integer("start") : step.integer("stop")],
    "sum_to_channel": lambda _step, values, _affine: values[0].sum(axis=(0, *range(2, values[0].ndim))),
    "sum_rows": lambda _step, values, _affine: values[0].sum(axis=1, keepdims=True),
    "spread_rows": lambda step, values, _affine: np.broadcast_to(values[0], step.wire.shape),
    "pool_sums": _pool_sums,
    "pool_spread": _pool_spread,
    "unfold": _unfold,
    "window": _window,
    "unwindow": lambda step, values, _affine: _spread_back(step, values[0], [step.pair("place")]),
}

RULES: dict[str, Rule] = {
    "mask": _mask,
    "reveal": _reveal,
    "digits": _digits,
    "groups": _groups,
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
