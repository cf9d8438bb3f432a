"""Units that a number may carry, and what they multiply it by."""

from __future__ import annotations

PLAIN = ("", "k", "M", "G", "%")  # of a number without a dimension
TIMES = ("us", "ms", "s")

UNITS: dict[str, float] = {
    "": 1.0,
    "%": 0.01,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}
