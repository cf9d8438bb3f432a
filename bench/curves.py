"""Curves as an SVG picture: accuracy over rounds, one line a case. Nothing but text is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 360, 56, 40, 170, 44
COLOURS = ("#1b1b1b", "#0b6e99", "#2e8b57", "#c77700", "#b3261e", "#7a4fbf", "#6b6b6b", "#a0522d", "#008b8b")


def picture(
    title: str,
    across: str,
    curves: Mapping[str, Sequence[float]],
    *,
    marks: Sequence[str] = (),
    faint: Sequence[Sequence[float]] = (),
) -> str:
    """Values from 0 to 1 at 1, 2, 3 … across, or at places with these marks; faint curves lie behind, without names."""
    most = max(len(values) for values in curves.values())
    drawn = list(_frame(title, across, marks or [str(place) for place in range(1, most + 1)]))
    drawn += [f'<polyline fill="none" stroke="#bbb" points="{_points(values, most)}"/>' for values in faint]
    for (name, values), colour, row in zip(curves.items(), COLOURS, range(len(curves)), strict=False):
        line = TOP + 14 + 20 * row
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.8" points="{_points(values, most)}"/>')
        drawn.append(f'<path d="M{WIDTH - RIGHT + 12},{line - 4}h20" stroke="{colour}" stroke-width="3"/>')
        drawn.append(_text(WIDTH - RIGHT + 38, line, f"{name}  {values[-1]:.3f}", "start"))
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join((head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *drawn, "</svg>\n"))


def _points(values: Sequence[float], most: int) -> str:
    return " ".join(f"{_x(place, most):.1f},{_y(value):.1f}" for place, value in enumerate(values, 1))


def _frame(title: str, across: str, marks: Sequence[str]) -> list[str]:
    found = [_text(LEFT, 22, title, "start"), _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across, "middle")]
    for tenth in range(0, 11, 2):
        found.append(f'<path d="M{LEFT},{_y(tenth / 10):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        found.append(_text(LEFT - 8, _y(tenth / 10) + 4, f"{tenth / 10:.1f}", "end"))
    step, under = max(1, len(marks) // 8), HEIGHT - BOTTOM + 18
    for place, mark in list(enumerate(marks, 1))[::step]:
        found.append(_text(_x(place, len(marks)), under, mark, "middle"))
    return found


def _x(place: int, most: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (place - 1) / max(1, most - 1)


def _y(value: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{escape(words)}</text>'
