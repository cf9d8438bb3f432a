"""A Gaussian in whole numbers: no floating point, no table of somebody else, the same bits on every machine.

A draw is a whole number k, which stands for k / 2^10 standard deviations. Its law is the discrete Gaussian

    P(k) = exp(-(k / 2^10)² / 2) / Z        for |k| ≤ 2^13, that is up to eight standard deviations,

up to the rounding of its cumulative sums to multiples of 2^-63: in total variation the law is right to 2^-49. The sums
are worked out here with whole numbers of 256 bits (the rounding of which is far below that), by the recurrence
w(k+1) = w(k)·r(k), r(k+1) = r(k)·exp(-2^-20).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ppc.distilled.secret import Words

STEP_BITS = 10
LARGEST = 8 << STEP_BITS
_UNIFORM_BITS = 63  # of a word; the last one is the sign
_BITS = 256
_ONE = 1 << _BITS

Whole = NDArray[np.int64]


def gaussian(words: Words) -> Whole:
    """One draw for each uniform word: the place of 63 bits among the cumulative sums, with the last bit as sign."""
    size = np.searchsorted(cumulative(), words >> np.uint64(1), side="right").astype(np.int64)
    return np.where(words & np.uint64(1), -size, size)


@cache
def cumulative() -> Words:
    """2^63 · P(|draw| ≤ k) for k from 0 to before the largest, rounded down."""
    masses = _masses()
    whole = sum(masses)
    sums = np.empty(LARGEST, np.uint64)
    before = 0
    for k, mass in enumerate(masses[:-1]):
        before += mass
        sums[k] = (before << _UNIFORM_BITS) // whole
    return sums


def _masses() -> list[int]:
    """What falls on each |k|, in units of which nothing depends but their ratios: twice the weight, but at zero."""
    ratio = _exponential(2 * STEP_BITS + 1)  # exp(-(2k+1) / 2^21) for k = 0
    change = _exponential(2 * STEP_BITS)
    weight, masses = _ONE, [_ONE]
    for _ in range(LARGEST):
        weight = weight * ratio >> _BITS
        ratio = ratio * change >> _BITS
        masses.append(2 * weight)
    return masses


def _exponential(shift: int) -> int:
    """exp(-2^-shift) · 2^256, by its series."""
    total = term = _ONE
    count = 0
    while term:
        count += 1
        term = (term >> shift) // count
        total += -term if count % 2 else term
    return total
