"""Lines with bends in place of a function, as few as an error allows: all a protocol needs is the sign of x - knot.

    value(x) = intercept + base·x + Σ slopes[j]·max(0, x - knots[j])

The error is proved, not sampled: on every piece it is looked up where it can be largest. Behind the last bend of a
function that saturates the line is level, so that the error holds for all reals. Far to the left `exp` is exactly 0:
a softmax adds up what is left of many classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from ppc.approximation.curves import CURVES, Curve

Floats = NDArray[np.float64]
SLOPE_BITS = 16  # as long as lines end before 16
_ROUNDING = 1e-12  # more than float64 can be wrong by in the sums here
_STEPS = 44  # halvings of an interval that a bend is looked for in: far below the grid of any field
_FEW_STEPS = 24  # and for an error, of which seven digits are enough


@dataclass(frozen=True, kw_only=True)
class PiecewiseLinear:
    """A continuous function; from `low` to `high` it is nowhere further than `error` from the one it stands for."""

    function: str
    low: float
    high: float
    intercept: float
    base: float
    knots: tuple[float, ...]
    slopes: tuple[float, ...]
    error: float

    def at(self, x: Floats | float) -> Floats:
        """The values in float64: what a run on shares is compared with.

        Each from the nearest bend at its left, so that far out nothing is lost in a sum of large numbers.
        """
        values = np.asarray(x, dtype=np.float64)
        if not self.knots:
            return self.intercept + self.base * values
        knots, lines = np.array(self.knots), self.base + np.cumsum([0.0, *self.slopes])
        rises = np.cumsum([self.base * knots[0], *(lines[1:-1] * np.diff(knots))])
        piece = np.searchsorted(knots, values)
        bend = np.maximum(piece - 1, 0)
        return self.intercept + rises[bend] + lines[piece] * (values - knots[bend])


@lru_cache(maxsize=64)
def piecewise_linear(
    function: str, low: float = -inf, high: float = inf, error: float = 5e-4, *, fraction: int = 16
) -> PiecewiseLinear:
    """The fewest bends for `sigmoid`, `tanh`, `exp`, `reciprocal` or `relu` with at most that error over [low, high].

    Knots and slopes are whole multiples of 2^-fraction, the intercept of 2^-(2·fraction); the error is that of the
    rounded numbers. `exp` needs an end at the right, `reciprocal` two ends, both beyond 0. An interval that holds only
    a part of `sigmoid` or `tanh` does without the bends outside of it.
    """
    if function == "relu":
        return _clipped(_relu(), low, high)
    curve = CURVES[function]
    if not (low < high and error > 0 and _is_bounded(curve, low, high)):
        raise ValueError(f"{function} from {low} to {high} cannot be approximated within {error}")
    for share in (1.0, 0.99, 0.97, 0.94, 0.9, 0.8):  # what is left is for the rounding
        shape = _fewest(curve, low, high, error * share)
        rounded = _rounded(function, shape, low, high, fraction)
        if rounded is not None and rounded.error <= error:
            return rounded
    raise ValueError(f"{fraction} fraction bits are too few for an error of {error}")


def slope_bits(reach: float) -> int:
    """Fraction bits of slopes, where knots are up to `reach`: what rounding a slope does grows with its line."""
    return SLOPE_BITS + max(0, int(reach).bit_length() - 4)


def _relu() -> PiecewiseLinear:
    ends = {"low": -inf, "high": inf}
    return PiecewiseLinear(function="relu", **ends, intercept=0.0, base=0.0, knots=(0.0,), slopes=(1.0,), error=0.0)


def _is_bounded(curve: Curve, low: float, high: float) -> bool:
    left = low > curve.low or (curve.left is not None and low == curve.low)
    return left and (high < inf or curve.right is not None)


def softmax_error(classes: int, exponential: float, reciprocal: float) -> float:
    """A bound on a softmax made of approximations with these errors, whatever the scores are.

    With e the exponentials of scores less their largest, p what stands for them, and T and P their sums, T at least 1:
    p/P - e/T is ((p - e)·(T - e) - e·(what the others are off by)) / (P·T), at most the exponential's error times
    (classes - 1) / P. The reciprocal must hold from 1 - classes·exponential to classes·(1 + exponential).
    """
    least = 1 - classes * exponential
    if classes < 2 or least <= 0:
        return inf
    return (1 + exponential) * reciprocal + exponential * (classes - 1) / least


# ---- where the bends are: the curve is left by the error at every vertex, and by as much between two ----


@dataclass(frozen=True)
class _Shape:
    """Vertices from left to right; a tail is a level line to infinity beyond the first or last of them."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    left_tail: bool
    right_tail: bool

    @property
    def bends(self) -> int:
        return len(self.x) - (not self.left_tail) - (not self.right_tail)


def _fewest(curve: Curve, low: float, high: float, error: float) -> _Shape:
    """With the bends that the error asks for, the smallest error that they allow: then all extremes are equal."""

    def fits(smaller: float) -> bool:
        return _shape(curve, low, high, smaller).bends <= bends

    bends = _shape(curve, low, high, error).bends
    least = error
    while fits(least) and least > error * 2.0**-20:
        least /= 2
    return _shape(curve, low, high, _boundary(fits, error, least, steps=_FEW_STEPS) if least < error else error)


def _shape(curve: Curve, low: float, high: float, error: float) -> _Shape:
    if curve.steepest is not None:
        return _turned(curve, curve.steepest, error)
    left_tail = curve.left is not None and low == curve.low
    start = _boundary(lambda x: curve.value(x) >= error, high, -1e4) if left_tail else low
    x = _walk(curve, start, high, error)
    y = [curve.value(point) - error for point in x]
    return _Shape(x, (0.0, *y[1:]) if left_tail else tuple(y), left_tail, right_tail=False)


