"""Source text and places in it.

Everything that points into a program does it with a `Span`. Knows nothing of the other rooms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of source: lines and columns count from 1, the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}-{self.end_line}:{self.end_column}"

    def to(self, last: Span) -> Span:
        """The stretch from the start of this one to the end of `last`."""
        return Span(self.line, self.column, last.end_line, last.end_column)


START = Span(1, 1, 1, 1)


@dataclass(frozen=True)
class Source:
    """A program's text and the name by which its user knows it."""

    name: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.split("\n"))

    def line(self, number: int) -> str:
        """The text of a line; empty beyond the end, so that an error at the end can be drawn."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""
