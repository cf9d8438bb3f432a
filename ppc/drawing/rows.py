"""Cards in rows, with a slot in every row that a long wire passes, ordered so that few wires cross.

Sugiyama's method: levels, then sweeps that put every slot near the middle of its neighbours.
All wires of one value share their slots. Knows nothing of widths.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ppc.drawing.cards import Drawing, Wire
from ppc.drawing.networks import levels

SWEEPS = 24


@dataclass(frozen=True, slots=True)
class Slot:
    """A card in a row, or (passing) a wire on its way down."""

    key: str
    level: int
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A piece of wire, from one row to the next."""

    tail: Slot
    head: Slot
    wire: Wire


@dataclass(frozen=True, kw_only=True)
class Rows:
    """`links[i]` lead from row i to row i + 1."""

    rows: tuple[tuple[Slot, ...], ...]
    links: tuple[tuple[Link, ...], ...]

    @property
    def above(self) -> dict[Slot, list[Link]]:
        return self._grouped([(link.head, link) for links in self.links for link in links])

    @property
    def below(self) -> dict[Slot, list[Link]]:
        return self._grouped([(link.tail, link) for links in self.links for link in links])

    def _grouped(self, pairs: Sequence[tuple[Slot, Link]]) -> dict[Slot, list[Link]]:
        groups: dict[Slot, list[Link]] = {slot: [] for row in self.rows for slot in row}
        for slot, link in pairs:
            groups[slot].append(link)
        return groups


def rows_of(drawing: Drawing) -> Rows:
    """The cards of a drawing in rows, ordered."""
    level = levels((card.key for card in drawing.cards), ((wire.tail, wire.head) for wire in drawing.wires))
    rows: list[dict[Slot, None]] = [{} for _ in range(max(level.values(), default=-1) + 1)]
    for card in drawing.cards:
        rows[level[card.key]][Slot(card.key, level[card.key])] = None
    links: list[dict[tuple[Slot, Slot], Link]] = [{} for _ in rows]
    for wire in drawing.wires:
        for link in _pieces(wire, level):
            rows[link.head.level].setdefault(link.head)
            links[link.tail.level].setdefault((link.tail, link.head), link)
    start = Rows(rows=tuple(tuple(row) for row in rows), links=tuple(tuple(piece.values()) for piece in links))
    return _untangled(start)


def _pieces(wire: Wire, level: Mapping[str, int]) -> list[Link]:
    first, last = level[wire.tail], level[wire.head]
    stops = [Slot(wire.tail, first)]
    stops += [Slot(wire.tail, between, passing=True) for between in range(first + 1, last)]
    stops.append(Slot(wire.head, last))
    return [Link(tail=tail, head=head, wire=wire) for tail, head in pairwise(stops)]


def _untangled(start: Rows) -> Rows:
    """The best of all orders that the sweeps pass through."""
    rows, best = [list(row) for row in start.rows], start.rows
    fewest = crossing_count(start.rows, start.links)
    above, below = start.above, start.below
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for index in range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1):
            fixed = rows[index - 1] if downwards else rows[index + 1]
            rows[index] = _near(rows[index], fixed, above if downwards else below, downwards=downwards)
        count = crossing_count(rows, start.links)
        if count < fewest:
            fewest, best = count, tuple(tuple(row) for row in rows)
    return Rows(rows=best, links=start.links)


def _near(
    row: list[Slot], fixed: Sequence[Slot], neighbours: Mapping[Slot, list[Link]], *, downwards: bool
) -> list[Slot]:
    """The row, every slot by the middle of its neighbours; who has none keeps its place among the others."""
    where = {slot: float(place) for place, slot in enumerate(fixed)}
    middles: dict[Slot, float] = {}
    last = 0.0
    for slot in row:
        ends = [where[link.tail if downwards else link.head] for link in neighbours[slot]]
        last = sum(ends) / len(ends) if ends else last
        middles[slot] = last
    return sorted(row, key=lambda slot: middles[slot])


def crossing_count(rows: Sequence[Sequence[Slot]], links: Sequence[Sequence[Link]]) -> int:
    """How many pairs of wires cross, over all rows."""
    where = {slot: place for row in rows for place, slot in enumerate(row)}
    return sum(_inversions([(where[link.tail], where[link.head]) for link in between]) for between in links)


def _inversions(pairs: list[tuple[int, int]]) -> int:
    seen: list[int] = []
    found = 0
    for _, head in sorted(pairs):
        found += len(seen) - bisect_right(seen, head)
        insort(seen, head)
    return found
