"""The arithmetic's operations on numpy arrays: the slow path, for machines without llvmlite.

Called by the slow path and by tests. Like the kernels it has no branch and no index that depends on a value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppc.field import Words


class ArrayOperations:
    """64-bit numbers in arrays; a multiplication is 32×32→64."""

    def constant(self, value: int) -> Words:
        return np.asarray(value % (1 << 64), dtype=np.uint64)

    def accumulator(self, value: int) -> Words:
        return self.constant(value)

    def add(self, left: Words, right: Words) -> Words:
        return np.add(left, right)

    def subtract(self, left: Words, right: Words) -> Words:
        return np.subtract(left, right)

    def both(self, left: Words, right: Words) -> Words:
        return np.bitwise_and(left, right)

    def either(self, left: Words, right: Words) -> Words:
        return np.bitwise_or(left, right)

    def differ(self, left: Words, right: Words) -> Words:
        return np.bitwise_xor(left, right)

    def shift_left(self, value: Words, count: int) -> Words:
        return np.left_shift(value, np.uint64(count))

    def shift_right(self, value: Words, count: int) -> Words:
        return np.right_shift(value, np.uint64(count))

    def reduce_once(self, value: Words, modulus: int) -> Words:
        with np.errstate(over="ignore"):
            return np.minimum(value, np.subtract(value, np.uint64(modulus)))

    def zero_where_all_ones(self, digits: Sequence[Words], masks: Sequence[int]) -> list[Words]:
        full = np.uint64(1)
        for digit, mask in zip(digits, masks, strict=True):
            full = np.bitwise_and(full, self.shift_right(np.add(digit, np.uint64(1)), mask.bit_length()))
        with np.errstate(over="ignore"):
            keep = np.subtract(full, np.uint64(1))
        return [np.bitwise_and(digit, keep) for digit in digits]

    def multiply_add(self, total: Words, left: Words, right: Words, part: str) -> Words:
        assert part == "low", part
        return np.add(total, np.multiply(left, right))

    def halves(self, total: Words, bound: int) -> list[tuple[Words, int, int]]:
        return [(total, bound, 0)]
