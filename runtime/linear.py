"""The linear steps of a plan on arrays of elements: on shares, on opened values, on masks, on clear integers.

Called by the parties and by the dealer, for every form of value. `affine` says whether the constants of a step count:
they belong to an opened or clear value and to party 0's share, never to a mask. `iteration` is that of the section.
Knows no form and no party.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ppc.field import Words, from_integers
from ppc.plan.maps import windows
from ppc.plan.steps import Step
from ppc.runtime.kernels import Expression
from ppc.runtime.lazy import Array, Lazy, Leaves, Local, Shape, add, subtract
from ppc.runtime.sums import sum_rows, sum_to_channel

Place = tuple[int, int]


def linear(
    local: Local,
    step: Step,
    shapes: Sequence[Shape],
    operands: Sequence[Array | None],
    *,
    affine: bool,
    iteration: int,
) -> Array | None:
    """The step's map of operands of these shapes. Zeros (None) become zeros, unless a constant is added."""
    if step.op in ELEMENTWISE:
        return ELEMENTWISE[step.op](local, step, operands, affine)
    if all(operand is None for operand in operands) and not (affine and step.op == "window"):
        return None
    stored = [
        local.zeros(shape) if operand is None else local.store(operand)
        for operand, shape in zip(operands, shapes, strict=True)
    ]
    if step.op == "window":
        return _window(local, step, stored[0], affine)
    if step.op == "batch":
        return stored[0][rows(step, shapes[0][0], iteration)]
    return np.ascontiguousarray(MOVING[step.op](local, step, stored))


# ---- element-wise: not stored until needed ----


def _add(_local: Local, step: Step, operands: Sequence[Array | None], _affine: bool) -> Array | None:
    return add(step.wire.shape, *operands)


def _subtract(_local: Local, step: Step, operands: Sequence[Array | None], _affine: bool) -> Array | None:
    return subtract(step.wire.shape, *operands)


def _add_channel(local: Local, step: Step, operands: Sequence[Array | None], _affine: bool) -> Array | None:
    x, y = operands
    if y is None:
        return x
    like = step.wire.shape
    row = local.reshaped(local.store(y), (1, like[1], *(1,) * (len(like) - 2)))
    return add(like, x, Lazy(like, lambda leaves: leaves.element(row)))


def _times(_local: Local, step: Step, operands: Sequence[Array | None], _affine: bool) -> Array | None:
    (x,), factor = operands, step.integer("factor")
    return None if x is None else Lazy(step.wire.shape, lambda leaves: leaves.element(x) * factor)


def _offset(local: Local, step: Step, operands: Sequence[Array | None], affine: bool) -> Array | None:
    (x,), constant = operands, step.integer("constant")
    if not affine:
        return x
    if x is None:
        return filled(local, step.wire.shape, constant)
    return Lazy(step.wire.shape, lambda leaves: leaves.element(x) + constant)


def _same(_local: Local, _step: Step, operands: Sequence[Array | None], _affine: bool) -> Array | None:
    return operands[0]


def filled(local: Local, shape: Shape, number: int) -> Words:
    """The same public number everywhere."""
    return np.broadcast_to(from_integers([number], local.field)[0], local.field.shape(*shape)).copy()


Elementwise = Callable[[Local, Step, Sequence[Array | None], bool], Array | None]

ELEMENTWISE: dict[str, Elementwise] = {
    "add": _add,
    "subtract": _subtract,
    "add_channel": _add_channel,
    "times": _times,
    "offset": _offset,
    "rescale": _same,
    "certified": _same,
}

# ---- moving whole elements ----


def rows(step: Step, count: int, iteration: int) -> NDArray[np.int64]:
    """Which of `count` rows belong to an iteration: the next ones, round and round."""
    size = step.integer("rows")
    return np.arange(iteration * size, (iteration + 1) * size) % count


def _reshape(local: Local, step: Step, arrays: Sequence[Words]) -> Words:
    return local.reshaped(arrays[0], step.wire.shape)


def _concat(_local: Local, _step: Step, arrays: Sequence[Words]) -> Words:
    return np.concatenate(arrays, axis=1)


def _slice(_local: Local, step: Step, arrays: Sequence[Words]) -> Words:
    return arrays[0][:, step.integer("start") : step.integer("stop")]


def _spread_rows(local: Local, step: Step, arrays: Sequence[Words]) -> Words:
    return np.broadcast_to(arrays[0], local.field.shape(*step.wire.shape))


