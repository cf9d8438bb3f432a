"""95 % intervals for what an attack measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, stdev

DEVIATIONS = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


def share_interval(hits: int, trials: int) -> Interval:
    """Wilson's interval for a share: right for few trials and for shares near 0 and 1 too."""
    if trials == 0:
        return Interval(0.0, 1.0)
    share, weight = hits / trials, DEVIATIONS**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    spread = DEVIATIONS / (1 + weight) * sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return Interval(max(0.0, middle - spread), min(1.0, middle + spread))


def mean_interval(values: Sequence[float]) -> Interval:
    """The normal interval of a mean; of a single value nothing is known but itself."""
    middle = fmean(values)
    spread = DEVIATIONS * stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    return Interval(middle - spread, middle + spread)
