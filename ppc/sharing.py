"""Additive shares of integers among K parties, in the field of 2^61 - 1. Knows the field; trainers of many use it.

K - 1 shares are drawn uniformly, the last one is what is missing from the value: any K - 1 of them are uniform and
independent of it (Shamir 1979 with threshold K). Sums of shares are shares of the sum.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ppc.field import MERSENNE61, Words

MODULUS = MERSENNE61.modulus
ELEMENT_BYTES = 8


def centred(element: int) -> int:
    """The signed number that an element stands for."""
    return element - MODULUS if element > MERSENNE61.largest else element


def uniform(count: int) -> Words:
    """Elements from the operating system's generator; a draw that is no element (2^61 - 1 itself) is drawn again."""
    found = np.frombuffer(secrets.token_bytes(8 * count), np.uint64) & np.uint64(MODULUS)
    while bool((refused := found == MODULUS).any()):
        again = np.frombuffer(secrets.token_bytes(8 * int(refused.sum())), np.uint64)
        found[refused] = again & np.uint64(MODULUS)
    return found


def shares(values: NDArray[np.int64], parties: int) -> list[Words]:
    """A share for each party, of every value."""
    drawn = [uniform(values.size).reshape(values.shape) for _ in range(parties - 1)]
    elements = np.mod(values, MODULUS).astype(np.uint64)
    return [*drawn, minus(elements, total(drawn))] if drawn else [elements]


def total(parts: Sequence[Words]) -> Words:
    """The sum in the field; two elements never overflow 64 bits."""
    found = np.zeros_like(parts[0])
    for part in parts:
        found = (found + part) % np.uint64(MODULUS)
    return found


def minus(left: Words, right: Words) -> Words:
    return (left + (np.uint64(MODULUS) - right)) % np.uint64(MODULUS)


def signed(elements: Words) -> NDArray[np.int64]:
    """The signed numbers that elements stand for."""
    numbers = elements.astype(np.int64)
    return np.where(numbers > MERSENNE61.largest, numbers - MODULUS, numbers)
