"""The dealer's corrections for one pass through a section, in one piece of exactly the size that the plan says.

Written by the dealer, read by party 1 (PROTOCOL.md, section 7). All elements and planes of bits stand first, so that
they can be used in place; the products of digits, which are no whole words, stand last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.field import Words
from ppc.plan.material import MONOMIAL_BYTES, Correction, corrections
from ppc.plan.steps import Plan, Section
from ppc.runtime.lazy import Shape
from ppc.runtime.rooms import Rooms

Monomials = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a correction stands: its words, and its monomials' bytes."""

    word: int
    elements: int
    bits: int
    monomial: int


class Layout:
    """Where every correction of a section stands."""

    def __init__(self, plan: Plan, section: Section) -> None:
        self.field = plan.modulus_field
        found = [(row, _monomial_bytes(plan, row)) for row in corrections(plan, section)]
        self.bytes = sum(row.bytes(self.field.words) for row, _ in found)
        self.places: dict[tuple[str, str], Place] = {}
        word, monomial = 0, self.bytes - sum(size for _, size in found)
        for row, size in found:
            elements, bits = row.elements * self.field.words, (row.bit_bytes - size) // 8
            self.places[row.step, row.secret] = Place(word, elements, bits, monomial)
            word, monomial = word + elements + bits, monomial + size

    def empty(self, rooms: Rooms) -> Parcel:
        """A parcel to be written."""
        room = rooms.room(self.bytes)
        return Parcel(self, lambda: room)

    def read(self, data: NDArray[np.uint8]) -> Parcel:
        """A parcel that came."""
        return self.coming(lambda: data)

    def coming(self, bring: Callable[[], NDArray[np.uint8]]) -> Parcel:
        """A parcel that may still be on its way: nobody waits for it before something of it is needed."""
        return Parcel(self, lambda: self._whole(bring()))

    def _whole(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if data.size != self.bytes:
            raise fail(
                "PPC655",
                f"The dealer's numbers for this section have {data.size} bytes; the plan says {self.bytes}.",
                hint="Deal again, for this plan.",
            )
        return data


def _monomial_bytes(plan: Plan, row: Correction) -> int:
    step = plan.by_name[row.step]
    if step.op != "digits":
        return 0
    return step.integer("digits") * plan.wires[step.inputs[0]].size * MONOMIAL_BYTES


class Parcel:
    """The corrections by step and secret, as views of one piece of memory."""

    def __init__(self, layout: Layout, bring: Callable[[], NDArray[np.uint8]]) -> None:
        self.layout, self._bring = layout, bring
        self._data: NDArray[np.uint8] | None = None

    def __repr__(self) -> str:
        return f"Parcel({self.layout.bytes} bytes, hidden)"

    @property
    def data(self) -> NDArray[np.uint8]:
        if self._data is None:
            self._data = self._bring()
        return self._data

    def _words(self, start: int, count: int) -> Words:
        return self.data[8 * start : 8 * (start + count)].view(np.uint64)

    def elements(self, step: str, secret: str, *shape: int) -> Words:
        place = self.layout.places[step, secret]
        return self._words(place.word, place.elements).reshape(self.layout.field.shape(*shape))

    def bits(self, step: str, secret: str, *shape: int) -> Words:
        place = self.layout.places[step, secret]
        return self._words(place.word + place.elements, place.bits).reshape(shape)

    def monomials(self, step: str, secret: str, shape: Shape) -> Monomials:
        start = self.layout.places[step, secret].monomial
        size = shape[0] * shape[1] * MONOMIAL_BYTES
        return self.data[start : start + size].view(np.uint16).reshape(shape)
