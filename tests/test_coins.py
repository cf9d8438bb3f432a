"""The operating system's coins: each law by its moments and quantiles, within what 200,000 draws allow."""

from __future__ import annotations

import numpy as np
import pytest

from ppc.coins import SystemCoins

COUNT = 200_000
COINS = SystemCoins()


def test_uniform_numbers() -> None:
    drawn = COINS.uniform((COUNT,))

    assert 0 < drawn.min() < 1e-3
    assert 1 - 1e-3 < drawn.max() < 1
    np.testing.assert_allclose(np.quantile(drawn, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.01)


def test_a_gaussian() -> None:
    drawn = COINS.normal(1.0, 3.0, (COUNT // 2, 2))

    assert drawn.mean() == pytest.approx(1.0, abs=0.05)
    assert drawn.std() == pytest.approx(3.0, rel=0.02)
    np.testing.assert_allclose(np.quantile(drawn, [0.0228, 0.1587, 0.8413, 0.9772]), [-5, -2, 4, 7], atol=0.2)
    assert abs(float(((drawn[:, 0] - 1) * (drawn[:, 1] - 1)).mean())) < 0.02 * 9


def test_a_laplace() -> None:
    drawn = COINS.laplace(0.0, 2.0, COUNT)

    assert drawn.mean() == pytest.approx(0.0, abs=0.05)
    assert drawn.std() == pytest.approx(2.0 * 2**0.5, rel=0.03)
    np.testing.assert_allclose(np.quantile(np.abs(drawn), [0.5, 0.9]), 2 * np.log([2, 10]), rtol=0.03)


@pytest.mark.parametrize("shape", [0.05, 0.5, 3.0])
def test_a_gamma(shape: float) -> None:
    drawn = COINS.gamma(shape, 2.0, (COUNT, 1))

    assert drawn.min() >= 0
    assert drawn.mean() == pytest.approx(2.0 * shape, rel=0.06)
    assert drawn.var() == pytest.approx(4.0 * shape, rel=0.12)


def test_parts_of_laplace_add_up() -> None:
    """The difference of two sums of Gamma(1/K) variables, as workers draw them."""
    parts = [COINS.gamma(1 / 20, 2.0, 20_000) - COINS.gamma(1 / 20, 2.0, 20_000) for _ in range(20)]

    np.testing.assert_allclose(np.quantile(np.abs(sum(parts)), [0.5, 0.9]), 2 * np.log([2, 10]), rtol=0.06)


def test_noise_cannot_be_repeated() -> None:
    again = SystemCoins()

    assert not np.array_equal(COINS.normal(0.0, 1.0, 4), again.normal(0.0, 1.0, 4))
    assert not np.array_equal(COINS.permutation(40), again.permutation(40))


def test_orders() -> None:
    """Every number once, and every place for a number equally often."""
    orders = np.array([COINS.permutation(4) for _ in range(4_000)])

    assert (np.sort(orders, axis=1) == np.arange(4)).all()
    np.testing.assert_allclose([(orders[:, 0] == number).mean() for number in range(4)], 0.25, atol=0.04)
