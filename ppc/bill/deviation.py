"""How far each value may be from what float arithmetic would give: a bound, in the value's own units, for every value.

Rules by op, each the worst case over all inputs within the program's bounds:

    encoding     half a unit in the last place; a whole one where it is rounded at random
    truncation   one unit; the noise that drowns revealed bits, its size
    product      |x|·err(y) + |y|·err(x) + err(x)·err(y), times how many products are added up
    function     its steepest slope times the error, and what an approximation misses (`error`)

A choice by a bit is bounded as long as float arithmetic would choose alike: for ReLU and every continuous piecewise
function it does not matter, as both pieces agree where the bit may differ; a gradient that a bit switches on or off is
bounded *given the same signs*. Errors of float arithmetic itself are not counted. Carried values start exact: the bound
is that of one iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf, prod
from typing import cast

from ppc.plan import reals
from ppc.plan.ranges import COUNTS, overlaps
from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire

Rule = Callable[["Operands"], float]


@dataclass(frozen=True, slots=True)
class Operands:
    """A step with what is known of its operands: their wires and errors."""

    step: Step
    wires: Sequence[Wire]
    errors: Sequence[float]

    @property
    def error(self) -> float:
        return self.errors[0]

    @property
    def unit(self) -> float:
        """One unit in the last place of the result."""
        return unit(self.step.wire)

    @property
    def moved(self) -> float:
        """What one unit of the operand's integer is worth in the result."""
        return self.unit / unit(self.wires[0])


def deviation(plan: Plan) -> dict[str, float]:
    """The bound of every value, by name; infinite where nothing can be said."""
    found: dict[str, float] = {}
    for section in plan.sections:
        for carry in section.carries:
            found[carry.name] = found.get(carry.first, 0.0)
        for step in section.steps:
            wires = [plan.wires[name] for name in step.inputs]
            operands = Operands(step, wires, [found.get(name, 0.0) for name in step.inputs])
            extra = cast(float, step.attrs.get("error", 0.0))
            found[step.name] = RULES.get(step.op, _most)(operands) + extra
    return found


def unit(wire: Wire) -> float:
    return 2.0 ** -(wire.scale or 0)


def magnitude(wire: Wire) -> float:
    """The largest absolute real number that a wire may stand for."""
    if wire.low is not None:
        return wire.magnitude * unit(wire)
    return wire.bounds.magnitude if wire.bounds else inf


def times(x: float, y: float) -> float:
    """A product in which an error of nothing stays nothing, whatever it is multiplied by."""
    return 0.0 if x == 0.0 or y == 0.0 else x * y


# ---- rules ----


def _none(_operands: Operands) -> float:
    return 0.0


def _most(operands: Operands) -> float:
    return max(operands.errors, default=0.0)


def _sum(operands: Operands) -> float:
    return sum(operands.errors)


def _encode(operands: Operands) -> float:
    return operands.error + operands.unit * (1.0 if operands.step.word("rounding") == "stochastic" else 0.5)


def _truncate(operands: Operands) -> float:
    return operands.error + operands.unit


def _product(operands: Operands) -> float:
    (x, y), (of_x, of_y) = operands.wires, operands.errors
    each = times(magnitude(x), of_y) + times(magnitude(y), of_x) + times(of_x, of_y)
    return times(COUNTS[operands.step.word("map")](operands.step, operands.wires), each)


def _polynomial(operands: Operands) -> float:
    """The steepest slope within reach, and half a unit of each coefficient that is not a whole one of its scale."""
    scale = operands.wires[0].scale or 0
    reach = magnitude(operands.wires[0]) + operands.error
    slope = rounding = 0.0
    coefficients = operands.step.integers("coefficients")
    fraction = operands.step.integer("scale", 0)
    for power, coefficient in enumerate(coefficients):
        real = abs(coefficient) * 2.0 ** (power * scale) * operands.unit
        slope += times(power * real, reach ** max(0, power - 1))
        if coefficient:
            rounding += times(2.0 ** -(fraction + 1), reach**power)
    return times(slope, operands.error) + rounding


def _select(operands: Operands) -> float:
    """Slopes add up as one threshold after the other is passed; each has half a unit of rounding of its own."""
    step = operands.step
    pieces = sorted(zip(step.integers("knots"), step.integers("slopes"), strict=True))
    steepest = max((abs(total) for total in accumulate(slope for _, slope in pieces)), default=0)
    slope = steepest * operands.unit / unit(operands.wires[1])
    error = min(times(slope, operands.errors[1]), _width(operands, slope))
    fraction = step.integer("scale", 0)
    rounded = magnitude(operands.wires[1]) + max((abs(knot) for knot, _ in pieces), default=0) * unit(operands.wires[1])
    return error + (times(2.0 ** -(fraction + 1), rounded) if fraction else 0.0)


def _width(operands: Operands, slope: float) -> float:
    """Two results of a function that ends flat are no further apart than its range is wide."""
    result = operands.step.wire
    if result.low is None or result.high is None:
        return inf
    missed = cast(float, operands.step.attrs.get("error", 0.0))
    return (result.high - result.low + 1) * operands.unit + missed + slope * unit(operands.wires[1])


