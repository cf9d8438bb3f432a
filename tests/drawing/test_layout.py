"""Where things lie: wires keep clear of boxes, and the same drawing is laid out the same way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ppc.drawing.cards import drawing
from ppc.drawing.layout import Box, Line, layout
from tests.drawing.pictures import many


def points(line: Line) -> Iterator[tuple[float, float]]:
    """Some of the points that a wire passes, as it is drawn."""
    (x, y), (to_x, to_y) = line.start, line.end
    yield from ((x, y + (line.bend - y) * part / 4) for part in range(5))
    for step in range(21):
        t = step / 20
        over = 3 * t * t - 2 * t**3
        yield x + (to_x - x) * over, _curve(line.bend, (line.bend + line.land) / 2, line.land, t)
    yield from ((to_x, line.land + (to_y - line.land) * part / 4) for part in range(5))


def _curve(start: float, middle: float, end: float, t: float) -> float:
    return start * (1 - t) ** 3 + 3 * middle * t * (1 - t) + end * t**3


def inside(box: Box, point: tuple[float, float]) -> bool:
    x, y = point
    return box.x + 1 < x < box.x + box.width - 1 and box.y + 1 < y < box.bottom - 1


@pytest.mark.parametrize("name", many())
def test_no_wire_runs_through_a_box(name: str) -> None:
    """Not even through those at its ends."""
    laid = layout(drawing(many()[name]))

    for line in laid.lines:
        passed = list(points(line))
        assert not [box.card.key for box in laid.boxes if any(inside(box, point) for point in passed)]


@pytest.mark.parametrize("name", many())
def test_wires_end_where_boxes_are(name: str) -> None:
    """Every arrow points at the upper edge of a box, from above."""
    laid = layout(drawing(many()[name]))

    for line in laid.lines:
        assert line.start[1] < line.end[1]
        if line.arrow:
            assert [b for b in laid.boxes if b.x <= line.end[0] <= b.x + b.width and b.y == line.end[1]]


def test_same_graph_same_layout() -> None:
    graph = many()["training"]

    assert layout(drawing(graph)) == layout(drawing(graph))
