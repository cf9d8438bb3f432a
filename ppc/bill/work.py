"""What a role's machine does, in counts that any machine has a price for: see `machine`.

Products alone say little of the time: on shares most of it goes into passes over memory and into random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Counts. `values` are elements read from or written to memory, one for each array of a pass."""

    calls: int = 0  # of kernels and of the interpreter's rules
    products: int = 0  # multiply-adds inside of matrix products and convolutions
    values: int = 0
    drawn: int = 0  # uniform elements from a seed
    random_bytes: int = 0  # random bits from a seed
    digits: int = 0  # of comparisons at a party, four bits each
    dealt_digits: int = 0  # whose products of bits the dealer makes
    planes: int = 0  # words of packed bits, read or written
    reals: int = 0  # floating-point numbers, read or written, of what a party computes alone

    def __add__(self, other: Work) -> Work:
        return Work(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(Work)})


NOTHING = Work()


def total(parts: list[Work]) -> Work:
    found = NOTHING
    for part in parts:
        found = found + part
    return found
