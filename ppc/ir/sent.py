"""How real numbers cross in the clear, and how many bytes that takes.

float64   eight bytes; where nothing else is said
float32   four
byte      one, between the smallest and the largest number of its example, which go before as float32
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Sent = Literal["float32", "byte"]  # what a program may say
ENDS = 8  # bytes of the smallest and the largest number of an example
SIZES: Mapping[str, int] = {"float64": 8, "float32": 4, "byte": 1}


def message_bytes(count: int, kind: str, examples: int = 1) -> int:
    """Of so many numbers in all, in whole words of eight."""
    ends = ENDS * examples if kind == "byte" else 0
    return -(-(ends + SIZES[kind] * count) // 8) * 8
