"""Comparisons as digits of an opened value (PROTOCOL.md, section 5): which opening, which shift, how many digits.

Called by `reuse_masks`. Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppc.plan.ranges import Range
from ppc.plan.wires import Wire

DIGIT = 4  # bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits:
    """Thresholds of x / 2^shift, by the fewest digits that cover its range."""

    shift: int
    count: int
    offsets: tuple[int, ...]


def digits_for(x: Wire, *, shift: int, thresholds: Sequence[int]) -> Digits:
    """x + offset reaches 2^(K + shift) where x / 2^shift reaches the threshold; K bits hold what may be beside it."""
    assert x.low is not None, "ranges are known from stage scaled on"
    assert x.high is not None, "ranges are known from stage scaled on"
    y = Range(x.low, x.high).truncated(shift)
    count = 1
    while not all(-(1 << DIGIT * count) <= y.low - t and y.high - t < 1 << DIGIT * count for t in thresholds):
        count += 1
    offsets = tuple(((1 << DIGIT * count) - threshold) << shift for threshold in thresholds)
    return Digits(shift=shift, count=count, offsets=offsets)
