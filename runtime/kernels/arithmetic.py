"""Lazy arithmetic modulo a Mersenne prime, written once for LLVM's vectors and for numpy.

Called by every kernel generator and by the slow path. Knows limb plans and bounds, no instruction set.

An element under way is a list of digits with room above them, and each digit carries the largest value it can
have. A carry is made only where the bounds ask for it, and an overflow cannot be written: the bounds are checked
while the kernel is generated, so no test of a value is needed at run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ppc.errors import InternalError
from ppc.field import Field
from ppc.runtime.kernels.limbs import WORD, Limb, Plan

T = TypeVar("T")


class Operations(Protocol[T]):
    """What a machine can do with 64-bit numbers, many at a time. Shifts are logical."""

    def constant(self, value: int) -> T: ...
    def add(self, left: T, right: T) -> T: ...
    def subtract(self, left: T, right: T) -> T: ...
    def both(self, left: T, right: T) -> T: ...
    def either(self, left: T, right: T) -> T: ...
    def differ(self, left: T, right: T) -> T: ...
    def shift_left(self, value: T, count: int) -> T: ...
    def shift_right(self, value: T, count: int) -> T: ...

    def reduce_once(self, value: T, modulus: int) -> T:
        """value - modulus if that is not negative, else value; without a branch."""
        ...

    def zero_where_all_ones(self, digits: Sequence[T], masks: Sequence[int]) -> list[T]:
        """Zeros where every digit equals its mask (that number is p, the other name of 0), else the digits."""
        ...

    def accumulator(self, value: int) -> T: ...
    def multiply_add(self, total: T, left: T, right: T, part: str) -> T: ...

    def halves(self, total: T, bound: int) -> list[tuple[T, int, int]]:
        """An accumulator as 64-bit numbers, each with its bound and weight."""
        ...


@dataclass(frozen=True)
class Digit(Generic[T]):
    """A number of at most `bound`."""

    value: T
    bound: int


Element = list[Digit[T]]


def digit_widths(field: Field) -> tuple[int, ...]:
    """One digit for one-word fields; 43 + 43 + 41 bits for mersenne127, which leaves room for lazy sums."""
    return (field.bits,) if field.words == 1 else (43, 43, field.bits - 86)


class Arithmetic(Generic[T]):
    """A field's arithmetic on one machine."""

    def __init__(self, field: Field, operations: Operations[T], plan: Plan) -> None:
        self.field = field
        self.operations = operations
        self.plan = plan
        self.widths = digit_widths(field)
        self.offsets = tuple(sum(self.widths[:i]) for i in range(len(self.widths)))
        self.masks = tuple((1 << width) - 1 for width in self.widths)

    # In and out of memory's words.

    def unpack(self, words: Sequence[T]) -> Element[T]:
        """A canonical element from its words."""
        if len(self.widths) == 1:
            return [Digit(words[0], self.field.modulus - 1)]
        parts = self._word_parts(words)
        return [
            Digit(self._bits(parts, offset, width), (1 << width) - 1)
            for offset, width in zip(self.offsets, self.widths, strict=True)
        ]

    def pack(self, element: Element[T]) -> list[T]:
        """The words of the canonical element."""
        digits = self.canonical(element)
        parts = [
            (digit.value, offset, width) for digit, offset, width in zip(digits, self.offsets, self.widths, strict=True)
        ]
        return [self._bits(parts, start, min(64, self.field.bits - start)) for start in range(0, self.field.bits, 64)]

    def constant(self, value: int) -> Element[T]:
        value %= self.field.modulus
        return [
            Digit(self.operations.constant(value >> offset & mask), value >> offset & mask)
            for offset, mask in zip(self.offsets, self.masks, strict=True)
        ]

    # Sums.

    def add(self, left: Element[T], right: Element[T]) -> Element[T]:
        if any(a.bound + b.bound >= WORD for a, b in zip(left, right, strict=True)):
            left, right = self.carry(left), self.carry(right)
        return [self._plus(a, b) for a, b in zip(left, right, strict=True)]

    def subtract(self, left: Element[T], right: Element[T]) -> Element[T]:
        """left + c·p - right, with c such that no digit is borrowed from."""
        while any(digit.bound > 2 * mask for digit, mask in zip(right, self.masks, strict=True)):
            right = self.carry(right)
        times = max(-(-digit.bound // mask) for digit, mask in zip(right, self.masks, strict=True))
        shifted = [Digit(self.operations.constant(times * mask), times * mask) for mask in self.masks]
        difference = [
            Digit(self.operations.subtract(a.value, b.value), a.bound) for a, b in zip(shifted, right, strict=True)
        ]
        return self.add(left, difference)

    def scale(self, element: Element[T], power: int) -> Element[T]:
        """element · 2^power: a rotation."""
        parts = [
            (digit.value, digit.bound, offset + power) for digit, offset in zip(element, self.offsets, strict=True)
        ]
        return self.gather(parts, 0)

    # Bits of the canonical representative, and choices by them. A bit is a mask: all ones or all zeros.

    def shift_right(self, element: Element[T], count: int) -> Element[T]:
        """The canonical representative, divided by 2^count and rounded down."""
        return self._window(self.canonical(element), count, self.field.bits - count)

    def low_bits(self, element: Element[T], count: int) -> Element[T]:
        """The canonical representative modulo 2^count."""
        return self._window(self.canonical(element), 0, count)

    def _window(self, element: Element[T], start: int, width: int) -> Element[T]:
        parts = self._digit_parts(element)
        result: Element[T] = []
        for offset, size in zip(self.offsets, self.widths, strict=True):
            taken = max(0, min(size, width - offset))
            value = self._bits(parts, start + offset, taken) if taken else self.operations.constant(0)
            result.append(Digit(value, (1 << taken) - 1))
        return result

    def below(self, element: Element[T], limit: int) -> T:
        """Whether the canonical representative is less than a public number: the borrow of their difference."""
        borrow: T | None = None
        for digit, offset, mask in zip(self.canonical(element), self.offsets, self.masks, strict=True):
            part = limit >> offset & (mask if offset != self.offsets[-1] else WORD - 1)
            less = self.operations.subtract(digit.value, self.operations.constant(part))
            if borrow is not None:
                less = self.operations.subtract(less, borrow)
            borrow = self.operations.shift_right(less, 63)
        assert borrow is not None
        return self._spread_bit(borrow)

    def bit(self, element: Element[T], index: int) -> T:
        """One bit of the canonical representative."""
        return self._spread_bit(self._bits(self._digit_parts(self.canonical(element)), index, 1))

    def _spread_bit(self, bit: T) -> T:
        return self.operations.subtract(self.operations.constant(0), bit)

    def select(self, mask: T, yes: Element[T], no: Element[T]) -> Element[T]:
        """yes where the mask is ones, else no."""
        return [
            Digit(self._choose(mask, a.value, b.value), max(a.bound, b.bound)) for a, b in zip(yes, no, strict=True)
        ]

    def _choose(self, mask: T, yes: T, no: T) -> T:
        changed = self.operations.both(mask, self.operations.differ(yes, no))
        return self.operations.differ(no, changed)

    # Products.

    def split(self, words: Sequence[T], limbs: Sequence[Limb]) -> list[T]:
        """The limbs of a canonical element."""
        return self._limbs(self._word_parts(words), limbs)

    def multiply(self, left: Element[T], right: Element[T]) -> Element[T]:
        a = self._limbs(self._digit_parts(self.strict(left)), self.plan.left)
        b = self._limbs(self._digit_parts(self.strict(right)), self.plan.right)
        totals = [self.operations.accumulator(0)] * self.plan.accumulators
        return self.finish(self.multiply_add(totals, a, b), 1)

    def multiply_add(self, totals: Sequence[T], left: Sequence[T], right: Sequence[T]) -> list[T]:
        """One product of limbs, added to the accumulators."""
        totals = list(totals)
        for term in self.plan.terms:
            totals[term.accumulator] = self.operations.multiply_add(
                totals[term.accumulator], left[term.left], right[term.right], term.part
            )
        return totals

    def finish(self, totals: Sequence[T], steps: int) -> Element[T]:
        """What the accumulators hold after at most `steps` products."""
        growth = [step * steps for step in self.plan.growth]
        parts: list[tuple[T, int, int]] = []
        correction = 0
        for part in self.plan.sums:
            bias = sum(growth[i] for i in part.minus)
            bound = bias + sum(growth[i] for i in part.plus)
            if bound >= self.plan.capacity:
                raise InternalError(f"{steps} products overflow an accumulator", place=self.field.name)
            total = self._signed(totals, part.plus, part.minus, bias)
            correction -= bias << part.weight
            parts += [
                (value, limit, part.weight + weight) for value, limit, weight in self.operations.halves(total, bound)
            ]
        return self.gather(parts, correction)

    def _signed(self, totals: Sequence[T], plus: Sequence[int], minus: Sequence[int], bias: int) -> T:
        total = totals[plus[0]]
        for index in plus[1:]:
            total = self.operations.add(total, totals[index])
        if minus:
            total = self.operations.add(total, self.operations.accumulator(bias))
        for index in minus:
            total = self.operations.subtract(total, totals[index])
        return total

    def gather(self, parts: Sequence[tuple[T, int, int]], correction: int) -> Element[T]:
        """The sum of value·2^weight over (value, bound, weight), plus a constant, with room left in every digit."""
        element: Element[T] | None = self.constant(correction) if correction else None
        sums: list[Digit[T] | None] = list(element) if element else [None] * len(self.widths)
        for value, bound, weight in parts:
            for place, piece in self._spread(value, bound, weight % self.field.bits):
                previous = sums[place]
                sums[place] = piece if previous is None else self._plus(previous, piece)
        zero = Digit(self.operations.constant(0), 0)
        return [digit or zero for digit in sums]

    def _spread(self, value: T, bound: int, weight: int) -> list[tuple[int, Digit[T]]]:
        """value·2^weight cut at the digits' borders, unless it fits the digit where it starts with room to spare."""
        place = max(i for i, offset in enumerate(self.offsets) if offset <= weight)
        shift = weight - self.offsets[place]
        if bound << shift < 1 << min(61, self.widths[place] + 17):
            return [(place, Digit(self.operations.shift_left(value, shift), bound << shift))]
        room = self.widths[place] - shift
        low = self.operations.both(value, self.operations.constant((1 << room) - 1))
        piece = Digit(self.operations.shift_left(low, shift), (1 << room) - 1 << shift)
        rest = self.operations.shift_right(value, room)
        next_weight = (self.offsets[place] + self.widths[place]) % self.field.bits
        return [(place, piece), *self._spread_rest(rest, bound >> room, next_weight)]

    def _spread_rest(self, value: T, bound: int, weight: int) -> list[tuple[int, Digit[T]]]:
        place = self.offsets.index(weight)
        if len(self.widths) == 1 or bound < 1 << 60:
            return [(place, Digit(value, bound))]
        return self._spread(value, bound, weight)

    # Normal forms.

    def strict(self, element: Element[T]) -> Element[T]:
        """Every digit within its width. The element may still be p instead of 0."""
        if len(element) == 1:
            return element if element[0].bound <= self.masks[0] else self.canonical(element)
        if all(digit.bound <= mask for digit, mask in zip(element, self.masks, strict=True)):
            return element
        element = self._ripple(element)
        while element[0].bound > self.masks[0] + (1 << 30):
            element = self._ripple(element)
        # Now the value is below 2^n + 2^30. If the last ripple wraps, what is left is below 2^30 + 1, so that the
        # wrapped 1 cannot overflow digit 0; if it does not wrap, every digit is already in place.
        element = self._ripple(element)
        return [Digit(digit.value, mask) for digit, mask in zip(element, self.masks, strict=True)]

    def canonical(self, element: Element[T]) -> Element[T]:
        """The representative 0..p-1."""
        if len(element) > 1:
            digits = [digit.value for digit in self.strict(element)]
            cleared = self.operations.zero_where_all_ones(digits, self.masks)
            return [Digit(value, mask) for value, mask in zip(cleared, self.masks, strict=True)]
        (digit,) = element
        modulus = self.field.modulus
        if digit.bound < modulus:
            return element
        while digit.bound >= 2 * modulus:
            (digit,) = self.carry([digit])
        return [Digit(self.operations.reduce_once(digit.value, modulus), modulus - 1)]

    def carry(self, element: Element[T]) -> Element[T]:
        """Each digit's excess moves to the next one, all at once."""
        kept: Element[T] = []
        carried: Element[T] = []
        for digit, width, mask in zip(element, self.widths, self.masks, strict=True):
            kept.append(
                Digit(self.operations.both(digit.value, self.operations.constant(mask)), min(digit.bound, mask))
            )
            carried.append(Digit(self.operations.shift_right(digit.value, width), digit.bound >> width))
        if len(element) == 1:
            return [Digit(self.operations.add(kept[0].value, carried[0].value), self._folded(element[0].bound))]
        return [self._plus(a, b) for a, b in zip(kept, [carried[-1], *carried[:-1]], strict=True)]

    def _folded(self, bound: int) -> int:
        """The most that x mod 2^n + x div 2^n can be for x up to `bound`."""
        quotient = bound >> self.field.bits
        return max(quotient + (bound & self.masks[0]), self.masks[0] + quotient - 1 if quotient else 0)

    def _ripple(self, element: Element[T]) -> Element[T]:
        """Carries one after the other, the last one back to digit 0."""
        result = list(element)
        for place, (width, mask) in enumerate(zip(self.widths, self.masks, strict=True)):
            digit, following = result[place], (place + 1) % len(result)
            carry = Digit(self.operations.shift_right(digit.value, width), digit.bound >> width)
            result[place] = Digit(
                self.operations.both(digit.value, self.operations.constant(mask)), min(digit.bound, mask)
            )
            result[following] = self._plus(result[following], carry)
        return result

    def _plus(self, left: Digit[T], right: Digit[T]) -> Digit[T]:
        if left.bound + right.bound >= WORD:
            raise InternalError("a digit could overflow", place=self.field.name)
        if right.bound == 0:
            return left
        if left.bound == 0:
            return right
        return Digit(self.operations.add(left.value, right.value), left.bound + right.bound)

    # Bits.

    def _word_parts(self, words: Sequence[T]) -> list[tuple[T, int, int]]:
        return [(word, 64 * i, min(64, self.field.bits - 64 * i)) for i, word in enumerate(words)]

    def _digit_parts(self, element: Element[T]) -> list[tuple[T, int, int]]:
        return [(d.value, o, w) for d, o, w in zip(element, self.offsets, self.widths, strict=True)]

    def _limbs(self, parts: list[tuple[T, int, int]], limbs: Sequence[Limb]) -> list[T]:
        slices = {part: self._bits(parts, part.start, part.width) for limb in limbs for part in limb.slices}
        result: list[T] = []
        for limb in limbs:
            total = slices[limb.slices[0]]
            for part in limb.slices[1:]:
                total = self.operations.add(total, slices[part])
            result.append(total)
        return result

    def _bits(self, parts: list[tuple[T, int, int]], start: int, width: int) -> T:
        """Bits start … start+width-1, cyclically, of a number given as (value, offset, width)."""
        pieces: list[T] = []
        placed = 0
        while placed < width:
            position = (start + placed) % self.field.bits
            value, offset, size = next(part for part in parts if part[1] <= position < part[1] + part[2])
            taken = min(offset + size - position, width - placed)
            piece = self.operations.shift_right(value, position - offset)
            if taken < offset + size - position:
                piece = self.operations.both(piece, self.operations.constant((1 << taken) - 1))
            pieces.append(self.operations.shift_left(piece, placed))
            placed += taken
        result = pieces[0]
        for piece in pieces[1:]:
            result = self.operations.either(result, piece)
        return result
