"""How wide a text can get, and what of it may be written into XML.

The picture is laid out without knowing the reader's font: widths are those of DejaVu Sans, the widest in use.
"""

from __future__ import annotations

import html
import re

NARROW = frozenset("iljI|.,:;'!` ()[]{}f")
WIDE = frozenset("mwMW@%—…")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """An upper estimate, in the unit of `size`."""
    ems = sum(_ems(character) for character in text)
    return ems * size * (1.1 if bold else 1.0)


def _ems(character: str) -> float:
    if character in NARROW:
        return 0.42
    if character in WIDE or not character.isascii():
        return 1.0
    return 0.75 if character.isupper() else 0.645


def shortened(text: str, most: int = 48) -> str:
    """The text, cut in the middle where it is too long to be read at a glance."""
    if len(text) <= most:
        return text
    kept = most - 1
    return f"{text[: kept - kept // 3]}…{text[len(text) - kept // 3 :]}"


def escaped(text: str) -> str:
    """The text as XML content or attribute; characters that XML cannot hold become a mark."""
    return html.escape(_NOT_XML.sub("\ufffd", text), quote=True)
