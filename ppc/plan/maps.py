"""Shapes of the maps: bilinear ones by the attribute `map` of `product` and `apply`, linear ones by op.

A convolution with `pool` k is followed by the sum over k×k windows, as one map; its gradients take and give the values
outside of the pooling. `unfolded_…` take their first operand as the matrix of windows that `unfold` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from ppc.plan.steps import Step

Shape = tuple[int, ...]
Rule = Callable[[Step, Sequence[Shape]], Shape]
FREE: Shape = (-1,)  # any shape of as many values: the step says which


def shape_of(step: Step, operands: Sequence[Shape]) -> Shape:
    """The shape of a step's result; `FREE` where the step itself decides."""
    if step.op in ("product", "apply"):
        return BILINEAR[step.word("map")](step, operands)
    return SHAPES.get(step.op, _free)(step, operands)


def window_count(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel) // stride + 1


def windows(step: Step, size: Sequence[int], kernel: Sequence[int]) -> Shape:
    """How many windows there are along both axes."""
    sides = zip(size, kernel, step.pair("stride"), step.pair("padding"), strict=True)
    return tuple(window_count(*side) for side in sides)


# ---- bilinear ----


def _conv2d(step: Step, shapes: Sequence[Shape]) -> Shape:
    (batch, _, *size), weight = shapes
    pool = step.integer("pool", 1)
    return (batch, weight[0], *(count // pool for count in windows(step, size, weight[2:])))


def _conv2d_grad_weight(step: Step, shapes: Sequence[Shape]) -> Shape:
    return (shapes[1][1], shapes[0][1] // step.integer("groups"), *step.pair("kernel"))


def _conv2d_grad_input(step: Step, shapes: Sequence[Shape]) -> Shape:
    gradient, weight = shapes
    return (gradient[0], weight[1] * step.integer("groups"), *step.pair("size"))


def _matmul(step: Step, shapes: Sequence[Shape]) -> Shape:
    x, y = (shape[::-1] if step.flag(flag) else shape for shape, flag in zip(shapes, _TRANSPOSES, strict=True))
    return (x[0], y[1])


def _unfolded_conv2d(step: Step, shapes: Sequence[Shape]) -> Shape:
    unfolded, weight = shapes
    return (unfolded[0], weight[0], *step.pair("size"))


def _unfolded_grad_weight(step: Step, shapes: Sequence[Shape]) -> Shape:
    return (shapes[1][1], shapes[0][3] // prod(step.pair("kernel")), *step.pair("kernel"))


def _first(_step: Step, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]


_TRANSPOSES = ("transpose_x", "transpose_y")

BILINEAR: dict[str, Rule] = {
    "conv2d": _conv2d,  # x[n, c, h, w], weight[o, c / groups, kh, kw]
    "conv2d_grad_weight": _conv2d_grad_weight,  # x, gradient[n, o, h', w']
    "conv2d_grad_input": _conv2d_grad_input,  # gradient, weight
    "matmul": _matmul,
    "multiply": _first,  # of equal shapes
    "multiply_channel": _first,  # x[n, c, …], y[c]
    "multiply_rows": _first,  # x[n, c], y[n, 1]
    "multiply_all": _first,  # x[…], y[]: one number
    "unfolded_conv2d": _unfolded_conv2d,  # unfolded[n, groups, windows, values of a window], weight
    "unfolded_grad_weight": _unfolded_grad_weight,  # unfolded, gradient
}


# ---- linear ----


def _free(_step: Step, _shapes: Sequence[Shape]) -> Shape:
    return FREE


def _concat(_step: Step, shapes: Sequence[Shape]) -> Shape:
    batch, _, *rest = shapes[0]
    return (batch, sum(shape[1] for shape in shapes), *rest)


def _slice(step: Step, shapes: Sequence[Shape]) -> Shape:
    batch, _, *rest = shapes[0]
    return (batch, step.integer("stop") - step.integer("start"), *rest)


def _batch(step: Step, shapes: Sequence[Shape]) -> Shape:
    return (step.integer("rows"), *shapes[0][1:])


def _sum_to_channel(_step: Step, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][1],)


def _sum_rows(_step: Step, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][0], 1, *shapes[0][2:])


def _pooled(step: Step, shapes: Sequence[Shape]) -> Shape:
    batch, channels, *size = shapes[0]
    return (batch, channels, *windows(step, size, step.pair("kernel")))


def _spread(step: Step, shapes: Sequence[Shape]) -> Shape:
    return (*shapes[0][:2], *step.pair("size"))


def _unfold(step: Step, shapes: Sequence[Shape]) -> Shape:
    batch, channels, *size = shapes[0]
    groups, kernel = step.integer("groups"), step.pair("kernel")
    return (batch, groups, prod(windows(step, size, kernel)), channels // groups * prod(kernel))


def _scalar(_step: Step, _shapes: Sequence[Shape]) -> Shape:
    return ()


def _comparisons(step: Step, shapes: Sequence[Shape]) -> Shape:
    """An axis for the thresholds in front, where there are several."""
    count = len(step.integers("knots" if step.op == "compare" else "offsets"))
    return shapes[0] if count == 1 else (count, *shapes[0])


SHAPES: dict[str, Rule] = {
    "encode": _first,
    "decode": _first,
    "mask": _first,
    "compare": _comparisons,
    "digits": _comparisons,
    "groups": _first,
    "bit": _first,
    "reveal": _first,
    "polynomial": _first,
    "truncate": _first,
    "truncate_local": _first,
    "select": lambda _step, shapes: shapes[1],
    "add": _first,
    "subtract": _first,
    "add_channel": _first,
    "times": _first,
    "offset": _first,
    "rescale": _first,
    "certified": _first,
    "concat": _concat,
    "slice": _slice,
    "batch": _batch,
    "sum_to_channel": _sum_to_channel,
    "sum_rows": _sum_rows,
    "pool_sums": _pooled,
    "pool_spread": _spread,
    "unfold": _unfold,
    "window": _pooled,
    "unwindow": _spread,
    "count": _scalar,
}
