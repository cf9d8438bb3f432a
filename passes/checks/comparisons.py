"""What bits say: of which value, at which thresholds, and so what a choice or a count of them can be.

A bit of `digits` at offset C is 1{y ≥ t} with t = 2^K - C/2^shift, where y is ⌊x/2^shift⌋ or one more, whatever the
mask; the y of another threshold, or of a truncation of x by as much, may be the other one of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ppc.passes.checks.intervals import Ends, hull, summed
from ppc.plan.steps import Plan, Step

SUMS = ("add", "offset", "reshape")
RELABELLED = ("mask", "rescale", "certified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The value under the mask that a bit was compared from, shifted right by `shift`, and the thresholds."""

    value: str
    shift: int
    thresholds: tuple[int, ...]


def compared(plan: Plan, name: str) -> Compared | None:
    """None where the bits are made in no known way."""
    step = plan.by_name.get(name)
    while step is not None and step.op in ("bit", "groups"):
        step = plan.by_name.get(step.inputs[0])
    opened = plan.by_name.get(step.inputs[0]) if step is not None and step.op == "digits" else None
    if step is None or opened is None or opened.op != "mask":
        return None
    shift, top = step.integer("shift"), 1 << 4 * step.integer("digits")
    thresholds = tuple(top - (offset >> shift) for offset in step.integers("offsets"))
    return Compared(value=opened.inputs[0], shift=shift, thresholds=thresholds)


def several(plan: Plan, name: str) -> bool:
    """Whether a value is bits of several thresholds: no number, before one of them is taken."""
    step = plan.by_name.get(name)
    found = compared(plan, name) if step is not None and step.op == "bit" else None
    return found is not None and len(found.thresholds) > 1


def digits_left(plan: Plan, name: str) -> int:
    """How many digits a comparison still has; groups make one of four."""
    levels = 0
    step = plan.by_name.get(name)
    while step is not None and step.op == "groups":
        levels += 1
        step = plan.by_name.get(step.inputs[0])
    return -(-step.integer("digits") // 4**levels) if step is not None and step.op == "digits" else 0


def integers(plan: Plan, name: str) -> str:
    """Whose integers a value has: what it was before it was masked, read at another scale, or certified."""
    while (step := plan.by_name.get(name)) is not None and step.op in RELABELLED:
        name = step.inputs[0]
    return name


# ---- choices ----


def selected(plan: Plan, step: Step, x: Ends) -> Ends:
    """Σ slope·d·(x - knot): for the value that the bits were compared from, piece by piece; else for any bits."""
    found = compared(plan, step.inputs[0])
    slopes, knots = step.integers("slopes"), step.integers("knots")
    if found is None or not _same_value(plan, step.inputs[1], found):
        return _sum_of(_choice(slope, knot, x) for slope, knot in zip(slopes, knots, strict=True))
    return hull(end for piece in _pieces(found.thresholds, x) for end in _piece(step, found, piece))


def _same_value(plan: Plan, name: str, found: Compared) -> bool:
    """The value itself where nothing was shifted, or its truncation by as many bits."""
    if found.shift == 0:
        return integers(plan, name) == integers(plan, found.value)
    step = plan.by_name.get(integers(plan, name))
    if step is None or step.op != "truncate" or step.integer("shift") != found.shift:
        return False
    return integers(plan, step.inputs[0]) == integers(plan, found.value)


def _choice(slope: int, knot: int, x: Ends) -> Ends:
    return hull((0, *(slope * (end - knot) for end in x)))


def _sum_of(all_ends: Iterator[Ends]) -> Ends:
    total = (0, 0)
    for ends in all_ends:
        total = summed(total, ends)
    return total


def _pieces(thresholds: Sequence[int], x: Ends) -> Iterator[Ends]:
    """Where every bit is known, or is known to be either: cut before t - 1 and behind t for each threshold t."""
    starts = sorted({x[0], *(start for t in thresholds for start in (t - 1, t + 1) if x[0] < start <= x[1])})
    yield from zip(starts, (*(start - 1 for start in starts[1:]), x[1]), strict=True)


def _piece(step: Step, found: Compared, piece: Ends) -> Iterator[int]:
    """Sums of known bits are linear here, and those of unknown ones have their extremes at the ends as well."""
    for x in piece:
        low = high = 0
        for slope, knot, threshold in zip(
            step.integers("slopes"), step.integers("knots"), found.thresholds, strict=True
        ):
            value = slope * (x - knot)
            unknown = threshold - 1 <= piece[0] and piece[1] <= threshold
            low += min(0, value) if unknown else value if piece[0] > threshold else 0
            high += max(0, value) if unknown else value if piece[0] > threshold else 0
        yield low
        yield high


# ---- certificates ----


def certified(plan: Plan, by: Step) -> dict[str, Ends]:
    """The values that lie in a region if the step reveals 0 to both, by the name that they have before their mask.

    What is revealed must be a sum of counts and a constant that is 0 only if every element of every count is at its
    lowest level: the constant is minus the sum of these. Levels are the sums of the slopes of the thresholds reached.
    """
    if by.op != "reveal" or by.word("to") != "both" or by.phase != "check" or by.integer("drowned", 0):
        return {}
    summands = _summands(plan, by.inputs[0])
    constant = sum(step.integer("constant") for step in summands if step.op == "offset")
    regions: dict[str, Ends] = {}
    for count in summands:
        if count.op in SUMS:
            continue
        region = _region(plan, count) if count.op == "count" else None
        if region is None:
            return {}
        name, ends, lowest = region
        constant += lowest
        regions[name] = (max(ends[0], regions.get(name, ends)[0]), min(ends[1], regions.get(name, ends)[1]))
    return regions if constant == 0 else {}


def _summands(plan: Plan, name: str) -> list[Step]:
    """The steps of a sum, down to what is no sum; none where a value is added twice, or is no step's."""
    found: list[Step] = []
    waiting = [name]
    while waiting:
        step = plan.by_name.get(waiting.pop())
        if step is None or step in found:
            return []
        found.append(step)
        waiting += step.inputs if step.op in SUMS else ()
    return found


def _region(plan: Plan, count: Step) -> tuple[str, Ends, int] | None:
    """The value, where its elements lie if they are at the lowest level, and the sum of these levels."""
    found = compared(plan, count.inputs[0])
    slopes = count.integers("slopes")
    if found is None or len(slopes) != len(found.thresholds):
        return None
    pairs = sorted(zip(found.thresholds, slopes, strict=True))
    marks = [threshold for threshold, _ in pairs]
    if any(right - left < 2 for left, right in pairwise(marks)):
        return None  # neighbours: one may be reached without the other
    levels = [sum(slope for _, slope in pairs[:reached]) for reached in range(len(pairs) + 1)]
    lowest = [reached for reached, level in enumerate(levels) if level == min(levels)]
    wire = plan.wires[found.value]
    low = (marks[lowest[0] - 1] - 1) << found.shift if lowest[0] else wire.low
    high = (marks[lowest[-1]] << found.shift) - 1 if lowest[-1] < len(marks) else wire.high
    if low is None or high is None:
        return None
    size = plan.wires[count.inputs[0]].size // len(slopes)
    return found.value, (low, high), size * min(levels)
