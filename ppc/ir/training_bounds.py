"""Interval rules of the ops that only a training step has; `bounds` joins them to those of the layers.

Two facts beyond the operands' intervals are used, because the ops that make the operands guarantee them: the y of
`softmax_grad` is a softmax (not negative, summing to 1 in every example), and cross entropy's softmax is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log, prod

from ppc.ir.graph import Node
from ppc.ir.types import ZERO, Interval

Shape = tuple[int, ...]
Rule = Callable[[Node, Sequence[Interval], Sequence[Shape]], Interval | None]
UNIT = Interval(0.0, 1.0)


# ---- losses ----


def _cross_entropy(_node: Node, known: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
    """log Σ exp z lies between the smallest and the largest score, plus log n; nothing is asked of the labels' sum."""
    (logits, labels), classes = known, shapes[0][1]
    log_sum = logits + Interval(log(classes), log(classes))
    return log_sum - (logits * labels).scaled(classes)


def _cross_entropy_grad(_node: Node, known: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
    return (UNIT - known[1]).scaled(1.0 / shapes[0][0])  # softmax - labels, divided by the batch


def _square(x: Interval) -> Interval:
    return Interval(0.0 if 0.0 in x else min(x.low**2, x.high**2), x.magnitude**2)


def _mse(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return _square(known[0] - known[1])


def _mse_grad(_node: Node, known: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
    return (known[0] - known[1]).scaled(2.0 / prod(shapes[0]))


# ---- arithmetic ----


def _subtract(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return known[0] - known[1]


def _multiply(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return known[0] * known[1]


def _scale(node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return known[0].scaled(node.number("factor"))


def _same(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return known[0]


def _per_channel(shape: Shape) -> int:
    """How many values there are in a channel, the batch included."""
    return prod(shape) // max(1, shape[1])


def _sum_to_channel(_node: Node, known: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
    return known[0].scaled(_per_channel(shapes[0]))


def _matmul(node: Node, known: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
    inner = shapes[0][0 if node.attrs["transpose_x"] else 1]
    return (known[0] * known[1]).scaled(inner)


# ---- back through windows ----


def _covering(node: Node, kernel: Sequence[int]) -> int:
    """The most windows that one place of the input lies in."""
    return prod(-(-size // step) for size, step in zip(kernel, node.pair("stride"), strict=True))


def _conv2d_grad_input(node: Node, known: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
    """A place receives one product from each filter of its group for every window that it lies in, or fewer."""
    weight, filters = known[1], shapes[1][0] // node.integer("groups")
    gradient = known[0].scaled(1.0 / node.integer("pool", 1) ** 2)
    return (gradient * weight | ZERO).scaled(filters * _covering(node, shapes[1][2:]))


def _conv2d_grad_weight(node: Node, known: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
    """A weight receives one product from every window of every example, or from the mean of those pooled together."""
    x = known[0] | ZERO if any(node.pair("padding")) else known[0]
    batch, _, *places = shapes[1]
    return (x * known[1]).scaled(batch * prod(places))


def _avg_pool_grad(node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    kernel = node.pair("kernel")
    return (known[0].scaled(1.0 / prod(kernel)) | ZERO).scaled(_covering(node, kernel))


def _max_pool_grad(node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return (known[1] | ZERO).scaled(_covering(node, node.pair("kernel")))


def _global_avg_pool_grad(node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return known[0].scaled(1.0 / prod(node.pair("size")))


# ---- back through functions ----


def _relu_grad(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return known[1] | ZERO


def _sigmoid_grad(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    """y·(1 - y) is 1/4 - (y - 1/2)²."""
    quarter, half = Interval(0.25, 0.25), Interval(0.5, 0.5)
    return known[1] * (quarter - _square(known[0] - half))


def _tanh_grad(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    return known[1] * (Interval(1.0, 1.0) - _square(known[0]))


def _softmax_grad(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    """y·(g - mean of g) = y·(1 - y)·(g - mean of the others), where y·(1 - y) is at most 1/4."""
    return (known[1] - known[1]).scaled(0.25)


# ---- statistics ----


def _batch_variance(_node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval:
    """Largest with half of the values at either end."""
    return Interval(0.0, (known[0].high - known[0].low) ** 2 / 4)


def spread(variance: Interval, epsilon: float) -> Interval | None:
    """1 / sqrt(variance + epsilon), where that is bounded."""
    low, high = variance.low + epsilon, variance.high + epsilon
    return Interval(high**-0.5, low**-0.5) if low > 0 else None


def _batch_norm_grad_input(node: Node, known: Sequence[Interval], _shapes: Sequence[Shape]) -> Interval | None:
    x, scale, mean, variance, gradient = known
    factor = spread(variance, node.number("epsilon"))
    if factor is None:
        return None
    normalised = (x - mean) * factor
    return (gradient - gradient - normalised * (gradient * normalised)) * scale * factor


def _batch_norm_grad_scale(node: Node, known: Sequence[Interval], shapes: Sequence[Shape]) -> Interval | None:
    x, mean, variance, gradient = known
    factor = spread(variance, node.number("epsilon"))
    return None if factor is None else (gradient * ((x - mean) * factor)).scaled(_per_channel(shapes[0]))


TRAINING: dict[str, Rule] = {
    "softmax_cross_entropy": _cross_entropy,
    "softmax_cross_entropy_grad": _cross_entropy_grad,
    "mse": _mse,
    "right_answers": lambda _node, _known, shapes: Interval(0.0, float(shapes[0][0])),
    "mse_grad": _mse_grad,
    "subtract": _subtract,
    "multiply": _multiply,
    "scale": _scale,
    "scale_by": _multiply,
    "sum_to_channel": _sum_to_channel,
    "slice_channels": _same,
    "matmul": _matmul,
    "conv2d_grad_input": _conv2d_grad_input,
    "conv2d_grad_weight": _conv2d_grad_weight,
    "avg_pool_grad": _avg_pool_grad,
    "max_pool_grad": _max_pool_grad,
    "global_avg_pool_grad": _global_avg_pool_grad,
    "relu_grad": _relu_grad,
    "sigmoid_grad": _sigmoid_grad,
    "tanh_grad": _tanh_grad,
    "softmax_grad": _softmax_grad,
    "batch_mean": _same,
    "batch_variance": _batch_variance,
    "batch_norm_grad_input": _batch_norm_grad_input,
    "batch_norm_grad_scale": _batch_norm_grad_scale,
}
