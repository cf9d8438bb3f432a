"""A graph as a picture: one SVG file that needs nothing else, the same bytes for the same graph.

The background is part of it, so that it can be read on light and dark pages alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppc.drawing import marks
from ppc.drawing.cards import Drawing, drawing
from ppc.drawing.layout import Layout, layout
from ppc.drawing.lettering import escaped, shortened, width
from ppc.drawing.palette import PALETTE, Kind, kind_of, place_in_words
from ppc.drawing.words import batch_size
from ppc.ir.graph import Graph

MARGIN, NARROWEST = 36.0, 560.0
HEADING, TEXT = 22.0, 12.0
STAGES = {
    "named": "as written",
    "typed": "with shapes and bounds",
    "ready": "prepared",
    "placed": "with places and openings",
}


@dataclass(frozen=True, kw_only=True)
class _Head:
    """What stands above the drawing."""

    title: str
    subtitle: str
    legend: tuple[tuple[Kind, str], ...]


def svg(graph: Graph, *, block: str = "") -> str:
    """The picture of a graph. `block` is the private block that it follows, if there is one."""
    drawn = drawing(graph)
    lying = layout(drawn)
    head = _head(graph, drawn, block)
    wide = max(lying.width, NARROWEST, width(head.title, HEADING, bold=True), width(head.subtitle, TEXT))
    wide = max([wide, *(34 + width(words, TEXT) for _, words in head.legend)])
    parts = list(_heading(head, wide))
    top = MARGIN + 60 + 24 * len(_legend_rows(head.legend, wide)) + 24
    parts += _body(lying, MARGIN + (wide - lying.width) / 2, top)
    return _document(parts, head, wide + 2 * MARGIN, top + lying.height + MARGIN)


def _document(parts: list[str], head: _Head, wide: float, high: float) -> str:
    size = f'width="{wide:g}" height="{high:g}" viewBox="0 0 {wide:g} {high:g}"'
    frame = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escaped(head.title)}">',
        f"<title>{escaped(head.title)}</title><desc>{escaped(head.subtitle)}</desc>",
        marks.style(),
        marks.arrow_heads(),
        f'<rect width="{wide:g}" height="{high:g}" rx="10" fill="{marks.BACKGROUND}"/>',
        *parts,
        "</svg>",
    ]
    return "\n".join(frame) + "\n"


def _head(graph: Graph, drawn: Drawing, block: str) -> _Head:
    training = any(node.word("role") == "label" for node in graph.inputs)
    batch = batch_size(graph)
    facts = [
        f"private block {shortened(block)}" if block else "",
        "one step of training" if training else "",
        STAGES[graph.stage],
        f"batch {batch}" if batch is not None else "",
        f"{len(graph.nodes)} values",
        shortened(graph.source),
    ]
    return _Head(
        title=shortened(graph.name),
        subtitle=" · ".join(filter(None, facts)),
        legend=tuple(_legend(graph, drawn, block)),
    )


def _legend(graph: Graph, drawn: Drawing, block: str) -> Iterator[tuple[Kind, str]]:
    """The colours that the picture uses, and what they mean here."""
    order: list[Kind] = list(PALETTE)
    places = {node.place for node in graph.nodes if node.op != "reveal"}
    entries: set[tuple[Kind, str]] = {
        (kind_of(place, graph.parties), place_in_words(place, graph.parties, block=block)) for place in places
    }
    yield from sorted(entries, key=lambda entry: (order.index(entry[0]), entry[1]))
    if any(card.form == "opening" for card in drawn.cards):
        yield "opening", "an opening, with the line of the program that allows it"


def _heading(head: _Head, wide: float) -> Iterator[str]:
    yield marks.text(head.title, MARGIN, MARGIN + 18, "heading")
    yield marks.text(head.subtitle, MARGIN, MARGIN + 42, "quiet")
    for number, row in enumerate(_legend_rows(head.legend, wide)):
        x = MARGIN
        for kind, words in row:
            yield marks.swatch(kind, words, x, MARGIN + 60 + 24 * number)
            x += _swatch_width(words)


def _swatch_width(words: str) -> float:
    return 34 + width(words, TEXT) + 16


def _legend_rows(legend: tuple[tuple[Kind, str], ...], wide: float) -> list[list[tuple[Kind, str]]]:
    """The legend, broken where a line is full."""
    rows: list[list[tuple[Kind, str]]] = [[]]
    for kind, words in legend:
        taken = sum(_swatch_width(other) for _, other in rows[-1])
        if rows[-1] and taken + _swatch_width(words) > wide:
            rows.append([])
        rows[-1].append((kind, words))
    return rows


def _body(lying: Layout, x: float, y: float) -> Iterator[str]:
    """Wires first, so that boxes lie on top of their ends."""
    yield f'<g transform="translate({x:g} {y:g})">'
    yield from (marks.line(line) for line in lying.lines)
    for box in lying.boxes:
        yield from marks.box(box)
    yield "</g>"
