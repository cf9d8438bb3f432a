"""Polynomials that stand in for functions: least squares, the same on every machine."""

from __future__ import annotations

from math import tanh

import numpy as np
import pytest

from ppc.approximation import DEFAULT_INTERVAL, fit


def error(function: str, coefficients: tuple[float, ...], low: float, high: float) -> float:
    """The mean square distance over the interval."""
    x = np.linspace(low, high, 20_001)
    exact = {"relu": np.maximum(x, 0), "sigmoid": 0.5 + 0.5 * np.tanh(x / 2), "tanh": np.tanh(x)}[function]
    return float(np.mean((np.polynomial.polynomial.polyval(x, coefficients) - exact) ** 2))


def test_relu_over_a_symmetric_interval_is_the_known_parabola() -> None:
    """Over [-1, 1] the best cubic is 3/32 + x/2 + 15/32 x^2, without a cubic term."""
    assert fit("relu", 3, -1.0, 1.0) == pytest.approx((3 / 32, 1 / 2, 15 / 32, 0.0), abs=1e-12)


@pytest.mark.parametrize("function", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("degree", [1, 3, 9])
@pytest.mark.parametrize("interval", [None, (-1000.0, 1000.0), (0.001, 0.002), (-8.0, 12.0)])
def test_no_other_polynomial_is_nearer(function: str, degree: int, interval: tuple[float, float] | None) -> None:
    """Least squares: moving any coefficient makes it worse, on intervals of every size."""
    low, high = interval or DEFAULT_INTERVAL[function]
    found = fit(function, degree, low, high)
    best = error(function, found, low, high)

    for power, coefficient in enumerate(found):
        step = max(1e-3 * abs(coefficient), 1e-4 / max(abs(low), abs(high)) ** power)
        for moved in (coefficient - step, coefficient + step):
            other = (*found[:power], moved, *found[power + 1 :])
            assert error(function, other, low, high) >= best * (1 - 1e-6)


def test_odd_functions_get_odd_polynomials() -> None:
    """Rounding noise does not show as tiny coefficients."""
    assert fit("tanh", 5, -3.0, 3.0)[::2] == (0.0, 0.0, 0.0)


def test_the_paper_s_degree_is_good_enough() -> None:
    """Degree 9 stays within 0.01 of the sigmoid over the default interval, which tanh(x / 2) spans."""
    low, high = DEFAULT_INTERVAL["sigmoid"]
    coefficients = fit("sigmoid", 9, low, high)
    for x in map(float, np.linspace(low, high, 101)):
        value = sum(coefficient * x**power for power, coefficient in enumerate(coefficients))
        assert abs(value - (0.5 + 0.5 * tanh(x / 2))) < 0.01
