"""Small expressions over field elements and bits, which become one pass over memory.

Called by whoever describes an element-wise kernel. Knows operations, no arrays and no machine.

    x, y = operand(0), operand(1)
    truncated = (x >> 16) - y + select(x.below(1 << 60), operand(2) * 2**45, 0)
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import SupportsIndex

from ppc.errors import fail


@dataclass(frozen=True, eq=False)
class Expression:
    """A field element. Sums, differences and products are modulo p; `>>`, `low`, `below` and `bit` are of 0..p-1."""

    operation: str
    arguments: tuple[Expression | Bit, ...] = ()
    number: int = 0

    __array_ufunc__ = None  # numpy's numbers leave the operation to this class

    def __add__(self, other: Expression | int) -> Expression:
        return Expression("add", (self, _element(other)))

    def __radd__(self, other: int) -> Expression:
        return Expression("add", (_element(other), self))

    def __sub__(self, other: Expression | int) -> Expression:
        return Expression("subtract", (self, _element(other)))

    def __rsub__(self, other: int) -> Expression:
        return Expression("subtract", (_element(other), self))

    def __neg__(self) -> Expression:
        return 0 - self

    def __mul__(self, other: Expression | int) -> Expression:
        return Expression("multiply", (self, _element(other)))

    def __rmul__(self, other: int) -> Expression:
        return Expression("multiply", (self, _element(other)))

    def __rshift__(self, count: int) -> Expression:
        return Expression("shift", (self,), _natural(count, "shift"))

    def low(self, count: int) -> Expression:
        """The `count` lowest bits."""
        return Expression("low", (self,), _natural(count, "number of low bits"))

    def below(self, limit: int) -> Bit:
        """Whether it is less than a public constant."""
        return Bit("below", (self,), _natural(limit, "limit"))

    def bit(self, index: int) -> Bit:
        return Bit("bit", (self,), _natural(index, "bit"))


@dataclass(frozen=True, eq=False)
class Bit:
    """A truth value for each element; in memory, 64 to a word."""

    operation: str
    arguments: tuple[Expression | Bit, ...] = ()
    number: int = 0

    def __and__(self, other: Bit) -> Bit:
        return Bit("and", (self, _bit(other)))

    def __or__(self, other: Bit) -> Bit:
        return Bit("or", (self, _bit(other)))

    def __xor__(self, other: Bit) -> Bit:
        return Bit("xor", (self, _bit(other)))

    def __invert__(self) -> Bit:
        return Bit("not", (self,))


def operand(index: int) -> Expression:
    """The element of the index-th array."""
    return Expression("operand", (), _natural(index, "operand"))


def constant(value: int) -> Expression:
    """A public number, compiled into the kernel."""
    return Expression("constant", (), _whole(value, "constant"))


def packed(index: int) -> Bit:
    """The bit of the index-th array of packed bits."""
    return Bit("packed", (), _natural(index, "packed operand"))


def select(condition: Bit, yes: Expression | int, no: Expression | int) -> Expression:
    """One of two elements, by a bit. Both are computed: the choice is a mask."""
    return Expression("select", (_bit(condition), _element(yes), _element(no)))


def horner(x: Expression, coefficients: Sequence[Expression | int]) -> Expression:
    """Σ coefficients[i] · x^i"""
    if not coefficients:
        raise fail("PPC525", "A polynomial has no coefficients.", hint="The constant 0 is one.")
    total = _element(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def _element(value: Expression | int) -> Expression:
    return value if isinstance(value, Expression) else constant(value)


def _bit(value: object) -> Bit:
    if not isinstance(value, Bit):
        raise fail("PPC525", f"{value!r} is not a bit.", hint="Bits are packed(i), below(limit), bit(index).")
    return value


def _whole(value: SupportsIndex, what: str) -> int:
    """Python's and numpy's whole numbers; not the others."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise fail("PPC525", f"There is no {what} {value!r}.", hint="It is a whole number.") from error


def _natural(value: SupportsIndex, what: str) -> int:
    number = _whole(value, what)
    if number < 0:
        raise fail("PPC525", f"There is no {what} {number}.", hint="It counts from 0.")
    return number


@dataclass(frozen=True)
class Step:
    """One operation on earlier steps."""

    operation: str
    arguments: tuple[int, ...]
    number: int


@dataclass(frozen=True)
class Program:
    """Expressions as a list of steps without repetition: what a kernel is known by."""

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    is_bit: tuple[bool, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Kept, because a program is looked up on every call."""
        return hash((self.steps, self.outputs, self.is_bit))

    def count(self, operation: str) -> int:
        """How many operands ("operand" or "packed") there must be."""
        return 1 + max((step.number for step in self.steps if step.operation == operation), default=-1)

    def results(self, bits: bool) -> tuple[int, ...]:
        """Which outputs are bits, or which are elements."""
        return tuple(index for index, kind in enumerate(self.is_bit) if kind == bits)


def program(outputs: Sequence[Expression | Bit]) -> Program:
    """The steps of all outputs. What two of them share is computed once."""
    steps: dict[Step, int] = {}
    known: dict[int, int] = {}
    for output in outputs:
        _number(output, steps, known)
    return Program(
        tuple(steps),
        tuple(known[id(output)] for output in outputs),
        tuple(isinstance(output, Bit) for output in outputs),
    )


def _number(root: Expression | Bit, steps: dict[Step, int], known: dict[int, int]) -> None:
    """Number a tree's nodes, arguments first, without recursion: expressions may be deep."""
    waiting: list[Expression | Bit] = [root]
    while waiting:
        node = waiting[-1]
        missing = [argument for argument in node.arguments if id(argument) not in known]
        if missing:
            waiting += reversed(missing)
            continue
        waiting.pop()
        step = Step(node.operation, tuple(known[id(argument)] for argument in node.arguments), node.number)
        known[id(node)] = steps.setdefault(step, len(steps))
