"""Every error code: its title, and what `ppc explain CODE` says about it.

1xx language   2xx names and shapes   3xx numbers and ranges   4xx who may see what
5xx files and machines   6xx import from other systems
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A title for the heading and a paragraph for the reader who wants to know more."""

    title: str
    explanation: str


def _codes(**rows: tuple[str, str]) -> dict[str, Code]:
    return {name: Code(title, " ".join(text.split())) for name, (title, text) in rows.items()}


_LANGUAGE = _codes(
    PPC101=(
        "syntax",
        "The text does not follow the grammar at this place. The message says what was found and what could stand there; grammar/README.md shows every form with an example.",
    ),
    PPC102=(
        "unknown character",
        "This character has no meaning in the language. Comments start with `#`, names are letters, digits and `_`.",
    ),
    PPC103=("unfinished", "The text ends inside a block or a bracket. Every `{`, `(` and `[` needs its partner."),
)
_SHAPES = _codes()

_RANGES = _codes()

_FLOW = _codes()

_FILES = _codes(
    PPC501=(
        "file not readable",
        "The file is missing, may not be read, or ended before it should have. Check the path and its rights.",
    ),
)

_IMPORTS = _codes()

CODES: dict[str, Code] = {**_LANGUAGE, **_SHAPES, **_RANGES, **_FLOW, **_FILES, **_IMPORTS}
