"""Functions that bend: sigmoid, tanh, and softmax from its exponential and reciprocal, in straight pieces.

One opening and one comparison serve all pieces of a value. What the pieces miss of the function is an attribute of
the step, `error`, and part of the bound on the deviation that the compiler states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ppc.approximation import PiecewiseLinear, piecewise_linear, slope_bits
from ppc.ir.graph import Attribute, Node
from ppc.passes.lowering.context import Lowering, Rule, Value
from ppc.passes.lowering.tournament import largest_of_row

CURVE_ERROR = 4e-4  # leaves room for rounding below 1e-3


def curve(lowering: Lowering, x: Value, pieces: PiecewiseLinear) -> Value:
    """intercept + base·x + Σ slopes[j]·max(0, x - knots[j])"""
    bits = lowering.above(x, pieces.knots)
    attrs: dict[str, Attribute] = {"slopes": pieces.slopes, "knots": pieces.knots, "error": pieces.error}
    bent = lowering.add("select", bits, x, attrs=attrs)
    if pieces.base:
        bent = lowering.add("add", bent, lowering.times(x, pieces.base))
    return lowering.add("offset", bent, attrs={"by": pieces.intercept}) if pieces.intercept else bent


def levelled(pieces: PiecewiseLinear) -> PiecewiseLinear:
    """The same between its ends, and level outside: what cannot happen must not widen the range that is proved."""
    knots, slopes, intercept, base = pieces.knots, pieces.slopes, pieces.intercept, pieces.base
    if base:
        intercept, knots, slopes, base = float(pieces.at(pieces.low)), (pieces.low, *knots), (base, *slopes), 0.0
    if sum(slopes):
        knots, slopes = (*knots, pieces.high), (*slopes, -sum(slopes))
    return replace(pieces, knots=knots, slopes=slopes, intercept=intercept, base=base)


def _function(name: str) -> Rule:
    return lambda lowering, _node, operands: curve(lowering, operands[0], piecewise_linear(name, error=CURVE_ERROR))


def softmax(lowering: Lowering, x: Value) -> Value:
    """exp(x - max) over its sum; the sum lies between 1 and the number of classes."""
    shape, x = lowering.shape(x), lowering.settled(x)
    largest = largest_of_row(lowering, x)
    below = lowering.add("subtract", x, lowering.add("spread_rows", largest, shape=shape))
    power = levelled(piecewise_linear("exp", high=0.0, error=CURVE_ERROR / 2))
    powers = curve(lowering, below, power)
    total = lowering.add("sum_rows", powers)
    count, missed = shape[1], shape[1] * power.error
    bits = slope_bits(count)
    reciprocal = piecewise_linear("reciprocal", 1.0 - missed, count + missed, CURVE_ERROR / 2, fraction=bits)
    inverse = curve(lowering, total, levelled(reciprocal))
    return lowering.product("multiply_rows", powers, inverse)


def _softmax(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    return softmax(lowering, operands[0])


def _softmax_grad(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    y, gradient = operands
    mean = lowering.add("sum_rows", lowering.product("multiply", gradient, y))
    spread = lowering.add("spread_rows", mean, shape=lowering.shape(gradient))
    return lowering.product("multiply", y, lowering.add("subtract", gradient, spread))


def _softmax_cross_entropy_grad(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    logits, labels = operands
    difference = lowering.add("subtract", softmax(lowering, logits), labels)
    return lowering.times(difference, 1.0 / node.shape[0])


CURVES: dict[str, Rule] = {
    "sigmoid": _function("sigmoid"),
    "tanh": _function("tanh"),
    "softmax": _softmax,
    "softmax_grad": _softmax_grad,
    "softmax_cross_entropy_grad": _softmax_cross_entropy_grad,
}