def _turned(curve: Curve, steepest: float, error: float) -> _Shape:
    """One line through the middle, chords of the concave half, and the same on the other side."""
    middle, limit = curve.value(0.0), curve.right or 0.0
    slope = _boundary(lambda m: _gap(curve, m) <= error, steepest, 0.0)
    beyond = curve.touching(slope)[-1]
    first = _boundary(
        lambda x: middle + slope * x >= curve.value(x) + error, beyond + 2 * (limit - middle) / slope, beyond
    )
    last = _boundary(lambda x: curve.value(x) >= limit - 2 * error, 1e3, 0.0)
    x = _walk(curve, first, last, error)
    y = [curve.value(point) + error for point in x]
    mirrored = [2 * middle - value for value in reversed(y)]
    return _Shape((*(-point for point in reversed(x)), *x), (*mirrored, *y), left_tail=True, right_tail=True)


def _gap(curve: Curve, slope: float) -> float:
    """How far a line through the middle falls behind the curve."""
    places = curve.touching(slope)
    return curve.value(places[-1]) - curve.value(0.0) - slope * places[-1] if places else 0.0


def _walk(curve: Curve, start: float, stop: float, error: float) -> tuple[float, ...]:
    """Points with chords that leave the curve by twice the error, as far apart as may be."""
    points = [start]
    while points[-1] < stop:
        here = points[-1]
        points.append(_farthest(curve, here, stop, 2 * error))
    return tuple(points)


def _farthest(curve: Curve, here: float, stop: float, most: float) -> float:
    if _sag(curve, here, stop) <= most:
        return stop
    return _boundary(lambda x: _sag(curve, here, x) <= most, here, stop)


def _sag(curve: Curve, start: float, end: float) -> float:
    """The largest distance between a curve and its chord, on a side where it does not turn."""
    if end <= start:
        return 0.0
    slope = (curve.value(end) - curve.value(start)) / (end - start)
    inside = [x for x in curve.touching(slope) if start < x < end]
    return max((abs(curve.value(x) - curve.value(start) - slope * (x - start)) for x in inside), default=0.0)


def _boundary(holds: Callable[[float], bool], good: float, bad: float, *, steps: int = _STEPS) -> float:
    """The last place on the way from a good one to a bad one where something still holds."""
    for _ in range(steps):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good


# ---- numbers that a field can hold, and their error ----


def _rounded(function: str, shape: _Shape, low: float, high: float, fraction: int) -> PiecewiseLinear | None:
    """Vertices and slopes on the grid; then the whole is moved up or down until it errs as far to either side.

    A function that is level at one side only stays where it is.
    """
    curve, unit = CURVES[function], 2.0**-fraction
    x = [round(point / unit) * unit for point in shape.x]
    if len(set(x)) < len(x):
        return None
    lines = [
        round((y2 - y1) / (x2 - x1) / unit) * unit for (x1, y1), (x2, y2) in pairwise(zip(x, shape.y, strict=True))
    ]
    slopes = [*([0.0] if shape.left_tail else []), *lines, *([0.0] if shape.right_tail else [])]
    knots = x[0 if shape.left_tail else 1 : None if shape.right_tail else -1]
    form = PiecewiseLinear(
        function=function,
        low=-inf if shape.left_tail else low,
        high=inf if shape.right_tail else high,
        intercept=shape.y[0] - slopes[0] * x[0],
        base=slopes[0],
        knots=tuple(knots),
        slopes=tuple(after - before for before, after in pairwise(slopes)),
        error=0.0,
    )
    middle = 0.0 if shape.left_tail > shape.right_tail else sum(_extremes(curve, form)) / 2
    intercept = round((form.intercept - middle) / unit**2) * unit**2
    form = _clipped(replace(form, intercept=intercept), low, high)
    return replace(form, error=max(map(abs, _extremes(curve, form))) + _ROUNDING)


def _clipped(form: PiecewiseLinear, low: float, high: float) -> PiecewiseLinear:
    """Without the bends that no x between the ends reaches."""
    bends = list(zip(form.knots, form.slopes, strict=True))
    passed = [(knot, slope) for knot, slope in bends if knot <= low]
    kept = [(knot, slope) for knot, slope in bends if low < knot < high]
    return replace(
        form,
        low=low,
        high=high,
        intercept=form.intercept - sum(slope * knot for knot, slope in passed),
        base=form.base + sum(slope for _, slope in passed),
        knots=tuple(knot for knot, _ in kept),
        slopes=tuple(slope for _, slope in kept),
    )


def _extremes(curve: Curve, form: PiecewiseLinear) -> tuple[float, float]:
    """The lowest and the highest of form - curve. On each piece: at its ends, and where both have one slope."""
    ends = [form.low, *form.knots, form.high]
    slope, found = form.base, list[float]()
    for index, (start, end) in enumerate(pairwise(ends)):
        slope += form.slopes[index - 1] if index else 0.0
        found += [_difference(curve, form, x, ends) for x in (start, end)]
        found += [_difference(curve, form, x, ends) for x in curve.touching(slope) if start < x < end]
    return min(found), max(found)


def _difference(curve: Curve, form: PiecewiseLinear, x: float, ends: Sequence[float]) -> float:
    if isfinite(x):
        return float(form.at(x)) - curve.value(x)
    nearest, limit = (ends[1], curve.left) if x < 0 else (ends[-2], curve.right)
    return float(form.at(nearest)) - (limit or 0.0)  # the line is level there
