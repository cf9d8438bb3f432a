"""Charts: marks on two axes, one picture in SVG, the same bytes for the same numbers.

For pictures of measurements: a curve for each series, or marks alone. Knows numbers and words, no graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from ppc.drawing.lettering import escaped, width
from ppc.drawing.marks import BACKGROUND, FONT, INK, QUIET

WIDE, HIGH = 640.0, 400.0  # of the area between the axes
LEFT, TOP, BOTTOM, RIGHT = 96.0, 64.0, 64.0, 28.0
# Told apart in grey too: each has a lightness and a shape of its own.
COLOURS = ("#2563c9", "#c46a00", "#1d8a58", "#c2366b", "#6f42c1", "#55606e")
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "circle")
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Mark:
    across: float
    up: float
    label: str = ""


@dataclass(frozen=True)
class Series:
    name: str
    marks: tuple[Mark, ...]
    joined: bool = False
    ringed: bool = False  # a ring around marks that other series have


@dataclass(frozen=True, kw_only=True)
class Chart:
    title: str
    across: str
    up: str
    series: tuple[Series, ...]
    logarithmic: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """From numbers to parts of the way along it."""

    low: float
    high: float
    logarithmic: bool

    def part(self, number: float) -> float:
        low, high, value = (log10(one) if self.logarithmic else one for one in (self.low, self.high, number))
        return (value - low) / (high - low)

    def ticks(self) -> tuple[float, ...]:
        if self.logarithmic:
            first, last = round(log10(self.low)), round(log10(self.high))
            return tuple(10.0**power for power in range(first, last + 1))
        step = _step(self.high - self.low)
        count = round((self.high - self.low) / step)
        return tuple(self.low + step * place for place in range(count + 1))


def chart(drawn: Chart) -> str:
    """The picture."""
    across, up = (
        _axis([_side(mark, side) for series in drawn.series for mark in series.marks], drawn.logarithmic[side])
        for side in (0, 1)
    )
    wide, high = LEFT + WIDE + RIGHT, TOP + HIGH + BOTTOM + 20 * len(drawn.series)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}" height="{high:g}" viewBox="0 0 {wide:g} {high:g}" '
        f'role="img" aria-label="{escaped(drawn.title)}">',
        f"<title>{escaped(drawn.title)}</title>",
        f"<style>text{{font-family:{FONT};font-size:12px;fill:{INK}}} .quiet{{fill:{QUIET}}}</style>",
        f'<rect width="{wide:g}" height="{high:g}" rx="10" fill="{BACKGROUND}"/>',
        f'<text x="{LEFT:g}" y="34" style="font-size:18px;font-weight:700">{escaped(drawn.title)}</text>',
        *_frame(drawn, across, up),
    ]
    for place, series in enumerate(drawn.series):
        parts += _curve(series, place, across, up)
        parts += _legend(series, place)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _side(mark: Mark, side: int) -> float:
    return (mark.across, mark.up)[side]


def _axis(numbers: Sequence[float], logarithmic: bool) -> _Axis:
    """Whole steps around all numbers."""
    low, high = min(numbers), max(numbers)
    if logarithmic:
        first, last = floor(log10(low)), ceil(log10(high))
        return _Axis(low=10.0**first, high=10.0 ** max(last, first + 1), logarithmic=True)
    step = _step(high - low or abs(high) or 1.0)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return _Axis(low=first * step, high=max(last, first + 1) * step, logarithmic=False)


def _step(span: float) -> float:
    """A round number of which about six make the span."""
    power = 10.0 ** floor(log10(span / 6))
    return next(power * step for step in STEPS if power * step * 6 >= span * (1 - 1e-9))


def _frame(drawn: Chart, across: _Axis, up: _Axis) -> Iterator[str]:
    """Axes with their numbers, and lines across."""
    bottom = TOP + HIGH
    for tick in up.ticks():
        y = bottom - HIGH * up.part(tick)
        yield f'<path d="M{LEFT:g} {y:.1f}h{WIDE:g}" stroke="#e3e7ed"/>'
        yield f'<text class="quiet" x="{LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
    for tick in across.ticks():
        x = LEFT + WIDE * across.part(tick)
        yield f'<path d="M{x:.1f} {bottom:g}v5" stroke="{QUIET}"/>'
        yield f'<text class="quiet" x="{x:.1f}" y="{bottom + 20:g}" text-anchor="middle">{_number(tick)}</text>'
    yield f'<path d="M{LEFT:g} {TOP:g}V{bottom:g}H{LEFT + WIDE:g}" fill="none" stroke="{QUIET}"/>'
    yield f'<text x="{LEFT + WIDE / 2:g}" y="{bottom + 40:g}" text-anchor="middle">{escaped(drawn.across)}</text>'
    yield f'<text x="{LEFT:g}" y="{TOP - 10:g}" text-anchor="start">{escaped(drawn.up)}</text>'


def _number(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,g}M"
    return f"{value:,.6g}"


def _curve(series: Series, place: int, across: _Axis, up: _Axis) -> Iterator[str]:
    colour = COLOURS[place % len(COLOURS)]
    at = [(LEFT + WIDE * across.part(mark.across), TOP + HIGH * (1 - up.part(mark.up))) for mark in series.marks]
    if series.joined:
        order = sorted(at)
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in order)
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
    for (x, y), mark in zip(at, series.marks, strict=True):
        yield _ring(x, y, colour) if series.ringed else _shape(SHAPES[place % len(SHAPES)], x, y, colour)
        if mark.label and not series.ringed:
            left = x + 9 + width(mark.label, 12) > LEFT + WIDE + RIGHT
            anchor, shift = ("end", -9) if left else ("start", 9)
            yield f'<text x="{x + shift:.1f}" y="{y - 7:.1f}" text-anchor="{anchor}">{escaped(mark.label)}</text>'


def _ring(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="{colour}" stroke-width="2"/>'


def _shape(shape: str, x: float, y: float, colour: str) -> str:
    paths = {
        "square": f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z",
        "triangle": f"M{x - 5:.1f} {y + 4:.1f}h10l-5 -9z",
        "diamond": f"M{x:.1f} {y - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
        "cross": f"M{x - 5:.1f} {y - 1.5:.1f}h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z",
    }
    if shape in paths:
        return f'<path d="{paths[shape]}" fill="{colour}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" fill="{colour}"/>'


def _legend(series: Series, place: int) -> Iterator[str]:
    y, colour = TOP + HIGH + BOTTOM + 20 * place, COLOURS[place % len(COLOURS)]
    if series.ringed:
        yield _ring(LEFT + 6, y - 4, colour)
    else:
        yield _shape(SHAPES[place % len(SHAPES)], LEFT + 6, y - 4, colour)
    yield f'<text x="{LEFT + 22:g}" y="{y:g}">{escaped(series.name)}</text>'
