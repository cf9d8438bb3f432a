"""What a row of the tables of codes is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A title for the heading, and a paragraph for the reader who wants to know more."""

    title: str
    explanation: str


def codes(**rows: tuple[str, str]) -> dict[str, Code]:
    """A table from `PPC101=(title, paragraph)`; line breaks of the paragraph are those of this file only."""
    return {name: Code(title, " ".join(text.split())) for name, (title, text) in rows.items()}
