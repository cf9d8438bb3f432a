"""Field elements for tests: random and extreme ones, and Python's integers as the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.field import FIELDS, MERSENNE61, MERSENNE127, Field, Words, from_integers, to_integers
from ppc.runtime.kernels.library import runnable

Integers = NDArray[np.object_]

ALL_FIELDS = list(FIELDS.values())
LARGE_FIELDS = [MERSENNE61, MERSENNE127]
COMPILED = [variant.name for variant in runnable()]
EVERYWHERE = [*COMPILED, "slow"]


def elements(field: Field, shape: tuple[int, ...], seed: int, *, extreme: float = 0.5) -> Words:
    """Uniform elements, some of them replaced by 0, 1, 2, p-2, p-1 and numbers next to powers of two."""
    generator = np.random.default_rng(seed)
    words = generator.integers(0, 2**64, field.shape(*shape), dtype=np.uint64)
    masks = [field.modulus >> 64 * word & (2**64 - 1) for word in range(field.words)]
    words &= np.array(masks, np.uint64) if field.words > 1 else np.uint64(masks[0])
    special = from_integers(_special(field), field)
    chosen = special[generator.integers(0, len(special), shape)]
    where = generator.random(shape) < extreme
    result = np.where(where[..., None] if field.words > 1 else where, chosen, words)
    return from_integers(to_integers(result, field), field)


def _special(field: Field) -> list[int]:
    near = [2**bit + step for bit in range(field.bits) for step in (-1, 0)]
    return [0, 1, 2, field.modulus - 2, field.modulus - 1, *near, *[0, field.modulus - 1] * field.bits]


def filled(field: Field, shape: tuple[int, ...], value: int) -> Words:
    """The same element everywhere."""
    return from_integers(np.full(shape, value, dtype=object), field)


def integers(array: Words, field: Field) -> Integers:
    return to_integers(array, field)


def same(array: Words, expected: Any, field: Field) -> bool:
    """Bit for bit: the array holds the canonical representatives of these integers."""
    wanted = from_integers(expected, field)
    return array.shape == wanted.shape and bool(np.array_equal(array, wanted))


def spread(field: Field, array: Words, axes: tuple[int, ...], gaps: int) -> Words:
    """The same elements in another layout: axes in another order in memory, and gaps between neighbours."""
    count = len(axes)
    order = [*axes, *range(count, array.ndim)]
    moved = np.transpose(array, order)
    room = np.full([*(n * gaps for n in moved.shape[:count]), *moved.shape[count:]], 2**63, np.uint64)
    view = room[tuple(slice(None, None, gaps) for _ in axes)]
    view[...] = moved
    return np.transpose(view, np.argsort(order))


def packed_bits(bits: NDArray[np.bool_]) -> Words:
    """Bits as words, the first one lowest."""
    padded = np.zeros(-(-bits.size // 64) * 64, np.uint8)
    padded[: bits.size] = bits
    return np.packbits(padded, bitorder="little").view(np.uint64)


def unpacked_bits(words: Words, count: int) -> NDArray[np.bool_]:
    return np.unpackbits(words.view(np.uint8), bitorder="little")[:count].astype(bool)


Operation = Callable[..., Any]
