"""The functions that are approximated, with what a proof of an error needs to know of them.

On each side of its bend a curve is convex or concave, so the distance to a line is largest at an end or where the
curve has the line's slope; those places are known in closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import atanh, exp, inf, log, sqrt, tanh


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A function on the reals beyond `low`, with the limits `left` and `right` at both ends, where it has any.

    `touching` gives all places with a slope. A curve with a `steepest` slope has it at 0, is odd around (0, value(0))
    and concave to the right of it; the others are convex.
    """

    value: Callable[[float], float]
    touching: Callable[[float], tuple[float, ...]]
    low: float = -inf
    left: float | None = None
    right: float | None = None
    steepest: float | None = None


def sigmoid(x: float) -> float:
    return 0.5 + 0.5 * tanh(x / 2)  # never overflows, as 1 / (1 + exp(-x)) does


def _with_slope_of_sigmoid(slope: float) -> tuple[float, ...]:
    """s·(1 - s) = slope."""
    return _both(2 * atanh(sqrt(1 - 4 * slope))) if 0 < slope <= 0.25 else ()


def _with_slope_of_tanh(slope: float) -> tuple[float, ...]:
    """1 - t² = slope."""
    return _both(atanh(sqrt(1 - slope))) if 0 < slope <= 1 else ()


def _both(x: float) -> tuple[float, ...]:
    return (-x, x)


CURVES: dict[str, Curve] = {
    "sigmoid": Curve(value=sigmoid, touching=_with_slope_of_sigmoid, left=0.0, right=1.0, steepest=0.25),
    "tanh": Curve(value=tanh, touching=_with_slope_of_tanh, left=-1.0, right=1.0, steepest=1.0),
    "exp": Curve(value=exp, touching=lambda slope: (log(slope),) if slope > 0 else (), left=0.0),
    "reciprocal": Curve(
        value=lambda x: 1 / x, touching=lambda slope: (sqrt(-1 / slope),) if slope < 0 else (), low=0.0
    ),
}
