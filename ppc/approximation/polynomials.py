"""Polynomials in place of functions that shares cannot compute: least squares over an interval.

`relu(poly=3)` of a program becomes the coefficients that this module gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext
from functools import cache
from math import tanh

import numpy as np
from numpy.polynomial import legendre, polynomial

from ppc.approximation.curves import sigmoid

# Where no `over` is written. For relu the interval leans to the right: over a symmetric one the best cubic has no
# cubic term at all, and is a parabola.
DEFAULT_INTERVAL = {"relu": (-3.0, 5.0), "sigmoid": (-6.0, 6.0), "tanh": (-3.0, 3.0)}

_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(0.0, x),
    "sigmoid": sigmoid,
    "tanh": tanh,
}
# The largest second derivative, on both sides of where relu bends.
_CURVATURE = {"relu": 0.0, "sigmoid": 3**0.5 / 18, "tanh": 4 * 3**0.5 / 9}
_POINTS = 8192
_PRECISE = Context(prec=60)
_NOISE = Decimal("1e-12")  # of the largest term over the interval: as much as is rounded there, and far above noise
_NODES = 64


def fit(function: str, degree: int, low: float, high: float) -> tuple[float, ...]:
    """Coefficients c0, c1, … of the polynomial nearest to `function` over [low, high] in the mean square.

    Projection on Legendre polynomials, the integrals by Gauss's rule on both sides of zero, where relu bends. In
    decimals with digits to spare: a term that is noise is far below all others, and machines agree on the rest.
    """
    with localcontext(_PRECISE):
        found = [Decimal(0)] * (degree + 1)
        for power, part in enumerate(_parts(function, degree, low, high)):
            for place, coefficient in enumerate(_legendre(power, low, high)):
                found[place] += part * coefficient
        reach = Decimal(max(abs(low), abs(high)))
        terms = [abs(coefficient) * reach**power for power, coefficient in enumerate(found)]
        noise = max(terms) * _NOISE
        return tuple(float(f"{c:.12g}") if term > noise else 0.0 for c, term in zip(found, terms, strict=True))


def _parts(function: str, degree: int, low: float, high: float) -> list[Decimal]:
    """How much of each Legendre polynomial there is in a function."""
    parts = [Decimal(0)] * (degree + 1)
    length = Decimal(high) - Decimal(low)
    for start, end in _pieces(low, high):
        middle, half = (Decimal(start) + Decimal(end)) / 2, (Decimal(end) - Decimal(start)) / 2
        for node, mass in _gauss():
            x = middle + half * node
            weighted = _PRECISELY[function](x) * mass * half / length
            for k, value in enumerate(_legendre_at((2 * x - Decimal(low) - Decimal(high)) / length, degree)):
                parts[k] += (2 * k + 1) * weighted * value
    return parts


def _legendre_at(x: Decimal, degree: int) -> list[Decimal]:
    """The values of all Legendre polynomials up to a degree."""
    values = [Decimal(1), x]
    for k in range(1, degree):
        values.append(((2 * k + 1) * x * values[k] - k * values[k - 1]) / (k + 1))
    return values[: degree + 1]


def _legendre(degree: int, low: float, high: float) -> list[Decimal]:
    """The coefficients of a Legendre polynomial whose interval is [low, high]."""
    length = Decimal(high) - Decimal(low)
    middle, slope = -(Decimal(low) + Decimal(high)) / length, 2 / length
    before, now = [Decimal(0)], [Decimal(1)]
    for k in range(degree):
        times_line = [middle * c for c in now] + [Decimal(0)]
        for place, c in enumerate(now):
            times_line[place + 1] += slope * c
        older = before + [Decimal(0)] * (len(times_line) - len(before))
        following = [((2 * k + 1) * a - k * b) / (k + 1) for a, b in zip(times_line, older, strict=True)]
        before, now = now, following
    return now


@cache
def _gauss() -> tuple[tuple[Decimal, Decimal], ...]:
    """Nodes and masses of Gauss's rule: numpy's, made precise by Newton's method."""
    found: list[tuple[Decimal, Decimal]] = []
    for start in legendre.leggauss(_NODES)[0]:
        x = Decimal(float(start))
        for _ in range(3):
            value, slope = _value_and_slope(x)
            x -= value / slope
        _, slope = _value_and_slope(x)
        found.append((x, 2 / ((1 - x * x) * slope * slope)))
    return tuple(found)


def _value_and_slope(x: Decimal) -> tuple[Decimal, Decimal]:
    """Of the Legendre polynomial whose zeros are the nodes."""
    before, value = _legendre_at(x, _NODES)[-2:]
    return value, _NODES * (x * value - before) / (x * x - 1)


def _sigmoid(x: Decimal) -> Decimal:
    small = (-abs(x)).exp()
    return 1 / (1 + small) if x >= 0 else small / (1 + small)


_PRECISELY: dict[str, Callable[[Decimal], Decimal]] = {
    "relu": lambda x: max(Decimal(0), x),
    "sigmoid": _sigmoid,
    "tanh": lambda x: 2 * _sigmoid(2 * x) - 1,
}


def polynomial_error(function: str, coefficients: Sequence[float], low: float, high: float) -> float:
    """A bound on the distance to `function` anywhere in [low, high].

    Between two points of a grid a difference is larger than at both by at most step²/8 of its second derivative, which
    is bounded term by term.
    """
    reach = max(abs(low), abs(high))
    powers = list(enumerate(map(abs, coefficients)))
    curvature = _CURVATURE[function] + sum(k * (k - 1) * c * reach ** (k - 2) for k, c in powers if k > 1)
    rounding = 1e-14 * (1 + sum(c * reach**k for k, c in powers))
    found = 0.0
    for start, end in _pieces(low, high):
        x = np.linspace(start, end, _POINTS + 1)
        exact = np.array([_FUNCTIONS[function](float(point)) for point in x])
        most = np.abs(polynomial.polyval(x, np.array(coefficients)) - exact).max()
        found = max(found, float(most) + curvature * ((end - start) / _POINTS) ** 2 / 8)
    return found + rounding


def _pieces(low: float, high: float) -> list[tuple[float, float]]:
    return [(low, 0.0), (0.0, high)] if low < 0 < high else [(low, high)]
