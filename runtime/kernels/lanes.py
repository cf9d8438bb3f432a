"""The arithmetic's operations as LLVM instructions on vectors (or, with one lane, on scalars).

Called by the kernel generators. Knows the variants' multiplications, no field.
"""

from __future__ import annotations

from collections.abc import Sequence

from ppc.runtime.kernels.emit import Function, Value, constant, vector_type
from ppc.runtime.kernels.limbs import WORD


class LaneOperations:
    """64-bit numbers in `lanes` lanes of one function under construction."""

    def __init__(self, function: Function, lanes: int, multiplier: str) -> None:
        self.function = function
        self.lanes = lanes
        self.multiplier = multiplier
        self.type = vector_type(lanes)
        self._total_type = vector_type(lanes, "i128") if multiplier == "wide" else self.type

    def constant(self, value: int) -> Value:
        return constant(value, self.type)

    def accumulator(self, value: int) -> Value:
        return constant(value, self._total_type)

    def add(self, left: Value, right: Value) -> Value:
        return self.function.add(left, right)

    def subtract(self, left: Value, right: Value) -> Value:
        return self.function.subtract(left, right)

    def both(self, left: Value, right: Value) -> Value:
        return self.function.both(left, right)

    def either(self, left: Value, right: Value) -> Value:
        return self.function.either(left, right)

    def differ(self, left: Value, right: Value) -> Value:
        return self.function.differ(left, right)

    def shift_left(self, value: Value, count: int) -> Value:
        return self.function.shift("shl", value, count)

    def shift_right(self, value: Value, count: int) -> Value:
        return self.function.shift("lshr", value, count)

    def reduce_once(self, value: Value, modulus: int) -> Value:
        less = self.function.subtract(value, self.constant(modulus))
        if self.multiplier == "ifma" and self.lanes > 1:
            return self.function.call(f"@llvm.umin.v{self.lanes}i64", self.type, [value, less])
        borrow = self.function.shift("ashr", less, 63)
        return self.function.add(less, self.function.both(borrow, self.constant(modulus)))

    def zero_where_all_ones(self, digits: Sequence[Value], masks: Sequence[int]) -> list[Value]:
        """1 is added to each digit: only if all of them overflow is the number all ones."""
        full = None
        for digit, mask in zip(digits, masks, strict=True):
            over = self.shift_right(self.add(digit, self.constant(1)), mask.bit_length())
            full = over if full is None else self.both(full, over)
        assert full is not None
        keep = self.subtract(full, self.constant(1))
        return [self.both(digit, keep) for digit in digits]

    def multiply_add(self, total: Value, left: Value, right: Value, part: str) -> Value:
        if part == "full":
            wide = [self.function.convert("zext", factor, self._total_type) for factor in (left, right)]
            return self.function.add(total, self.function.multiply(*wide))
        if self.multiplier == "ifma":
            name = f"@llvm.x86.avx512.vpmadd52{part[0]}.uq.512"
            return self.function.call(name, self.type, [total, left, right])
        narrow = [self.both(factor, self.constant(2**32 - 1)) for factor in (left, right)]
        return self.add(total, self.function.multiply(*narrow))

    def halves(self, total: Value, bound: int) -> list[tuple[Value, int, int]]:
        if self.multiplier != "wide":
            return [(total, bound, 0)]
        low = self.function.convert("trunc", total, self.type)
        if bound < WORD:
            return [(low, bound, 0)]
        high = self.function.convert("trunc", self.function.shift("lshr", total, 64), self.type)
        return [(low, WORD - 1, 0), (high, bound >> 64, 64)]
