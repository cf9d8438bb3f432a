"""The elements of a picture as SVG text: boxes, wires, legend. Knows where things lie, not why."""

from __future__ import annotations

from collections.abc import Iterator

from ppc.drawing.layout import (
    CHIP_LINE,
    PADDING,
    TEXT_LINE,
    TITLE_LINE,
    Box,
    Line,
)
from ppc.drawing.lettering import escaped
from ppc.drawing.palette import PALETTE, Kind

BACKGROUND, INK, QUIET = "#ffffff", "#1b2430", "#55606e"
FONT = "'DejaVu Sans', Verdana, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


def style() -> str:
    """The style sheet. Kinds are classes, so that a page may recolour a picture."""
    rules = [
        f"text{{font-family:{FONT};font-size:12px;fill:{INK}}}",
        ".heading{font-size:22px;font-weight:700}",
        f".quiet{{fill:{QUIET}}}",
        ".title{font-size:14px;font-weight:700}",
        ".corner,.chip{font-size:11px}",
        ".box{stroke-width:1.4}",
        ".box.output{stroke-width:2.6}",
        ".box.opening{stroke-width:2.6;stroke-dasharray:7 4}",
        ".tag{fill:#ffffff;stroke-width:1}",
        ".wire{fill:none;stroke-width:1.7}",
        ".wire.opening{stroke-width:2.8;stroke-dasharray:7 4}",
    ]
    for kind, colours in PALETTE.items():
        rules.append(f".box.{kind}{{fill:{colours.fill};stroke:{colours.line}}}")
        rules.append(f".wire.{kind},.tag.{kind}{{stroke:{colours.line}}}")
        rules.append(f".ink.{kind}{{fill:{colours.ink}}}")
        rules.append(f".dot.{kind}{{fill:{colours.line}}}")
    return f"<style>{''.join(rules)}</style>"


def arrow_heads() -> str:
    """One for each colour: not every viewer can take a marker's colour from its line."""
    heads = "".join(
        f'<marker id="arrow-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="10" markerHeight="10" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.5 8 4 0 7.5z" class="dot {kind}"/></marker>'
        for kind in PALETTE
    )
    return f"<defs>{heads}</defs>"


def text(words: str, x: float, y: float, classes: str = "", *, end: bool = False) -> str:
    """One line of text; with `end`, x is where it ends."""
    attributes = f' class="{classes}"' if classes else ""
    attributes += ' text-anchor="end"' if end else ""
    return f'<text x="{x:g}" y="{y:g}"{attributes}>{escaped(words)}</text>'


def box(one: Box) -> Iterator[str]:
    """A card: its frame, its text, and the parameters it reads."""
    card = one.card
    members = f' data-members="{escaped(" ".join(card.members))}"' if card.members else ""
    yield f'<g class="card" data-name="{escaped(card.key)}"{members}><title>{escaped(card.hint)}</title>'
    round_corners = 8 if card.form == "op" else min(one.height / 2, 22)
    yield (
        f'<rect class="box {card.kind} {card.form}" x="{one.x:g}" y="{one.y:g}" width="{one.width:g}" '
        f'height="{one.height:g}" rx="{round_corners:g}"/>'
    )
    left, y = one.x + PADDING, one.y + PADDING + 8
    yield text(card.title, left, y, f"title ink {card.kind}")
    if card.corner:
        yield text(card.corner, one.x + one.width - PADDING, y, f"corner ink {card.kind}", end=True)
    y += TITLE_LINE - TEXT_LINE
    for line in card.lines:
        y += TEXT_LINE
        yield text(line, left, y)
    y += 8
    for chip in card.chips:
        yield from _chip(chip.text, chip.key, chip.kind, left, y, one.width - 2 * PADDING)
        y += CHIP_LINE
    yield "</g>"


def _chip(words: str, key: str, kind: Kind, x: float, y: float, width: float) -> Iterator[str]:
    height = CHIP_LINE - 4
    yield f'<g data-parameter="{escaped(key)}">'
    yield f'<rect class="tag {kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"/>'
    yield f'<circle class="dot {kind}" cx="{x + 9:g}" cy="{y + height / 2:g}" r="3.5"/>'
    yield text(words, x + 18, y + height - 5, f"chip ink {kind}") + "</g>"


def line(one: Line) -> str:
    """A wire: straight down out of its row, over in one bend, straight down into the next box."""
    (x, y), (to_x, to_y) = one.start, one.end
    path = f"M{x:g} {y:g}V{one.bend:g}"
    if x == to_x:
        path += f"V{to_y:g}"
    else:
        middle = (one.bend + one.land) / 2
        path += f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {one.land:g}V{to_y:g}"
    arrow = f' marker-end="url(#arrow-{one.kind})"' if one.arrow else ""
    return f'<path class="wire {one.kind}" d="{path}"{arrow}/>'


def swatch(kind: Kind, words: str, x: float, y: float) -> str:
    """One entry of the legend."""
    form = " opening" if kind == "opening" else ""
    frame = f'<rect class="box {kind}{form}" x="{x:g}" y="{y:g}" width="26" height="15" rx="4"/>'
    return frame + text(words, x + 34, y + 12)
