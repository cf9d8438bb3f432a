"""Polynomials in place of functions that shares cannot compute: least squares over an interval.

`relu(poly=3)` of a program becomes the coefficients that this module gives; they are public. Knows no other room.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, tanh

import numpy as np
from numpy.polynomial import Polynomial, legendre

# Where no `over` is written. For relu the interval leans to the right: over a symmetric one the best cubic has no
# cubic term at all, and is a parabola.
DEFAULT_INTERVAL = {"relu": (-3.0, 5.0), "sigmoid": (-6.0, 6.0), "tanh": (-3.0, 3.0)}

_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(0.0, x),
    "sigmoid": lambda x: 1.0 / (1.0 + exp(-x)),
    "tanh": tanh,
}


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
    return tuple(round(float(c), 12) + 0.0 for c in coefficients)  # + 0.0 turns -0.0 into 0.0


def _pieces(low: float, high: float) -> list[tuple[float, float]]:
    return [(low, 0.0), (0.0, high)] if low < 0 < high else [(low, high)]
