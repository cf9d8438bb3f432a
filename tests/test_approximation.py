"""Polynomials and lines with bends that stand in for functions, and the errors that they state."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, tanh

import numpy as np
import pytest

from ppc.approximation import DEFAULT_INTERVAL, PiecewiseLinear, fit, piecewise_linear, polynomial_error, softmax_error
from ppc.reference.windows import Array

EXACT: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 0.5 + 0.5 * np.tanh(x / 2),
    "tanh": np.tanh,
    "exp": np.exp,
    "reciprocal": lambda x: 1 / x,
}


def error(function: str, coefficients: tuple[float, ...], low: float, high: float) -> float:
    """The mean square distance over the interval."""
    x = np.linspace(low, high, 20_001)
    return float(np.mean((np.polynomial.polynomial.polyval(x, coefficients) - EXACT[function](x)) ** 2))


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


@pytest.mark.parametrize("reach", [1.0, 3.0, 100.0])
def test_relu_over_a_symmetric_interval_is_half_a_line_and_even(reach: float) -> None:
    """Whatever the degree: relu less x/2 is even, and no odd power is left of it."""
    found = fit("relu", 15, -reach, reach)

    assert found[1] == 0.5
    assert not any(found[3::2])
    assert all(found[::2])


def test_a_line_is_found_as_it_is() -> None:
    """Where relu does not bend, also with degrees to spare."""
    assert fit("relu", 10, 2.0, 3.0) == (0.0, 1.0, *([0.0] * 9))


def test_the_paper_s_degree_is_good_enough() -> None:
    """Degree 9 stays within 0.01 of the sigmoid over the default interval, which tanh(x / 2) spans."""
    low, high = DEFAULT_INTERVAL["sigmoid"]
    coefficients = fit("sigmoid", 9, low, high)
    for x in map(float, np.linspace(low, high, 101)):
        value = sum(coefficient * x**power for power, coefficient in enumerate(coefficients))
        assert abs(value - (0.5 + 0.5 * tanh(x / 2))) < 0.01


@pytest.mark.parametrize("function", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("degree", [3, 9])
def test_a_polynomial_s_error_is_stated(function: str, degree: int) -> None:
    """Never less than what is found, and hardly more; on another grid than that of the proof."""
    low, high = DEFAULT_INTERVAL[function]
    coefficients = fit(function, degree, low, high)
    stated = polynomial_error(function, coefficients, low, high)
    x = np.linspace(low, high, 99_991)
    found = np.abs(np.polynomial.polynomial.polyval(x, coefficients) - EXACT[function](x)).max()

    assert found <= stated <= found * 1.001 + 1e-9


# ---- lines with bends ----

REACHES = [
    ("sigmoid", -inf, inf),
    ("tanh", -inf, inf),
    ("exp", -inf, 0.0),
    ("reciprocal", 1.0, 10.0),
    ("sigmoid", -3.0, 1.5),
    ("tanh", 0.25, inf),
    ("exp", -4.0, 1.0),
    ("exp", -inf, -1.0),
    ("exp", -inf, -10.0),
    ("reciprocal", 0.5, 16.0),
    ("relu", -inf, inf),
]


def differences(form: PiecewiseLinear) -> Array:
    """Form less function, on a fine grid and far beyond it."""
    low, high = max(form.low, -20.0), min(form.high, 20.0)
    fine = np.linspace(low, high, 200_003)
    far = np.array([x for x in (-1e6, -700.0, -50.0, 50.0, 700.0, 1e6) if form.low <= x <= form.high])
    x = np.concatenate([far[far < low], fine, far[far > high]])
    return form.at(x) - EXACT[form.function](x)


@pytest.mark.parametrize(("function", "low", "high"), REACHES)
@pytest.mark.parametrize("error", [5e-4, 1e-3, 0.02])
def test_lines_stay_within_the_stated_error(function: str, low: float, high: float, error: float) -> None:
    form = piecewise_linear(function, low, high, error)

    assert np.abs(differences(form)).max() <= form.error <= error
    assert (form.low, form.high) == (low, high)
    assert list(form.knots) == sorted(set(form.knots))


@pytest.mark.parametrize(("function", "low", "high"), REACHES)
def test_numbers_fit_a_field(function: str, low: float, high: float) -> None:
    """Multiples of 2^-16, the intercept of 2^-32: nothing is rounded again."""
    form = piecewise_linear(function, low, high)

    assert all(float(number * 2**16).is_integer() for number in (form.base, *form.knots, *form.slopes))
    assert float(form.intercept * 2**32).is_integer()


@pytest.mark.parametrize(("function", "low", "high"), REACHES)
def test_values_are_those_of_the_formula(function: str, low: float, high: float) -> None:
    form = piecewise_linear(function, low, high)
    x = np.linspace(max(low, -9.0), min(high, 9.0), 997)
    bent = sum(slope * np.maximum(x - knot, 0) for knot, slope in zip(form.knots, form.slopes, strict=True))

    np.testing.assert_allclose(form.at(x), form.intercept + form.base * x + bent, rtol=0, atol=1e-12)


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
def test_functions_that_saturate_do_so(function: str) -> None:
    """Level to both sides, exactly: whatever x is, no slope is left that it could multiply; and odd in the middle."""
    form = piecewise_linear(function)

    assert (form.base, sum(form.slopes)) == (0.0, 0.0)
    assert form.at(-1e9) + form.at(1e9) == 2 * form.at(0.0) == 2 * EXACT[function](np.zeros(()))


@pytest.mark.parametrize(("function", "low", "high"), REACHES[:4])
@pytest.mark.parametrize("error", [5e-4, 0.01])
def test_no_bend_is_wasted(function: str, low: float, high: float, error: float) -> None:
    """The error is reached on alternating sides, once more than there are free numbers: none are left to improve it.

    Where the exponential is level it is 0: one number less is free.
    """
    form = piecewise_linear(function, low, high, error, fraction=24)
    found = differences(form)
    reached = np.sign(found[np.abs(found) > 0.98 * form.error])

    assert 1 + np.count_nonzero(np.diff(reached)) >= 2 * len(form.knots) + (1 if function == "exp" else 2)


def test_bends_of_the_usual_functions() -> None:
    """What a protocol compares with, at the default error."""
    counts = {function: len(piecewise_linear(function, low, high).knots) for function, low, high in REACHES[:4]}

    assert counts == {"sigmoid": 26, "tanh": 38, "exp": 23, "reciprocal": 21}


def test_far_away_the_exponential_is_nothing() -> None:
    """Exactly: thousands of classes that are out of the question do not add up to something."""
    form = piecewise_linear("exp", high=0.0)

    assert (form.base, form.intercept, float(form.at(-1e9))) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("classes", [2, 10, 50])
@pytest.mark.parametrize("spread", [0.0, 1.0, 4.0, 8.0, 30.0])
def test_a_softmax_of_approximations_stays_within_its_bound(classes: int, spread: float) -> None:
    small = 1e-3 / (2 * classes)
    power = piecewise_linear("exp", high=0.0, error=small, fraction=24)
    inverse = piecewise_linear("reciprocal", 1 - classes * small, classes * (1 + small), 5e-4, fraction=20)
    scores = np.random.default_rng(classes).normal(size=(500, classes)) * spread
    scores[0, 1:] = scores[0, 0] + np.log(small)  # all others are just too small to be seen
    below = scores - scores.max(axis=1, keepdims=True)
    exact = np.exp(below) / np.exp(below).sum(axis=1, keepdims=True)
    found = power.at(below) * inverse.at(power.at(below).sum(axis=1, keepdims=True))

    assert np.abs(found - exact).max() <= softmax_error(classes, power.error, inverse.error) < 1.2e-3


def test_a_softmax_needs_exponentials_that_are_good_enough() -> None:
    """Where errors could eat up the whole sum, nothing is claimed."""
    assert softmax_error(1000, 2e-3, 1e-4) == inf


def test_relu_is_exact() -> None:
    form = piecewise_linear("relu")

    assert (form.knots, form.slopes, form.base, form.intercept, form.error) == ((0.0,), (1.0,), 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("function", "low", "high", "error"),
    [
        ("exp", -inf, inf, 1e-3),
        ("reciprocal", 0.0, 1.0, 1e-3),
        ("reciprocal", 1.0, inf, 1e-3),
        ("sigmoid", 2.0, 1.0, 1e-3),
        ("sigmoid", -inf, inf, 0.0),
    ],
)
def test_what_has_no_such_form_is_refused(function: str, low: float, high: float, error: float) -> None:
    with pytest.raises(ValueError, match="cannot be approximated"):
        piecewise_linear(function, low, high, error)


def test_too_coarse_a_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        piecewise_linear("sigmoid", error=1e-3, fraction=2)
    with pytest.raises(ValueError, match="too few"):
        piecewise_linear("sigmoid", error=1e-3, fraction=7)
