"""What is known of a value before any run: shape, element, bounds, and who may see it.

Every pass reads these; `infer_shapes` and `place` write them. Knows nothing of ops.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal, get_args

Element = Literal["real", "index"]
ELEMENTS: tuple[str, ...] = get_args(Element)


@dataclass(frozen=True, slots=True)
class Interval:
    """All reals from `low` to `high`. The arithmetic is that of sets: it may widen, never lose."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low!r}..{self.high!r}"

    @property
    def magnitude(self) -> float:
        return max(abs(self.low), abs(self.high))

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Interval) -> Interval:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(ends), max(ends))

    def __or__(self, other: Interval) -> Interval:
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def scaled(self, factor: float) -> Interval:
        return self * Interval(factor, factor)


ZERO = Interval(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may see a value. Secrets meet in an op: its result may be seen by those who may see all of them."""

    parties: frozenset[str] = frozenset()
    everyone: bool = False

    def __str__(self) -> str:
        if self.everyone:
            return "all"
        return "+".join(sorted(self.parties)) or "nobody"

    def allows(self, party: str) -> bool:
        return self.everyone or party in self.parties

    def __and__(self, other: Readers) -> Readers:
        if self.everyone:
            return other
        return self if other.everyone else Readers(self.parties & other.parties)

    def __or__(self, other: Readers) -> Readers:
        return Readers(self.parties | other.parties, self.everyone or other.everyone)


EVERYONE = Readers(everyone=True)
NOBODY = Readers()


def only(*parties: str) -> Readers:
    """Readers made of just these parties."""
    return Readers(frozenset(parties))


def common_readers(readers: Iterable[Readers]) -> Readers:
    """Those who may see every one of the values; everyone, where there is none."""
    return reduce(Readers.__and__, readers, EVERYONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A value's type. `shape` starts with the batch for everything that depends on an example."""

    shape: tuple[int, ...]
    element: Element = "real"
    bounds: Interval | None = None
    readers: Readers | None = None

    def __str__(self) -> str:
        text = f"{self.element}[{', '.join(map(str, self.shape))}]"
        text += f" in {self.bounds}" if self.bounds else ""
        return text + (f" for {self.readers}" if self.readers else "")

    @property
    def size(self) -> int:
        return reduce(int.__mul__, self.shape, 1)

    def seen_by(self, readers: Readers) -> Type:
        return replace(self, readers=readers)


def example_shape(type_: Type) -> str:
    """The type as a user wrote it: without the batch."""
    return f"{type_.element}[{', '.join(map(str, type_.shape[1:]))}]"
