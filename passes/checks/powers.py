"""The exact range of a polynomial with integer coefficients over the integers of an interval. Called by `intervals`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Ends = tuple[int, int]


def at(coefficients: Sequence[int], x: int) -> int:
    total = 0
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def derivative(coefficients: Sequence[int]) -> list[int]:
    return [power * coefficient for power, coefficient in enumerate(coefficients)][1:]


def corners(coefficients: Sequence[int], ends: Ends) -> list[int]:
    """Ends, and the integers beside every place where the polynomial turns: between two it only rises or falls.

    It turns where its derivative changes sign, at most once between two corners of that one; halving finds the place.
    """
    if len(coefficients) <= 2:
        return list(ends)
    slope = derivative(coefficients)
    found = {*ends}
    known = sorted(set(corners(slope, ends)))
    for left, right in pairwise(known):
        rising = at(slope, right) > at(slope, left)
        low, high = left, right
        while high - low > 1:
            middle = (low + high) // 2
            if (at(slope, middle) >= 0) == rising:
                high = middle
            else:
                low = middle
        found |= {low, high, left, right}
    return sorted(found)


def polynomial_ends(coefficients: Sequence[int], ends: Ends) -> Ends:
    values = [at(coefficients, x) for x in corners(coefficients, ends)]
    return min(values), max(values)


def largest_power_sum(coefficients: Sequence[int], ends: Ends) -> int:
    """The largest magnitude that a part of the sum can have (section 3)."""
    size = max(abs(end) for end in ends)
    return sum(abs(coefficient) * size**power for power, coefficient in enumerate(coefficients))