def _unfold(local: Local, step: Step, arrays: Sequence[Words]) -> Words:
    """[n, groups, windows, values of a window], the values in the order of a weight's."""
    framed = _framed(local, step, arrays[0])
    parts = np.stack([_cut(step, framed, place) for place in _places(step)], axis=2)
    batch, groups, count, values = step.wire.shape
    parts = local.reshaped(parts, (batch, groups, values, count))
    return np.swapaxes(parts, 2, 3)


def _places(step: Step) -> list[Place]:
    """The places of a window, row by row."""
    rows, columns = step.pair("kernel")
    return list(product(range(rows), range(columns)))


def _framed(local: Local, step: Step, image: Words, border: int = 0) -> Words:
    """An image with a border of the step's padding around it."""
    rows, columns = step.pair("padding")
    if not (rows or columns):
        return image
    batch, channels, height, width = local.shape(image)
    whole = filled(local, (batch, channels, height + 2 * rows, width + 2 * columns), border)
    whole[:, :, rows : rows + height, columns : columns + width] = image
    return whole


def _cut(step: Step, framed: Words, place: Place) -> Words:
    """One place of every window of a framed image, without a copy."""
    sizes = [size - 2 * padding for size, padding in zip(framed.shape[2:4], step.pair("padding"), strict=True)]
    (rows, columns), (down, across) = windows(step, sizes, step.pair("kernel")), step.pair("stride")
    vertical = slice(place[0], place[0] + (rows - 1) * down + 1, down)
    return framed[:, :, vertical, place[1] : place[1] + (columns - 1) * across + 1 : across]


def _window(local: Local, step: Step, image: Words, affine: bool) -> Words:
    framed = _framed(local, step, image, step.integer("border", 0) if affine else 0)
    return np.ascontiguousarray(_cut(step, framed, step.pair("place")))


# ---- adding up ----


def _square(step: Step) -> int:
    """The side of a pooling window that the kernels know: square, side by side, without padding; else 0."""
    (rows, columns), stride = step.pair("kernel"), step.pair("stride")
    return rows if rows == columns and stride == (rows, rows) and step.pair("padding") == (0, 0) else 0


def _pool_sums(local: Local, step: Step, arrays: Sequence[Words]) -> Words:
    if side := _square(step):
        out = local.field.empty(*step.wire.shape)
        local.bench.pool_sums(arrays[0], out, side)
        return out
    framed = _framed(local, step, arrays[0])
    parts = [_cut(step, framed, place) for place in _places(step)]

    def build(leaves: Leaves) -> Expression:
        terms = [leaves.element(part) for part in parts]
        return sum(terms[1:], start=terms[0])

    return local.store(Lazy(step.wire.shape, build))


def _pool_spread(local: Local, step: Step, arrays: Sequence[Words]) -> Words:
    if side := _square(step):
        out = local.field.empty(*step.wire.shape)
        local.bench.pool_spread(arrays[0], out, side)
        return out
    return _added_back(local, step, arrays[0], _places(step))


def _unwindow(local: Local, step: Step, arrays: Sequence[Words]) -> Words:
    return _added_back(local, step, arrays[0], [step.pair("place")])


def _added_back(local: Local, step: Step, part: Words, places: Sequence[Place]) -> Words:
    """An image of the step's size to which every window adds its part at these places."""
    (rows, columns), (height, width) = step.pair("padding"), step.pair("size")
    batch, channels = step.wire.shape[:2]
    whole = local.zeros((batch, channels, height + 2 * rows, width + 2 * columns))
    for place in places:
        target = _cut(step, whole, place)
        local.store(_sum_of(local.shape(part), target, part), target)
    return whole[:, :, rows : rows + height, columns : columns + width]


def _sum_of(shape: Shape, left: Words, right: Words) -> Lazy:
    return Lazy(shape, lambda leaves: leaves.element(left) + leaves.element(right))


Moving = Callable[[Local, Step, Sequence[Words]], Words]

MOVING: dict[str, Moving] = {
    "reshape": _reshape,
    "concat": _concat,
    "slice": _slice,
    "spread_rows": _spread_rows,
    "unfold": _unfold,
    "sum_to_channel": lambda local, _step, arrays: sum_to_channel(local, arrays[0]),
    "sum_rows": lambda local, _step, arrays: sum_rows(local, arrays[0]),
    "pool_sums": _pool_sums,
    "pool_spread": _pool_spread,
    "unwindow": _unwindow,
}
