"""Plain tables: words to the left, numbers to the right, and numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite

NOTHING = "-"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, words: int, indent: int = 0) -> list[str]:
    """The lines of a table whose first `words` columns are words."""
    cells = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    return [" " * indent + _line(row, widths, words) for row in cells]


def _line(row: Sequence[str], widths: Sequence[int], words: int) -> str:
    cells = zip(row, widths, strict=True)
    return "  ".join(
        cell.ljust(width) if column < words else cell.rjust(width) for column, (cell, width) in enumerate(cells)
    ).rstrip()


def count(number: int) -> str:
    return f"{number:,}" if number else NOTHING


def size(count: int) -> str:
    """MB = 10^6 bytes; a smaller size in bytes."""
    return f"{count / 1e6:,.3f} MB" if count >= 1_000_000 else f"{count:,} B"


def real(number: float | None) -> str:
    if number is None:
        return NOTHING
    return "not bounded" if number == inf else f"{number:.2g}"


def seconds(number: float) -> str:
    if not isfinite(number):
        return NOTHING
    return f"{number * 1e3:,.1f} ms" if number < 10 else f"{number:,.1f} s"


def spans(numbers: Sequence[int]) -> str:
    """As in `1-3, 6`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found) or NOTHING
