"""The last touch: every path of cards and every long wire is laid in as few straight runs as there is room for.

Rows are given in order and nearly in place; this only takes out bends that nothing asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from ppc.drawing.rows import Link, Rows, Slot

ROUNDS = 3


def straighten(rows: Rows, gaps: Sequence[Sequence[float]], found: dict[Slot, float]) -> None:
    """Move slots within the room that they have; `found` is changed."""
    room, above, below = _Room(rows, gaps, found), rows.above, rows.below
    paths = [*_paths(rows), *_chains(rows)]
    for _ in range(ROUNDS):
        for path in paths:
            for run in room.runs(path):
                wanted = _wanted(run, found, above, below)
                found.update(dict.fromkeys(run, room.nearest(wanted, run)))


def _wanted(
    run: Sequence[Slot],
    found: Mapping[Slot, float],
    above: Mapping[Slot, list[Link]],
    below: Mapping[Slot, list[Link]],
) -> float:
    """The middle of where a run lies now; for a wire nowhere farther out than its two ends."""
    middle = sorted(found[slot] for slot in run)[len(run) // 2]
    if not run[0].passing:
        return middle
    ends = [found[link.tail] for link in above[run[0]]] + [found[link.head] for link in below[run[-1]]]
    return min(max(middle, min(ends)), max(ends))


def _paths(rows: Rows) -> list[list[Slot]]:
    """The cards in paths, each card under the one that it mainly reads; every card is on one path."""
    below, seen = rows.below, set[Slot]()
    paths: list[list[Slot]] = []
    for start in (slot for row in rows.rows for slot in row if not slot.passing):
        path: list[Slot] = []
        slot: Slot | None = start
        while slot is not None and slot not in seen:
            path.append(slot)
            seen.add(slot)
            heads = [link.head for link in below[slot] if link.wire.main and not link.head.passing]
            slot = next((head for head in heads if head not in seen), None)
        paths.append(path)
    return [path for path in paths if path]


def _chains(rows: Rows) -> list[list[Slot]]:
    """For every value the slots that its wires pass, from top to bottom."""
    passing = [slot for row in rows.rows for slot in row if slot.passing]
    passing.sort(key=lambda slot: (slot.key, slot.level))
    return [list(chain) for _, chain in groupby(passing, key=lambda slot: slot.key)]


class _Room:
    """How far each slot may move while the others stay."""

    def __init__(self, rows: Rows, gaps: Sequence[Sequence[float]], found: Mapping[Slot, float]) -> None:
        self.rows, self.gaps, self.found = rows.rows, gaps, found
        self.place = {slot: place for row in rows.rows for place, slot in enumerate(row)}

    def of(self, slot: Slot) -> tuple[float, float]:
        row, gaps, place = self.rows[slot.level], self.gaps[slot.level], self.place[slot]
        low = self.found[row[place - 1]] + gaps[place] if place else float("-inf")
        high = self.found[row[place + 1]] - gaps[place + 1] if place + 1 < len(row) else float("inf")
        return low, max(low, high)

    def nearest(self, x: float, slots: Sequence[Slot]) -> float:
        """The place nearest to x where all of the slots have room; they must have some in common."""
        rooms = [self.of(slot) for slot in slots]
        return min(max(x, *(low for low, _ in rooms)), *(high for _, high in rooms))

    def runs(self, chain: Sequence[Slot]) -> list[list[Slot]]:
        """The chain in as few pieces as can each be straight."""
        pieces: list[list[Slot]] = []
        low, high = float("inf"), float("-inf")
        for slot in chain:
            new_low, new_high = self.of(slot)
            low, high = max(low, new_low), min(high, new_high)
            if low > high:
                pieces.append([])
                low, high = new_low, new_high
            pieces[-1].append(slot)
        return pieces
