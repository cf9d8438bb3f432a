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


CODES: dict[str, Code] = {
    "PPC501": Code(
        "file not readable",
        "The file is missing, may not be read, or ended before it should have. Check the path and its rights.",
    ),
}
