"""What somebody says it has counts up to ten times the median."""

from __future__ import annotations

import pytest

from ppc.learning.claims import beyond, counted


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([], []),
        ([7], [7]),
        ([100, 100, 1000], [100, 100, 1000]),
        ([100, 100, 1001], [100, 100, 1000]),
        ([5, 10_000_000], [5, 50]),
        ([5, 6, 10_000_000, 10_000_000], [5, 6, 60, 60]),
        ([1, 1, 1, 10], [1, 1, 1, 10]),
    ],
)
def test_ten_times_the_lower_median_counts(claims: list[int], expected: list[int]) -> None:
    assert counted(dict(enumerate(claims))) == dict(enumerate(expected))


def test_it_is_told_of_whom_not_all_counts() -> None:
    assert dict(beyond({1: 4, 2: 5, 3: 900})) == {3: "says it has 900 examples; 50 count, ten times the median of all"}
