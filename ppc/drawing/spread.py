"""The middle of every slot: near its neighbours, never nearer to the next one than their widths allow.

Each row is solved exactly, as least weighted squares under fixed order and distances (pool adjacent violators);
weights are renewed from sweep to sweep until lengths count rather than squares, which makes wires straight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from ppc.drawing.rows import Link, Rows, Slot
from ppc.drawing.straight import straighten

SWEEPS = 100
FIRST = 8  # sweeps that look one way only: what is above, or below, moves the whole picture at once
FARTHEST, NEAREST = 400.0, 4.0  # how far is far, at the first sweep and at the last
CARD_GAP, WIRE_GAP = 30.0, 16.0
_STRAIGHT, _MAIN, _SIDE, _LOOSE = 8.0, 4.0, 1.0, 1e-6


def centres(rows: Rows, widths: Mapping[str, float]) -> dict[Slot, float]:
    """For every slot its x; the leftmost edge lies at 0."""
    gaps = [[0.0, *(_distance(a, b, widths) for a, b in pairwise(row))] for row in rows.rows]
    found = _packed(rows, gaps)
    above, below = rows.above, rows.below
    for sweep in range(SWEEPS):
        tolerance = FARTHEST * (NEAREST / FARTHEST) ** (sweep / (SWEEPS - 1))
        downwards = sweep % 2 == 0
        for row, gap in zip(rows.rows[:: 1 if downwards else -1], gaps[:: 1 if downwards else -1], strict=True):
            links = [(_links(slot, above, below, downwards=downwards, both=sweep >= FIRST)) for slot in row]
            pulls = [_pull(found[slot], near, found, tolerance) for slot, near in zip(row, links, strict=True)]
            places = spread([x for x, _ in pulls], [weight for _, weight in pulls], gap)
            found.update(zip(row, places, strict=True))
    straighten(rows, gaps, found)
    left = min((x - _half(slot, widths) for slot, x in found.items()), default=0.0)
    return {slot: x - left for slot, x in found.items()}


def _packed(rows: Rows, gaps: Sequence[Sequence[float]]) -> dict[Slot, float]:
    """A start: every row as narrow as it can be."""
    pairs = zip(rows.rows, gaps, strict=True)
    return {slot: x for row, gap in pairs for slot, x in zip(row, accumulate(gap), strict=True)}


def _half(slot: Slot, widths: Mapping[str, float]) -> float:
    return 0.0 if slot.passing else widths[slot.key] / 2


def _distance(left: Slot, right: Slot, widths: Mapping[str, float]) -> float:
    gap = WIRE_GAP if left.passing or right.passing else CARD_GAP
    return _half(left, widths) + _half(right, widths) + gap


def _links(
    slot: Slot, above: Mapping[Slot, list[Link]], below: Mapping[Slot, list[Link]], *, downwards: bool, both: bool
) -> list[tuple[Slot, float]]:
    """The slots that this one should lie under or over, with their weights."""
    found = [(link.tail, _weight(link)) for link in above[slot]] if downwards or both else []
    return found + [(link.head, _weight(link)) for link in below[slot]] if not downwards or both else found


def _pull(
    x: float, near: Sequence[tuple[Slot, float]], found: Mapping[Slot, float], tolerance: float
) -> tuple[float, float]:
    """Where the neighbours pull a slot, and how hard: the nearer they are, the harder, so that one bend beats ten."""
    weights = [weight / (abs(found[slot] - x) + tolerance) for slot, weight in near]
    if not weights:
        return x, _LOOSE
    return sum(found[slot] * weight for (slot, _), weight in zip(near, weights, strict=True)) / sum(weights), sum(
        weights
    )


def _weight(link: Link) -> float:
    if link.tail.passing and link.head.passing:
        return _STRAIGHT
    return _MAIN if link.wire.main else _SIDE


def spread(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Places in ascending order, each `gaps[i]` or more behind the one before, as near to the wanted ones as can be."""
    offsets = list(accumulate(gaps))
    pools: list[tuple[float, float, int]] = []  # weight, mean, members
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        pool = (weight, want - offset, 1)
        while pools and pools[-1][1] > pool[1]:
            heavy, mean, members = pools.pop()
            total = heavy + pool[0]
            pool = (total, (heavy * mean + pool[0] * pool[1]) / total, members + pool[2])
        pools.append(pool)
    means = [mean for _, mean, members in pools for _ in range(members)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
