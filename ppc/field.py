"""The prime fields, and how real numbers live in them.

Called by the passes and the runtime. Knows numbers and numpy arrays, no protocol and no kernel.
An element is stored as one or two 64-bit words, low word first, always in its canonical form 0..p-1;
a two-word element is the last axis of its array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ppc.errors import fail

Words = NDArray[np.uint64]
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """The integers modulo the Mersenne prime 2^bits - 1."""

    name: str
    bits: int

    @property
    def modulus(self) -> int:
        return (1 << self.bits) - 1

    @property
    def words(self) -> int:
        """How many 64-bit words an element takes."""
        return -(-self.bits // 64)

    @property
    def largest(self) -> int:
        """The greatest signed number: x < 0 is stored as p + x."""
        return self.modulus >> 1

    def shape(self, *dimensions: int) -> tuple[int, ...]:
        """The shape of an array of elements: two-word elements have an axis of their own."""
        return dimensions if self.words == 1 else (*dimensions, self.words)

    def empty(self, *dimensions: int) -> Words:
        """Room for elements, not yet written."""
        return np.empty(self.shape(*dimensions), np.uint64)

    def zeros(self, *dimensions: int) -> Words:
        return np.zeros(self.shape(*dimensions), np.uint64)


MERSENNE13 = Field("mersenne13", 13)
MERSENNE31 = Field("mersenne31", 31)
MERSENNE61 = Field("mersenne61", 61)
MERSENNE127 = Field("mersenne127", 127)

FIELDS = {field.name: field for field in (MERSENNE13, MERSENNE31, MERSENNE61, MERSENNE127)}


def from_integers(values: Any, field: Field) -> Words:
    """Elements from integers of any size and sign. For public numbers and tests: Python's are not constant-time."""
    array = np.asarray(np.asarray(values, dtype=object) % field.modulus, dtype=object)
    if field.words == 1:
        return array.astype(np.uint64)
    halves = (np.asarray(array & (2**64 - 1)), np.asarray(array >> 64))
    return np.stack([half.astype(np.uint64) for half in halves], axis=-1)


def to_integers(elements: Words, field: Field) -> NDArray[np.object_]:
    """The elements as Python's integers, 0..p-1. For public numbers and tests."""
    if field.words == 1:
        return elements.astype(object)
    low, high = (elements[..., word].astype(object) for word in range(2))
    return np.asarray(low + high * 2**64, dtype=object)


def canonical(elements: Words, field: Field) -> bool:
    """Whether all are elements, 0..p-1. For what came from elsewhere."""
    if not elements.size:
        return True
    if field.words == 1:
        return int(elements.max()) < field.modulus
    return int(elements[..., 1].max()) < field.modulus >> 64 or bool(_at_most(elements, field.modulus - 1, field).all())


def within(elements: Words, low: int, high: int, field: Field) -> bool:
    """Whether all stand for signed numbers from low to high. For numbers that whoever asks may see."""
    if high - low >= field.modulus - 1:
        return True
    low, high = low % field.modulus, high % field.modulus
    above, below = ~_at_most(elements, low - 1, field), _at_most(elements, high, field)
    return bool((above & below if low <= high else above | below).all())


def _at_most(elements: Words, bound: int, field: Field) -> NDArray[np.bool_]:
    if bound < 0:
        return np.zeros(elements.shape[: elements.ndim + 1 - field.words], np.bool_)
    if field.words == 1:
        return np.asarray(elements <= np.uint64(bound))
    low, high = elements[..., 0], elements[..., 1]
    rest, top = np.uint64(bound % 2**64), np.uint64(bound >> 64)
    return np.asarray((high < top) | ((high == top) & (low <= rest)))


def encode(values: ArrayLike, field: Field, *, fraction: int, bounds: tuple[float, float] | None = None) -> Words:
    """Reals as fixed point with `fraction` binary digits, each rounded to the nearest (ties to even)."""
    reals = np.asarray(values, dtype=np.float64)
    _check_bounds(reals, bounds)
    scaled = np.rint(np.ldexp(reals, fraction))
    if not np.all(np.abs(scaled) < 2.0 ** (field.bits - 1)):
        raise fail(
            "PPC521",
            f"A value of magnitude {np.max(np.abs(reals)):g} with {fraction} fraction bits does not fit {field.name}, "
            f"which holds magnitudes below 2^{field.bits - 1 - fraction} at that fraction.",
            hint="Use fewer fraction bits, smaller bounds or a larger field.",
        )
    return np.asarray(_from_scaled(scaled, field))


def decode(elements: Words, field: Field, *, fraction: int) -> Reals:
    """The real each element stands for, rounded once to the nearest float64."""
    if field.words == 1:
        signed = elements.astype(np.int64)
        signed = np.where(signed > field.largest, signed - field.modulus, signed)
        return np.ldexp(signed.astype(np.float64), -fraction)
    low, high = elements[..., 0], elements[..., 1]
    negative = high >> np.uint64(62) != 0
    flip = np.where(negative, np.uint64(2**64 - 1), np.uint64(0))
    magnitude, exponent = _leading_bits(low ^ flip, (high ^ flip) & np.uint64(2**63 - 1))
    reals = np.ldexp(magnitude.astype(np.float64), exponent - fraction)
    return np.where(negative, -reals, reals)


def _check_bounds(reals: Reals, bounds: tuple[float, float] | None) -> None:
    lowest, highest = bounds if bounds else (-np.inf, np.inf)
    outside = ~((reals >= lowest) & (reals <= highest)) | ~np.isfinite(reals)
    if outside.any():
        where = tuple(int(axis[0]) for axis in np.nonzero(outside)) if reals.ndim else ()
        raise fail(
            "PPC520",
            f"{int(outside.sum())} of {reals.size} values are not in {lowest:g}..{highest:g}; the first one is at "
            f"index {where}.",
            hint="Bounds are part of the program: scale the data, or write wider bounds.",
        )


def _from_scaled(scaled: Reals, field: Field) -> Words:
    """Whole numbers as elements. p - x flips every bit of x, because p is all ones."""
    magnitude = np.abs(scaled)
    flip = np.where(scaled < 0, np.uint64(2**64 - 1), np.uint64(0))
    if field.words == 1:
        return (magnitude.astype(np.uint64) ^ flip) & np.uint64(field.modulus)
    high = np.floor(np.ldexp(magnitude, -64))
    low = magnitude - np.ldexp(high, 64)
    words = np.stack([low.astype(np.uint64) ^ flip, high.astype(np.uint64) ^ flip], axis=-1)
    return words & np.array([2**64 - 1, 2 ** (field.bits - 64) - 1], np.uint64)


def _leading_bits(low: Words, high: Words) -> tuple[Words, NDArray[np.int32]]:
    """The top 64 bits of a two-word number, what is below kept as a sticky last bit, and their exponent.

    64 bits with a sticky bit round to float64's 53 as the whole number would.
    """
    exponent = np.where(high == 0, 0, 64).astype(np.int32)
    top, rest = np.where(high == 0, low, high), np.where(high == 0, np.uint64(0), low)
    for step in (32, 16, 8, 4, 2, 1):
        shift = np.where(top >> np.uint64(64 - step) == 0, np.uint64(step), np.uint64(0))
        top = (top << shift) | np.where(shift == 0, np.uint64(0), rest >> (np.uint64(64) - shift) % np.uint64(64))
        rest = rest << shift
        exponent = exponent - shift.astype(np.int32)
    return top | (rest != 0).astype(np.uint64), exponent
