"""How digits become one bit: ⊕_j less_j · Π_{i>j} equal_i of bits that are opened under one-time bits (section 5).

The opened bit o is less + a or equal + b with one-time bits a and b. A product of such bits is a sum of products of
one-time bits, which the dealer shares, with public factors; so the combination is local. A plane holds one bit of every
element; planes 0..D-1 are the digits' `less`, planes D.. are `equal` of digits 1, 2, …

Called by the parties and by the dealer. Knows planes of bits only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from ppc.field import Words
from ppc.plan.material import GROUP, planes
from ppc.runtime.kernels import Bit, Program, packed, program

Subset = tuple[int, ...]  # planes whose one-time bits are multiplied
ONE: Subset = ()


@dataclass(frozen=True)
class Group:
    """Neighbouring digits that become one: `less` of the whole, and `equal` where it is not the lowest."""

    digits: int  # of the whole number
    start: int
    size: int

    def equal(self, digit: int) -> int:
        """The plane of a digit's `equal`."""
        return self.digits + digit - 1

    @property
    def members(self) -> range:
        return range(self.start, self.start + self.size)

    @property
    def equals(self) -> tuple[int, ...]:
        return tuple(self.equal(digit) for digit in self.members if digit)

    def above(self, digit: int) -> tuple[int, ...]:
        return tuple(self.equal(higher) for higher in self.members if higher > digit)

    def products(self) -> list[Subset]:
        """Every product of two or more one-time bits that is needed; the first bits of each are one before it."""
        found = list(_subsets(self.equals))
        for digit in self.members:
            found += [(digit, *subset) for subset in _subsets(self.above(digit))]
        return [subset for subset in found if len(subset) > 1]


def _subsets(members: Sequence[int]) -> list[Subset]:
    return [subset for size in range(len(members) + 1) for subset in combinations(members, size)]


def whole(digits: int) -> list[Group]:
    """All digits at once."""
    return [Group(digits, 0, digits)]


def in_groups(digits: int) -> list[Group]:
    """Groups of four digits."""
    return [Group(digits, start, min(GROUP, digits - start)) for start in range(0, digits, GROUP)]


def products(groups: Sequence[Group]) -> list[Subset]:
    return [subset for group in groups for subset in group.products()]


@lru_cache(maxsize=64)
def combination(groups: tuple[Group, ...], first: bool) -> Program:
    """The program of a party, made once: it has hundreds of steps."""
    return program(_Combination(groups, first=first).outputs())


class _Combination:
    """A party's share of what groups of digits come to, as a boolean program over planes.

    Its operands, in this order: the opened planes, the shares of their one-time bits, the shares of the products.
    """

    def __init__(self, groups: Sequence[Group], *, first: bool) -> None:
        self.groups, self.first = groups, first
        count = planes(groups[0].digits)
        self.opened = [packed(plane) for plane in range(count)]
        self.shares: dict[Subset, Bit] = {(plane,): packed(count + plane) for plane in range(count)}
        for place, subset in enumerate(products(groups)):
            self.shares[subset] = packed(2 * count + place)

    def outputs(self) -> list[Bit]:
        """`less` of every group, then `equal` of all but the lowest."""
        less = [self._less(group) for group in self.groups]
        return less + [self._equal(group) for group in self.groups if group.start]

    def _scaled(self, factor: Bit, subset: Subset) -> Bit | None:
        """An opened bit times the share of a product; the product of nothing is 1, all of it party 0's."""
        if subset == ONE:
            return factor if self.first else None
        return factor & self.shares[subset]

    def _less(self, group: Group) -> Bit:
        sums: dict[Subset, Bit | None] = {}
        for digit in group.members:
            if digit > group.start:
                sums = self._times_equal(sums, group.equal(digit))
            for subset in _subsets(group.above(digit)):
                term = _sum(self._scaled(self.opened[digit], subset), self.shares[(digit, *subset)])
                sums[subset] = _sum(sums.get(subset), term)
        return _present(sums[ONE])

    def _equal(self, group: Group) -> Bit:
        """Π (opened + one-time bit) over the group's digits."""
        subsets = _subsets(group.equals)
        sums: dict[Subset, Bit | None] = {subset: self.shares[subset] for subset in subsets if subset}
        low, *higher = group.equals
        rest = _subsets(tuple(higher))
        sums = {subset: _sum(self._scaled(self.opened[low], subset), sums[(low, *subset)]) for subset in rest}
        for plane in higher:
            sums = self._times_equal(sums, plane)
        return _present(sums[ONE])

    def _times_equal(self, sums: Mapping[Subset, Bit | None], plane: int) -> dict[Subset, Bit | None]:
        """Sums of products, each times (opened + one-time bit) of a plane."""
        found: dict[Subset, Bit | None] = {}
        for subset, value in sums.items():
            if plane not in subset:
                scaled = None if value is None else value & self.opened[plane]
                found[subset] = _sum(scaled, sums[(plane, *subset)])
        return found


def _sum(left: Bit | None, right: Bit | None) -> Bit | None:
    if left is None or right is None:
        return right if left is None else left
    return left ^ right


def _present(value: Bit | None) -> Bit:
    assert value is not None  # a share of one-time bits is in every sum
    return value


def multiplied(groups: Sequence[Group], single: Sequence[Words]) -> list[Words]:
    """The dealer's side: the products themselves, from the one-time bits of all planes."""
    known: dict[Subset, Words] = {(plane,): bits for plane, bits in enumerate(single)}
    for subset in products(groups):
        known[subset] = known[subset[:-1]] & known[subset[-1:]]
    return [known[subset] for subset in products(groups)]
