"""Where everything lies: boxes in rows, wires between them.

A wire bends only between two rows and runs straight down through a row, in a slot of its own; so none crosses a box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ppc.drawing.cards import Card, Drawing
from ppc.drawing.lettering import width
from ppc.drawing.palette import Kind
from ppc.drawing.rows import Link, Rows, Slot, rows_of
from ppc.drawing.spread import centres

TITLE, TEXT, CHIP = 14.0, 12.0, 11.0  # sizes of letters
TITLE_LINE, TEXT_LINE, CHIP_LINE = 20.0, 17.0, 21.0
PADDING, CORNER_GAP = 12.0, 18.0
PORT = 14.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A card and its rectangle; x and y are its upper left corner."""

    card: Card
    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A piece of wire: from a point down to another, straight until `bend` and from `land` on."""

    start: tuple[float, float]
    end: tuple[float, float]
    bend: float
    land: float
    kind: Kind
    arrow: bool


@dataclass(frozen=True, kw_only=True)
class Layout:
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Band:
    """The stretch of height that a row takes."""

    top: float
    bottom: float


def layout(drawing: Drawing) -> Layout:
    """The whole drawing, its upper left corner at 0, 0."""
    cards = {card.key: card for card in drawing.cards}
    rows = rows_of(drawing)
    middle = centres(rows, {key: card_width(card) for key, card in cards.items()})
    bands = _bands(rows, cards, middle)
    boxes = {slot: _box(slot, cards, middle, bands) for row in rows.rows for slot in row if not slot.passing}
    lines = tuple(_lines(rows, boxes, middle, bands))
    right = max((box.x + box.width for box in boxes.values()), default=0.0)
    right = max([right, *(line.end[0] for line in lines)])
    return Layout(boxes=tuple(boxes.values()), lines=lines, width=right, height=bands[-1].bottom if bands else 0.0)


def card_width(card: Card) -> float:
    """Wide enough for every line in any usual font."""
    title = width(card.title, TITLE, bold=True)
    if card.corner:
        title += CORNER_GAP + width(card.corner, CHIP)
    texts = [title, *(width(line, TEXT) for line in card.lines)]
    texts += [width(chip.text, CHIP) + 2 * PADDING for chip in card.chips]
    return round(max(texts) + 2 * PADDING)


def card_height(card: Card) -> float:
    chips = len(card.chips) * CHIP_LINE + (4.0 if card.chips else 0.0)
    return PADDING + TITLE_LINE + len(card.lines) * TEXT_LINE + chips + 4.0


def _bands(rows: Rows, cards: Mapping[str, Card], middle: Mapping[Slot, float]) -> list[_Band]:
    bands: list[_Band] = []
    top = 0.0
    for row, links in zip(rows.rows, rows.links, strict=True):
        height = max((card_height(cards[slot.key]) for slot in row if not slot.passing), default=0.0)
        bands.append(_Band(top, top + height))
        top += height + _gap(links, middle)
    return bands


def _gap(links: Sequence[Link], middle: Mapping[Slot, float]) -> float:
    """Room for the bends: more where a wire goes far to the side."""
    farthest = max((abs(middle[link.tail] - middle[link.head]) for link in links), default=0.0)
    return round(min(36.0 + farthest / 14, 96.0))


def _box(slot: Slot, cards: Mapping[str, Card], middle: Mapping[Slot, float], bands: Sequence[_Band]) -> Box:
    card, band = cards[slot.key], bands[slot.level]
    wide, high = card_width(card), card_height(card)
    top = band.top + (band.bottom - band.top - high) / 2
    return Box(card=card, x=round(middle[slot] - wide / 2, 1), y=round(top, 1), width=wide, height=high)


def _lines(rows: Rows, boxes: Mapping[Slot, Box], middle: Mapping[Slot, float], bands: Sequence[_Band]) -> list[Line]:
    lines: list[Line] = []
    for head, links in rows.above.items():
        arriving = sorted(links, key=lambda link: (middle[link.tail], link.tail.key))
        main = next((place for place, link in enumerate(arriving) if link.wire.main), 0)
        step = _port_distance(boxes[head], len(arriving)) if head in boxes else 0.0
        lines += [_line(link, (place - main) * step, boxes, middle, bands) for place, link in enumerate(arriving)]
    return lines


def _port_distance(box: Box, count: int) -> float:
    """How far apart wires arrive: all of them within the straight part of the box's upper edge."""
    return min(PORT, (box.width / 2 - 2 * PADDING) / max(count, 1))


def _line(
    link: Link, port: float, boxes: Mapping[Slot, Box], middle: Mapping[Slot, float], bands: Sequence[_Band]
) -> Line:
    start = middle[link.tail], bands[link.tail.level].top if link.tail.passing else boxes[link.tail].bottom
    end = middle[link.head] + port, bands[link.head.level].top if link.head.passing else boxes[link.head].y
    return Line(
        start=(round(start[0], 1), round(start[1], 1)),
        end=(round(end[0], 1), round(end[1], 1)),
        bend=round(bands[link.tail.level].bottom, 1),
        land=round(bands[link.head.level].top, 1),
        kind=link.wire.kind,
        arrow=not link.head.passing,
    )
