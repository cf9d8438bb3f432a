"""Element-wise values that are not stored yet: expressions over stored arrays, evaluated in one pass when needed.

Called by every rule of the parties and the dealer. None stands for zero everywhere: the peer's share of what one party
knows in full. Knows fields and kernels, no protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ppc.errors import InternalError
from ppc.field import Field, Words
from ppc.runtime.kernels import Bit, Expression, Workbench, operand, packed

Shape = tuple[int, ...]


class Leaves:
    """The arrays that an expression reads, each once."""

    def __init__(self) -> None:
        self.arrays: list[Words] = []
        self.packed: list[Words] = []

    def element(self, value: Array) -> Expression:
        if isinstance(value, Lazy):
            return value.build(self)
        return operand(_place(self.arrays, value))

    def bit(self, plane: Words) -> Bit:
        return packed(_place(self.packed, plane))


def _place(arrays: list[Words], array: Words) -> int:
    """Where it stands; views of the same memory in the same layout are one."""
    for place, known in enumerate(arrays):
        if known is array or _layout(known) == _layout(array):
            return place
    arrays.append(array)
    return len(arrays) - 1


def _layout(array: Words) -> tuple[int, Shape, Shape]:
    return array.__array_interface__["data"][0], array.shape, array.strides


@dataclass(frozen=True, eq=False, repr=False)
class Lazy:
    """A value of `shape` whose elements are an expression over `Leaves`."""

    shape: Shape
    build: Callable[[Leaves], Expression]


Array = Words | Lazy


class Local:
    """One machine's arithmetic on arrays of elements."""

    def __init__(self, field: Field, *, threads: int = 1, variant: str | None = None) -> None:
        self.field = field
        self.bench = Workbench(field, threads=threads, variant=variant)

    def shape(self, value: Array) -> Shape:
        """The shape in elements."""
        if isinstance(value, Lazy) or self.field.words == 1:
            return value.shape
        return value.shape[:-1]

    def reshaped(self, array: Words, shape: Shape) -> Words:
        return array.reshape(self.field.shape(*shape))

    def store(self, value: Array, out: Words | None = None) -> Words:
        """The value as an array: itself, if it is stored and has no other place to be."""
        if isinstance(value, Lazy):
            target = self.field.empty(*value.shape) if out is None else out
            self.evaluate([value], [target])
            return target
        if out is None:
            return value
        out[...] = value
        return out

    def stored(self, value: Array | None) -> Words | None:
        return None if value is None else self.store(value)

    def zeros(self, shape: Shape) -> Words:
        return self.field.zeros(*shape)

    def evaluate(self, values: Sequence[Lazy], outs: Sequence[Words]) -> None:
        """Several values of one shape in one pass."""
        leaves = Leaves()
        expressions = [value.build(leaves) for value in values]
        self.run(expressions, leaves, outs, values[0].shape)

    def run(
        self,
        expressions: Sequence[Expression | Bit],
        leaves: Leaves,
        outs: Sequence[Words],
        shape: Shape,
        bit_outs: Sequence[Words] = (),
    ) -> None:
        """Beside packed bits all arrays are walked as one axis."""
        arrays = leaves.arrays
        if not arrays:
            raise InternalError("an expression reads no array", place="lazy")
        if leaves.packed or bit_outs:
            arrays = [self.flat(array, shape) for array in arrays]
            outs = [self.reshaped(out, (prod(shape),)) for out in outs]
        self.bench.evaluate(expressions, arrays, outs, packed=leaves.packed, bit_outs=bit_outs)

    def flat(self, array: Words, shape: Shape) -> Words:
        """All elements in one row, repeated where the array is smaller than the shape; one number stays one."""
        whole = self.field.shape(*shape)
        if array.size == self.field.words:
            return array.reshape(self.field.shape(1))
        if array.size != prod(whole):
            array = np.broadcast_to(array, whole)
        return np.ascontiguousarray(array).reshape(self.field.shape(prod(shape)))


def add(shape: Shape, left: Array | None, right: Array | None) -> Array | None:
    if left is None or right is None:
        return right if left is None else left
    return Lazy(shape, lambda leaves: leaves.element(left) + leaves.element(right))


def subtract(shape: Shape, left: Array | None, right: Array | None) -> Array | None:
    if right is None:
        return left
    if left is None:
        return Lazy(shape, lambda leaves: -leaves.element(right))
    return Lazy(shape, lambda leaves: leaves.element(left) - leaves.element(right))
