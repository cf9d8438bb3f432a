"""Which value a bit was compared from, and so the exact range of what it selects.

ReLU(x) is x times a bit of x: whoever takes the bit for any bit finds negative numbers where there are none, and the
pieces of a piecewise function would be added up as if all were taken at their worst at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ppc.plan.ranges import Range
from ppc.plan.steps import Step

RELABELLING = frozenset({"rescale", "certified"})  # steps that leave the integers as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A bit for each threshold: the value `of`, shifted right by `shift`, reaches it, give or take one unit."""

    of: str
    shift: int
    thresholds: tuple[int, ...]


def compared(bit: Step, by_name: Mapping[str, Step]) -> Compared:
    """What the bit of a `compare` or `bit` step says."""
    if bit.op == "compare":
        coarse = bit.integer("coarse", 0)
        thresholds = tuple(knot >> coarse for knot in bit.integers("knots"))
        return Compared(of=opened(bit.inputs[0], by_name), shift=coarse, thresholds=thresholds)
    step = by_name[bit.inputs[0]]
    while step.op == "groups":
        step = by_name[step.inputs[0]]
    shift, top = step.integer("shift"), 1 << 4 * step.integer("digits")
    thresholds = tuple(top - (offset >> shift) for offset in step.integers("offsets"))
    return Compared(of=opened(step.inputs[0], by_name), shift=shift, thresholds=thresholds)


def same_integers(name: str, by_name: Mapping[str, Step], through: frozenset[str] = RELABELLING) -> str:
    """The value that was read at another scale, or certified; the value itself otherwise."""
    step = by_name.get(name)
    return same_integers(step.inputs[0], by_name, through) if step and step.op in through else name


def opened(name: str, by_name: Mapping[str, Step]) -> str:
    """The value under a mask, as it was first made."""
    return same_integers(name, by_name, RELABELLING | {"mask"})


def selected_range(step: Step, by_name: Mapping[str, Step], x: Range) -> Range | None:
    """The exact range of a `select`, where its bits were compared from the value that it selects."""
    bit = by_name.get(step.inputs[0])
    if bit is None:
        return None
    found = compared(bit, by_name)
    if not _same_value(opened(step.inputs[1], by_name), found, by_name):
        return None
    return pieces(x, step.integers("slopes"), step.integers("knots"), found.thresholds)


def _same_value(name: str, found: Compared, by_name: Mapping[str, Step]) -> bool:
    if found.shift == 0:
        return name == found.of
    step = by_name.get(name)
    if step is None or step.op != "truncate" or step.integer("shift") != found.shift:
        return False
    return opened(step.inputs[0], by_name) == found.of


@lru_cache(maxsize=1024)
def pieces(x: Range, slopes: tuple[int, ...], knots: tuple[int, ...], thresholds: tuple[int, ...]) -> Range:
    """Σ slope·d·(x - knot), where d is 1 from its threshold on; next to the threshold d may be either.

    Between thresholds the function is linear, so its extremes are beside them or at the ends. Asked again for every
    scale that is tried, so what was found is kept.
    """
    near = {threshold + step for threshold in thresholds for step in (-2, -1, 0, 1)}
    points = {x.low, x.high} | {point for point in near if x.low <= point <= x.high}
    lows: list[int] = []
    highs: list[int] = []
    for point in points:
        low = high = 0
        for slope, knot, threshold in zip(slopes, knots, thresholds, strict=True):
            value = slope * (point - knot)
            if point > threshold:
                low, high = low + value, high + value
            elif point >= threshold - 1:
                low, high = low + min(value, 0), high + max(value, 0)
        lows.append(low)
        highs.append(high)
    return Range(min(lows), max(highs))
