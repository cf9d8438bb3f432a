"""Shares among many: sums are exact, and all but one of them tell nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppc.collaborative.noise import noise_share
from ppc.collaborative.rounds import opened_sum
from ppc.collaborative.sharing import encoded_loss
from ppc.errors import PpcError
from ppc.ir.collaborative import GRID
from ppc.sharing import MODULUS, shares, signed, total, uniform

WHOLE = st.integers(-(2**59), 2**59)


@given(st.lists(WHOLE, min_size=1, max_size=5), st.integers(1, 6))
def test_shares_add_up_to_the_value(values: list[int], parties: int) -> None:
    split = shares(np.array(values, np.int64), parties)

    assert len(split) == parties
    assert all(int(part.max()) < MODULUS for part in split)
    assert signed(total(split)).tolist() == values


@pytest.mark.parametrize("missing", range(3))
def test_any_two_of_three_shares_are_uniform_whatever_the_value(missing: int) -> None:
    """The chi-square of the eighths that two shares fall into, for a value that is no random one."""
    split = shares(np.full(20_000, 12_345, np.int64), 3)
    left, right = (split[place] >> np.uint64(58) for place in range(3) if place != missing)
    seen = np.bincount((left * np.uint64(8) + right).astype(np.int64), minlength=64)

    expected = len(left) / 64
    assert ((seen - expected) ** 2 / expected).sum() < 200  # more by chance: 4e-16


def test_the_sum_of_losses_is_right_to_the_last_digit_of_the_encoding() -> None:
    losses = [2.302585, 0.000123, 11.5, 0.75]

    assert opened_sum(losses) == pytest.approx(sum(losses), abs=len(losses) * 2**-21)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e13])
def test_a_loss_that_cannot_be_added_is_refused(loss: float) -> None:
    with pytest.raises(PpcError) as caught:
        encoded_loss(loss, 10)

    assert caught.value.diagnostics[0].code == "PPC681"
    assert "1e+13" not in str(caught.value)  # what the server may be told


def test_elements_lie_in_the_field_and_are_not_drawn_twice() -> None:
    drawn = uniform(10_000)

    assert int(drawn.max()) < MODULUS
    assert len(np.unique(drawn)) == len(drawn)


@pytest.mark.parametrize(("kind", "variance"), [("gaussian", 9.0), ("laplace", 18.0)])
def test_parts_of_the_noise_add_up_to_the_whole(kind: str, variance: float) -> None:
    """Of scale 3: variance s² for Gauss, 2 b² for Laplace; a part alone has a tenth of it."""
    parts = [noise_share(kind, 3.0, 10, (40_000,)) / 2**GRID for _ in range(10)]  # pyright: ignore[reportArgumentType]

    assert np.var(np.sum(parts, axis=0)) == pytest.approx(variance, rel=0.1)
    assert np.var(parts[0]) == pytest.approx(variance / 10, rel=0.2)
