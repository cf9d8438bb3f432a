"""What one party holds of a value, by its form (see `ppc.plan.wires`). None of these shows its content.

A clear value is an array of reals or of elements at its owner and None at the peer; a public one is that at both; a
shared one is an array of elements, an expression, or None for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ppc.field import Words
from ppc.runtime.lazy import Array

Reals = NDArray[Any]  # of floats, or of whole numbers where a label is an index


class Held:
    """A value whose content stays out of every log."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()}>"


@dataclass(frozen=True, eq=False, repr=False)
class Masked(Held):
    """e = v + λ, and this party's share of λ."""

    opened: Words
    mask: Array | None


@dataclass(frozen=True, eq=False, repr=False)
class Truncated(Held):
    """The opened value and shares of R and ρ: (e + offset) >> shift - R + u·2^(n-shift)·ρ - (offset >> shift)."""

    opened: Words
    upper: Words
    reached: Words
    shift: int
    offset: int


@dataclass(frozen=True, eq=False, repr=False)
class Digits(Held):
    """Opened planes of bits, [thresholds, planes, words], and shares of their one-time bits."""

    opened: Words
    own: Words
    digits: int
    top: Words  # this party's share of bit K of the difference without its borrow, [thresholds, words]


@dataclass(frozen=True, eq=False, repr=False)
class Bits(Held):
    """Opened planes c = d ⊕ λ_d, [thresholds, words], and shares of λ_d as numbers, [thresholds, …]."""

    opened: Words
    number: Words


Value = Reals | Array | Masked | Truncated | Digits | Bits | None