def _times(operands: Operands) -> float:
    """By the factor without the power of two that only aligns scales; one with a fraction is rounded by half a unit."""
    factor, lift = abs(operands.step.integer("factor")), operands.step.integer("lift", 0)
    rounded = 0.0 if factor & (factor - 1) == 0 or lift == 0 else 2.0 ** -(lift + 1)
    return times(factor * operands.moved, operands.error) + times(rounded, magnitude(operands.wires[0]))


def _rescale(operands: Operands) -> float:
    return times(operands.moved, operands.error)


def _offset(operands: Operands) -> float:
    return operands.error + operands.unit / 2


def _reveal(operands: Operands) -> float:
    if operands.wires[0].real:
        return operands.error + reals.error(operands.step, magnitude(operands.wires[0]))
    drowned = operands.step.integer("drowned", 0)
    return operands.error + (operands.unit * 2.0**drowned if drowned else 0.0)


def _sum_to_channel(operands: Operands) -> float:
    wire = operands.wires[0]
    return times(wire.size // wire.shape[1], operands.error)


def _sum_rows(operands: Operands) -> float:
    return times(operands.wires[0].shape[1], operands.error)


def _pool_sums(operands: Operands) -> float:
    return times(prod(operands.step.pair("kernel")), operands.error)


def _pool_spread(operands: Operands) -> float:
    return times(overlaps(operands.step.pair("kernel"), operands.step.pair("stride")), operands.error)


def _compute(operands: Operands) -> float:
    """Functions of reals at one party: what an error of the operands becomes."""
    if not any(operands.errors):
        return 0.0
    rule = FUNCTIONS.get(operands.step.word("op"))
    bounds = operands.step.wire.bounds  # the function's own: whatever it is given, two results differ by no more
    return min(rule(operands) if rule else inf, bounds.high - bounds.low if bounds else inf)


# ---- functions that a party computes alone ----


def _slope(steepest: float) -> Rule:
    return lambda operands: steepest * _most(operands)


def _scale(operands: Operands) -> float:
    return abs(cast(float, operands.step.attrs["factor"])) * operands.error


def _multiply(operands: Operands) -> float:
    (x, y), (of_x, of_y) = operands.wires, operands.errors
    return times(magnitude(x), of_y) + times(magnitude(y), of_x) + times(of_x, of_y)


def _layer(operands: Operands) -> float:
    """A convolution or a dense layer: products with the weights of one result, added up, and a bias."""
    (x, weight), (of_x, of_weight) = operands.wires[:2], operands.errors[:2]
    each = times(magnitude(x), of_weight) + times(magnitude(weight), of_x) + times(of_x, of_weight)
    return times(prod(weight.shape[1:]), each) + sum(operands.errors[2:])


def _curve(operands: Operands) -> float:
    """A polynomial in reals, at its steepest within reach."""
    reach = magnitude(operands.wires[0]) + operands.error
    coefficients = cast(tuple[float, ...], operands.step.attrs["coefficients"])
    slope = sum(times(power * abs(c), reach ** max(0, power - 1)) for power, c in enumerate(coefficients))
    return times(slope, operands.error)


def _loss_gradient(operands: Operands) -> float:
    """A softmax changes by half of the largest change of its operands at most; of the mean over the batch."""
    return operands.error / 2 / operands.wires[0].shape[0]


def _mean_gradient(operands: Operands) -> float:
    return 2 * _sum(operands) / operands.wires[0].size


def _mean_square(operands: Operands) -> float:
    x, y = operands.wires
    error = _sum(operands)
    return 2 * (magnitude(x) + magnitude(y)) * error + error**2


FUNCTIONS: dict[str, Rule] = {
    **dict.fromkeys(("reshape", "flatten", "relu", "max_pool", "avg_pool", "global_avg_pool", "concat"), _most),
    **dict.fromkeys(("slice_channels", "tanh", "dropout", "resize", "uncomplement"), _most),
    **dict.fromkeys(("add", "subtract", "add_channel"), _sum),
    "sigmoid": _slope(0.25),
    "softmax": _slope(0.5),
    "softmax_cross_entropy": _slope(2.0),
    "softmax_cross_entropy_grad": _loss_gradient,
    "mse": _mean_square,
    "mse_grad": _mean_gradient,
    "scale": _scale,
    **dict.fromkeys(("conv2d", "dense"), _layer),
    "polynomial": _curve,
    "multiply": _multiply,
    "sum_to_channel": _sum_to_channel,
}

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("given", "digits", "groups", "bit", "compare", "count", "as_number"), _none),
    **dict.fromkeys(("add", "subtract", "add_channel"), _sum),
    "compute": _compute,
    "encode": _encode,
    "truncate": _truncate,
    "truncate_local": _truncate,
    "product": _product,
    "apply": _product,
    "polynomial": _polynomial,
    "select": _select,
    "times": _times,
    "rescale": _rescale,
    "offset": _offset,
    "reveal": _reveal,
    "sum_to_channel": _sum_to_channel,
    "sum_rows": _sum_rows,
    "pool_sums": _pool_sums,
    "pool_spread": _pool_spread,
}
