"""Which secrets a value is a public image of: factor·secret + constant, or its elements at other places.

What shows a little of an image shows it of the secret. Secrets that differ in this alone have one `direction`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

from ppc.passes.checks.numbers import Parts, Piece, Terms, Value

TWICE = 2  # a value that stands in another twice is shown twice by it; more often adds nothing


@dataclass(frozen=True, slots=True)
class Image:
    """factor·direction + constant, the direction without a common factor and positive in its first atom."""

    direction: Terms | int
    factor: int
    constant: int

    @property
    def twos(self) -> int:
        return (self.factor & -self.factor).bit_length() - 1


@dataclass(frozen=True, slots=True)
class Shown:
    """A direction whose elements stand in a value, all or those of a piece, times 2^twos and an odd number."""

    direction: Terms | int
    twos: int
    piece: Piece | None = None


def image_of(value: Value) -> Image:
    """Of a public number there is no other direction than itself."""
    if not value.terms:
        return Image(value.constant, 1, 0)
    factor = gcd(*(coefficient for _, coefficient in value.terms))
    factor = -factor if value.terms[0][1] < 0 else factor
    return Image(tuple((atom, coefficient // factor) for atom, coefficient in value.terms), factor, value.constant)


def shown_in(value: Value, parts: Parts) -> Iterator[Shown]:
    """Everything whose elements stand in the value; twice, what stands there more than once."""
    image = image_of(value)
    waiting = [Shown(image.direction, image.twos)]
    times: Counter[Shown] = Counter()
    while waiting:
        shown = waiting.pop()
        times[shown] += 1
        if times[shown] > TWICE:
            continue
        yield shown
        if isinstance(shown.direction, int) or len(shown.direction) != 1:
            continue
        for part, piece in parts.get(shown.direction[0][0], ()):
            inner = image_of(part)
            waiting.append(Shown(inner.direction, inner.twos + shown.twos, piece))


def overlap(one: Piece | None, other: Piece | None) -> bool:
    """Whether two pieces of a value have an element in common; None is the whole, and so is another shape of it."""
    if one is None or other is None or one.shape != other.shape:
        return True
    return one.start < other.stop and other.start < one.stop
