"""Interval rules: between which reals the result of an op lies, whatever the secrets are.

Worst case over all inputs and weights within their own bounds, so that a bound never tells anything of a secret.
`None` means not known; a rule then gives `None`, unless the op bounds its result by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, prod

from ppc.ir.graph import Node
from ppc.ir.training_bounds import TRAINING, UNIT, Rule, spread
from ppc.ir.types import ZERO, Interval


def bounds_of(node: Node, operands: Sequence[Interval | None], shapes: Sequence[tuple[int, ...]]) -> Interval | None:
    """The interval of `node`'s result. `shapes` are those of its operands."""
    if node.op in ALWAYS:
        return ALWAYS[node.op]
    known = [interval for interval in operands if interval is not None]
    if len(known) < len(operands) or node.op not in BOUNDS:
        return None
    result = BOUNDS[node.op](node, known, shapes)
    return result if result and isfinite(result.low) and isfinite(result.high) else None


def _products(count: int, x: Interval, weight: Interval, bias: Sequence[Interval]) -> Interval:
    total = (x * weight).scaled(count)
    return total + bias[0] if bias else total


def _conv2d(node: Node, known: Sequence[Interval], shapes: Sequence[tuple[int, ...]]) -> Interval:
    padded = known[0] | ZERO if any(node.pair("padding")) else known[0]
    return _products(prod(shapes[1][1:]), padded, known[1], known[2:])


def _dense(_node: Node, known: Sequence[Interval], shapes: Sequence[tuple[int, ...]]) -> Interval:
    return _products(shapes[1][1], known[0], known[1], known[2:])


def _avg_pool(node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    return known[0] | ZERO if any(node.pair("padding")) else known[0]


def _same(_node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    return known[0]


def _relu(_node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    return Interval(max(0.0, known[0].low), max(0.0, known[0].high))


def _polynomial(node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    result = ZERO
    for coefficient in reversed(node.numbers("coefficients")):  # Horner, on intervals
        result = result * known[0] + Interval(coefficient, coefficient)
    return result


def _batch_norm(node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval | None:
    x, scale, shift, mean, variance = known
    factor = spread(variance, node.number("epsilon"))
    return None if factor is None else (x - mean) * scale * factor + shift


def _add(_node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    return known[0] + known[1]


def _multiply(_node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    return known[0] * known[1]


def _norm_factor(node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval | None:
    factor = spread(known[1], node.number("epsilon"))
    return None if factor is None else known[0] * factor


def _norm_shift(_node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    shift, mean, factor = known
    return shift - mean * factor


def _union(_node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    result = known[0]
    for other in known[1:]:
        result = result | other
    return result


def _uncomplement(node: Node, known: Sequence[Interval], _shapes: Sequence[tuple[int, ...]]) -> Interval:
    x = known[0]
    other = {"roll": x, "flip": Interval(1 - x.high, 1 - x.low), "negate": x.scaled(-1)}[node.word("how")]
    return x | other


# An op whose result is bounded by what it is.
ALWAYS: dict[str, Interval] = {
    "sigmoid": UNIT,
    "tanh": Interval(-1.0, 1.0),
    "softmax": UNIT,
    "signal_planes": UNIT,
}

BOUNDS: dict[str, Rule] = {
    "conv2d": _conv2d,
    "dense": _dense,
    "avg_pool": _avg_pool,
    "max_pool": _same,
    "global_avg_pool": _same,
    "relu": _relu,
    "polynomial": _polynomial,
    "batch_norm": _batch_norm,
    "flatten": _same,
    "reshape": _same,
    "resize": _same,
    "add": _add,
    "concat": _union,
    "dropout": _same,
    "uncomplement": _uncomplement,
    "norm_factor": _norm_factor,
    "norm_shift": _norm_shift,
    "multiply_channel": _multiply,
    "add_channel": _add,
    "scale_filters": _multiply,
    "reveal": _same,
    **TRAINING,
}
# The number of a class: its shape says how many there are.
UNBOUNDED = frozenset({"argmax"})
