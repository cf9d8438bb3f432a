"""How many examples somebody has, nobody but itself knows; a round has turns by what everybody says.

The rule: what one says beyond ten times the median counts as ten times the median. As long as more than half tell the
truth, one that lies makes a round at most ten times as long; who really has so many goes through them in more rounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median_low

FEW = 10


def counted(claims: Mapping[int, int]) -> dict[int, int]:
    """The examples of each that count. The lower of two medians: of two participants one cannot lift the bound."""
    most = FEW * median_low(claims.values()) if claims else 0
    return {one: min(claim, most) for one, claim in claims.items()}


def beyond(claims: Mapping[int, int]) -> Iterator[tuple[int, str]]:
    """Those that say they have more than counts, and what is told of it."""
    for one, count in counted(claims).items():
        if count < claims[one]:
            yield one, f"says it has {claims[one]:,} examples; {count:,} count, ten times the median of all"
