"""Polynomials in place of functions that shares cannot compute: least squares over an interval.

`relu(poly=3)` of a program becomes the coefficients that this module gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import tanh

import numpy as np
from numpy.polynomial import Polynomial, legendre, polynomial

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


def fit(function: str, degree: int, low: float, high: float) -> tuple[float, ...]:
    """Coefficients c0, c1, … of the polynomial nearest to `function` over [low, high] in the mean square.

    Projection on Legendre polynomials, the integrals by Gauss's rule on both sides of zero, where relu bends.
    """
    nodes, masses = legendre.leggauss(64)
    middle, half = (low + high) / 2, (high - low) / 2
    total = np.zeros(degree + 1)
    for start, end in _pieces(low, high):
        x = (start + end) / 2 + (end - start) / 2 * nodes
        values = np.array([_FUNCTIONS[function](float(point)) for point in x]) * masses * (end - start) / 2
        total += legendre.legvander((x - middle) / half, degree).T @ values
    total *= (2 * np.arange(degree + 1) + 1) / (2 * half)
    series = Polynomial(legendre.leg2poly(total))(Polynomial([-middle / half, 1 / half]))
    coefficients = np.zeros(degree + 1)
    coefficients[: len(series.coef)] = series.coef
    return tuple(_rounded(float(c), max(abs(low), abs(high)) ** power) for power, c in enumerate(coefficients))


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


def _rounded(coefficient: float, reach: float) -> float:
    """Twelve digits, so that machines agree; zero where the term is rounding noise over the whole interval."""
    return 0.0 if abs(coefficient) * reach < 1e-12 else float(f"{coefficient:.12g}")


def _pieces(low: float, high: float) -> list[tuple[float, float]]:
    return [(low, 0.0), (0.0, high)] if low < 0 < high else [(low, high)]
