"""The exact range of the integer that a step makes, from the ranges of its operands.

Called by `infer`. Every rule holds for all integers within the operands' ranges: it may widen, never lose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, prod

from ppc.ir.types import Interval
from ppc.plan.steps import Step
from ppc.plan.wires import Wire


@dataclass(frozen=True, slots=True)
class Range:
    """All integers from `low` to `high`."""

    low: int
    high: int

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Range) -> Range:
        return Range(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Range) -> Range:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Range(min(ends), max(ends))

    def __or__(self, other: Range) -> Range:
        return Range(min(self.low, other.low), max(self.high, other.high))

    def times(self, factor: int) -> Range:
        return self * Range(factor, factor)

    def power(self, exponent: int) -> Range:
        """An even power reaches down to zero, and no further."""
        ends = [self.low**exponent, self.high**exponent]
        if exponent and exponent % 2 == 0 and self.low < 0 < self.high:
            ends.append(0)
        return Range(min(ends), max(ends))

    def truncated(self, shift: int) -> Range:
        """The floor of x / 2^shift, or one more: exactly one unit of error, whatever the mask (section 4)."""
        return Range(self.low >> shift, (self.high >> shift) + 1)


ZERO = Range(0, 0)
BIT = Range(0, 1)
Rule = Callable[[Step, Sequence[Wire], Sequence[Range]], Range]


def range_of(step: Step, operands: Sequence[Wire]) -> Range | None:
    """None where an operand's range is not known, or where the result is no integer."""
    if step.op == "encode":
        return encoded(operands[0].bounds, step.integer("scale"))
    if isinstance(step.attrs.get("by"), float):
        return None  # a real number: scales are not known yet
    if step.op in ALWAYS:
        return ALWAYS[step.op]
    known = [Range(wire.low, wire.high) for wire in operands if wire.low is not None and wire.high is not None]
    rule = RULES.get(step.op)
    return rule(step, operands, known) if rule and len(known) == len(operands) else None


def encoded(bounds: Interval | None, scale: int) -> Range | None:
    """The integers that reals within bounds become, whichever way they are rounded."""
    if bounds is None:
        return None
    low, high = (Fraction(end) * Fraction(2) ** scale for end in (bounds.low, bounds.high))
    return Range(floor(low), ceil(high))


# ---- bilinear maps: how many products are added up ----


def _bilinear(step: Step, wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    x, y = ranges
    name = step.word("map")
    padded = name == "conv2d_grad_input" or (name.startswith("conv2d") and any(step.pair("padding")))
    return ((x | ZERO if padded else x) * y).times(COUNTS[name](step, wires))


def _of_a_window(step: Step, wires: Sequence[Wire]) -> int:
    return prod(wires[1].shape[1:]) * step.integer("pool", 1) ** 2


def _of_all_windows(step: Step, wires: Sequence[Wire]) -> int:
    """Each place of the gradient meets a weight once for every place of its pooling window."""
    return wires[1].size // wires[1].shape[1] * step.integer("pool", 1) ** 2


def _of_a_pixel(step: Step, wires: Sequence[Wire]) -> int:
    channels, _, *kernel = wires[1].shape
    return channels // step.integer("groups") * overlaps(kernel, step.pair("stride"))


def _inner(step: Step, wires: Sequence[Wire]) -> int:
    return wires[0].shape[0 if step.flag("transpose_x") else 1]


def _one(_step: Step, _wires: Sequence[Wire]) -> int:
    return 1


def overlaps(kernel: Sequence[int], stride: Sequence[int]) -> int:
    """In how many windows a place lies at most."""
    return prod(-(-size // step) for size, step in zip(kernel, stride, strict=True))


COUNTS: dict[str, Callable[[Step, Sequence[Wire]], int]] = {
    "conv2d": _of_a_window,
    "conv2d_grad_weight": _of_all_windows,
    "conv2d_grad_input": _of_a_pixel,
    "matmul": _inner,
    "multiply": _one,
    "multiply_channel": _one,
    "multiply_rows": _one,
    "multiply_all": _one,
    "unfolded_conv2d": _of_a_window,
    "unfolded_grad_weight": _of_all_windows,
}


# ---- sums, choices, powers ----


def _same(_step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0]


def _sum(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    """Or a tally: what was added up in the iterations before and this one, `most` of them."""
    return ranges[1].times(step.integer("most")) | ZERO if "most" in step.attrs else ranges[0] + ranges[1]


def _difference(_step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0] - ranges[1]


def _times(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0].times(step.integer("factor"))


def _offset(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0] + Range(step.integer("constant"), step.integer("constant"))


def _concat(_step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return Range(min(each.low for each in ranges), max(each.high for each in ranges))


def _sum_to_channel(_step: Step, wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0].times(wires[0].size // wires[0].shape[1])


def _sum_rows(_step: Step, wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0].times(wires[0].shape[1])


def _padded(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0] | ZERO if any(step.pair("padding")) else ranges[0]


def _pool_sums(step: Step, wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return _padded(step, wires, ranges).times(prod(step.pair("kernel")))


def _pool_spread(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return (ranges[0] | ZERO).times(overlaps(step.pair("kernel"), step.pair("stride")))


def _window(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    border = step.integer("border", 0)
    return ranges[0] | Range(border, border) if any(step.pair("padding")) else ranges[0]


def _unwindow(_step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0] | ZERO


def _count(step: Step, wires: Sequence[Wire], _ranges: Sequence[Range]) -> Range:
    slopes = step.integers("slopes")
    size = wires[0].size // len(slopes)
    return Range(size * sum(s for s in slopes if s < 0), size * sum(s for s in slopes if s > 0))


def _polynomial(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    total = ZERO
    for exponent, coefficient in enumerate(step.integers("coefficients")):
        total = total + ranges[0].power(exponent).times(coefficient)
    return total


def _truncate(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0].truncated(step.integer("shift"))


def _select(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    """Whatever the bits are."""
    total = ZERO
    for slope, knot in zip(step.integers("slopes"), step.integers("knots"), strict=True):
        total = total + ((ranges[1] - Range(knot, knot)).times(slope) | ZERO)
    return total


def _reveal(step: Step, _wires: Sequence[Wire], ranges: Sequence[Range]) -> Range:
    return ranges[0] + Range(0, (1 << step.integer("drowned", 0)) - 1)


def _certified(step: Step, _wires: Sequence[Wire], _ranges: Sequence[Range]) -> Range:
    """What the check has shown; the operand's own range may be narrower, and need not be carried along."""
    return Range(step.integer("low"), step.integer("high"))


# Whatever the operands are.
ALWAYS = {"bit": BIT, "compare": BIT, "as_number": BIT}
RULES: dict[str, Rule] = {
    "mask": _same,
    "reveal": _reveal,
    "product": _bilinear,
    "polynomial": _polynomial,
    "truncate": _truncate,
    "truncate_local": _truncate,
    "select": _select,
    "apply": _bilinear,
    "add": _sum,
    "subtract": _difference,
    "add_channel": _sum,
    "times": _times,
    "offset": _offset,
    "rescale": _same,
    "certified": _certified,
    "reshape": _same,
    "concat": _concat,
    "slice": _same,
    "batch": _same,
    "sum_to_channel": _sum_to_channel,
    "sum_rows": _sum_rows,
    "spread_rows": _same,
    "pool_sums": _pool_sums,
    "pool_spread": _pool_spread,
    "unfold": _padded,
    "window": _window,
    "unwindow": _unwindow,
    "count": _count,
}
