"""How a product is made of the machine's multiplications: limb plans, one for each field and multiplier.

Called by the arithmetic and the product kernels. Knows numbers only.

p = 2^n - 1, so multiplying by 2^s rotates the n bits of an element: a limb of the left factor that starts at
bit s may be multiplied with the right factor rotated by s, and all its terms then share accumulators. For
mersenne61 on a 52-bit multiplier that gives five multiply-adds a product, in three accumulators.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from ppc.field import Field

WORD = 1 << 64


@dataclass(frozen=True)
class Slice:
    """Bits start, start+1, … of an element, `width` of them, wrapping from the last bit to the first."""

    start: int
    width: int


@dataclass(frozen=True)
class Limb:
    """A sum of slices, small enough for the multiplier."""

    slices: tuple[Slice, ...]

    @property
    def bound(self) -> int:
        return sum((1 << part.width) - 1 for part in self.slices)


@dataclass(frozen=True)
class Term:
    """One multiply-add: which limbs, which part of their product ("low" 52, "high" 52 or "full"), added where."""

    left: int
    right: int
    part: str
    accumulator: int


@dataclass(frozen=True)
class Sum:
    """Accumulators added and subtracted, worth 2^weight each."""

    weight: int
    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A product modulo 2^n - 1: limbs of both factors, multiply-adds, and what the accumulators are worth."""

    left: tuple[Limb, ...]
    right: tuple[Limb, ...]
    terms: tuple[Term, ...]
    sums: tuple[Sum, ...]
    capacity: int  # an accumulator holds numbers below this

    @property
    def accumulators(self) -> int:
        return 1 + max(term.accumulator for term in self.terms)

    @property
    def growth(self) -> tuple[int, ...]:
        """The most that one product adds to each accumulator."""
        grown = [0] * self.accumulators
        for term in self.terms:
            product = self.left[term.left].bound * self.right[term.right].bound
            grown[term.accumulator] += {
                "low": min(product, 2**52 - 1),
                "high": product >> 52,
                "full": product,
            }[term.part]
        return tuple(grown)

    @property
    def steps(self) -> int:
        """How many products fit before the accumulators must be reduced."""
        growth = self.growth
        heaviest = max(
            (sum(growth[i] for i in part.plus) + 2 * sum(growth[i] for i in part.minus) for part in self.sums),
            default=0,
        )
        return (self.capacity - 1) // max(*growth, heaviest)


def _cut(width: int, sizes: Iterable[int]) -> list[Slice]:
    """`width` bits from bit 0 on in slices of the given sizes, the last one shortened."""
    slices: list[Slice] = []
    start = 0
    for size in sizes:
        if start < width:
            slices.append(Slice(start, min(size, width - start)))
            start += size
    return slices


def _rotated(field: Field, cuts: Iterable[tuple[int, tuple[int, ...], bool]]) -> Plan:
    """A plan of left limbs, each with the sizes of the rotated right factor's limbs.

    The flag of a left limb asks for both halves of its product with the first right limb (52 bits and above).
    """
    left: list[Limb] = []
    right: dict[Limb, int] = {}
    terms: list[Term] = []
    places: dict[int, int] = {}
    offset = 0
    for width, sizes, halves in cuts:
        width = min(width, field.bits - offset)
        left.append(Limb((Slice(offset, width),)))
        for number, part in enumerate(_cut(field.bits, sizes)):
            limb = Limb((Slice((part.start - offset) % field.bits, part.width),))
            index = right.setdefault(limb, len(right))
            wanted = [("low", part.start)]
            if halves and number == 0:
                wanted.append(("high", part.start + 52))
            for half, weight in wanted:
                place = places.setdefault(weight % field.bits, len(places))
                terms.append(Term(len(left) - 1, index, half, place))
        offset += width
    sums = tuple(Sum(weight, (place,)) for weight, place in places.items())
    return Plan(tuple(left), tuple(right), tuple(terms), sums, WORD)


def _karatsuba(field: Field, size: int, parts: tuple[str, ...], capacity: int) -> Plan:
    """Limbs of `size` bits and their pairwise sums: a_i b_j + a_j b_i = (a_i + a_j)(b_i + b_j) - a_i b_i - a_j b_j.

    The subtractions wait until all products are summed, so three limbs cost six products instead of nine.
    """
    slices = _cut(field.bits, [size] * -(-field.bits // size))
    pairs = list(combinations(range(len(slices)), 2))
    limbs = [Limb((part,)) for part in slices] + [Limb((slices[i], slices[j])) for i, j in pairs]
    terms = [
        Term(index, index, part, index * len(parts) + number)
        for index in range(len(limbs))
        for number, part in enumerate(parts)
    ]
    sums: list[Sum] = []
    for number in range(len(parts)):
        for degree in range(2 * len(slices) - 1):
            plus, minus = _coefficient(degree, len(slices), pairs)
            sums.append(
                Sum(
                    (degree * size + 52 * number) % field.bits,
                    tuple(index * len(parts) + number for index in plus),
                    tuple(index * len(parts) + number for index in minus),
                )
            )
    return Plan(tuple(limbs), tuple(limbs), tuple(terms), tuple(sums), capacity)


def _coefficient(degree: int, count: int, pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Which products are added to and subtracted from the coefficient of one degree."""
    plus = [degree // 2] if degree % 2 == 0 else []
    minus: list[int] = []
    for place, (i, j) in enumerate(pairs):
        if i + j == degree:
            plus.append(count + place)
            minus += [i, j]
    return plus, minus


def _wide(field: Field) -> Plan:
    limb = Limb((Slice(0, field.bits),))
    return Plan((limb,), (limb,), (Term(0, 0, "full", 0),), (Sum(0, (0,)),), 1 << 128)


@cache
def plan(field: Field, multiplier: str) -> Plan:
    """The limb plan of a field on a multiplier: "ifma" (52-bit), "narrow" (32×32→64) or "wide" (64×64→128)."""
    if multiplier == "wide":
        return _wide(field) if field.words == 1 else _karatsuba(field, 43, ("full",), 1 << 128)
    if field.bits <= 21:
        return _rotated(field, [(field.bits, (field.bits,), False)])
    if field.bits <= 31:
        return _rotated(field, [(field.bits, (21, 21), False)])
    if multiplier == "ifma" and field.words == 1:
        return _rotated(field, [(43, (52, 9), True), (18, (31, 30), False)])
    if multiplier == "ifma":
        return _karatsuba(field, 43, ("low", "high"), WORD)
    if field.words == 1:
        return _rotated(field, [(31, (21, 21, 21), False)] * 2)
    return _rotated(field, [(26, (26,) * 5, False)] * 5)
