"""Which shapes an op takes, and which it makes. Called by `frame`; what a map makes stands in `ppc.plan.maps`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod

from ppc.plan.maps import FREE, Shape, shape_of, windows
from ppc.plan.steps import Step

Fits = Callable[[Step, Sequence[Shape]], bool]


def mistakes(step: Step, operands: Sequence[Shape]) -> Iterator[str]:
    key = step.word("map") if step.op in ("product", "apply") else step.op
    if any(len(shape) != rank for shape, rank in zip(operands, RANKS.get(key, ()), strict=False)):
        yield f"takes values with {' and '.join(map(str, RANKS[key]))} axes"
    elif key in FITS and not FITS[key](step, operands):
        yield f"takes shapes that do not fit: {', '.join(str(list(shape)) for shape in operands)}"
    else:
        made = shape_of(step, operands)
        if made not in (FREE, step.wire.shape):
            yield f"makes {list(step.wire.shape)}, and that is {list(made)}"


def _equal(_step: Step, shapes: Sequence[Shape]) -> bool:
    return len(set(shapes)) == 1


def _channels(_step: Step, shapes: Sequence[Shape]) -> bool:
    return len(shapes[0]) >= 2 and shapes[1] == shapes[0][1:2]


def _rows(_step: Step, shapes: Sequence[Shape]) -> bool:
    return shapes[1] == (shapes[0][0], 1)


def _pooled(step: Step, size: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
    return tuple(count // step.integer("pool", 1) for count in windows(step, size, kernel))


def _there(sizes: Sequence[int]) -> bool:
    return all(size > 0 for size in sizes)


def _conv2d(step: Step, shapes: Sequence[Shape]) -> bool:
    x, weight = shapes
    groups = step.integer("groups")
    fits = x[1] == weight[1] * groups and weight[0] % groups == 0
    return fits and _there(_pooled(step, x[2:], weight[2:]))


def _grad_weight(step: Step, shapes: Sequence[Shape]) -> bool:
    x, gradient = shapes
    groups = step.integer("groups")
    fits = x[0] == gradient[0] and x[1] % groups == 0 and gradient[1] % groups == 0
    return fits and _pooled(step, x[2:], step.pair("kernel")) == gradient[2:]


def _grad_input(step: Step, shapes: Sequence[Shape]) -> bool:
    gradient, weight = shapes
    fits = gradient[1] == weight[0] and weight[0] % step.integer("groups") == 0
    return fits and _pooled(step, step.pair("size"), weight[2:]) == gradient[2:]


def _matmul(step: Step, shapes: Sequence[Shape]) -> bool:
    x, y = shapes
    return x[0 if step.flag("transpose_x") else 1] == y[1 if step.flag("transpose_y") else 0]


def _unfolded(step: Step, shapes: Sequence[Shape]) -> bool:
    unfolded, weight = shapes
    fits = unfolded[2] == prod(step.pair("size")) and weight[0] % unfolded[1] == 0
    return fits and unfolded[3] == prod(weight[1:])


def _unfolded_grad(step: Step, shapes: Sequence[Shape]) -> bool:
    unfolded, gradient = shapes
    fits = unfolded[0] == gradient[0] and unfolded[2] == prod(gradient[2:])
    return fits and gradient[1] % unfolded[1] == 0 and unfolded[3] % prod(step.pair("kernel")) == 0


def _concat(_step: Step, shapes: Sequence[Shape]) -> bool:
    return all(len(shape) >= 2 for shape in shapes) and len({(shape[0], *shape[2:]) for shape in shapes}) == 1


def _slice(step: Step, shapes: Sequence[Shape]) -> bool:
    return len(shapes[0]) >= 2 and step.integer("start") < step.integer("stop") <= shapes[0][1]


def _two_axes(_step: Step, shapes: Sequence[Shape]) -> bool:
    return len(shapes[0]) >= 2


def _spread_rows(step: Step, shapes: Sequence[Shape]) -> bool:
    one, many = shapes[0], step.wire.shape
    return len(one) == len(many) >= 2 and one[1] == 1 and (one[0], *one[2:]) == (many[0], *many[2:])


def _reshape(step: Step, shapes: Sequence[Shape]) -> bool:
    return prod(shapes[0]) == step.wire.size


def _window(step: Step, shapes: Sequence[Shape]) -> bool:
    fits = "groups" not in step.attrs or shapes[0][1] % step.integer("groups") == 0
    return fits and _there(windows(step, shapes[0][2:], step.pair("kernel"))) and _inside(step)


def _unwindow(step: Step, shapes: Sequence[Shape]) -> bool:
    return windows(step, step.pair("size"), step.pair("kernel")) == shapes[0][2:] and _inside(step)


def _inside(step: Step) -> bool:
    """The place of a window, for the steps that name one."""
    return "place" not in step.attrs or all(
        place < size for place, size in zip(step.pair("place"), step.pair("kernel"), strict=True)
    )


def _select(step: Step, shapes: Sequence[Shape]) -> bool:
    slopes, knots = step.integers("slopes"), step.integers("knots")
    return len(slopes) == len(knots) and shapes[0] == _thresholds(len(slopes), shapes[1])


def _thresholds(count: int, shape: Shape) -> Shape:
    return shape if count == 1 else (count, *shape)


def _count(step: Step, shapes: Sequence[Shape]) -> bool:
    slopes = step.integers("slopes")
    return len(slopes) == 1 or shapes[0][:1] == (len(slopes),)


def _as_number(step: Step, shapes: Sequence[Shape]) -> bool:
    """One threshold of several, or the only one: `shapes` cannot tell, so both are shapes that fit."""
    whole, one = shapes[0], step.wire.shape
    return (whole == one and step.integer("threshold") == 0) or (
        whole[1:] == one and step.integer("threshold") < whole[0]
    )


RANKS: dict[str, tuple[int, ...]] = {
    "conv2d": (4, 4),
    "conv2d_grad_weight": (4, 4),
    "conv2d_grad_input": (4, 4),
    "matmul": (2, 2),
    "multiply_rows": (2, 2),
    "unfolded_conv2d": (4, 4),
    "unfolded_grad_weight": (4, 4),
    **dict.fromkeys(("pool_sums", "pool_spread", "unfold", "window", "unwindow"), (4,)),
}
FITS: dict[str, Fits] = {
    "conv2d": _conv2d,
    "conv2d_grad_weight": _grad_weight,
    "conv2d_grad_input": _grad_input,
    "matmul": _matmul,
    "multiply": _equal,
    "multiply_channel": _channels,
    "multiply_rows": _rows,
    "multiply_all": lambda _step, shapes: shapes[1] == (),
    "unfolded_conv2d": _unfolded,
    "unfolded_grad_weight": _unfolded_grad,
    "add": _equal,
    "subtract": _equal,
    "add_channel": _channels,
    "concat": _concat,
    "slice": _slice,
    "batch": lambda _step, shapes: len(shapes[0]) >= 1,
    "sum_to_channel": _two_axes,
    "sum_rows": _two_axes,
    "spread_rows": _spread_rows,
    "reshape": _reshape,
    "pool_sums": _window,
    "unfold": _window,
    "window": _window,
    "pool_spread": _unwindow,
    "unwindow": _unwindow,
    "select": _select,
    "count": _count,
    "as_number": _as_number,
}
