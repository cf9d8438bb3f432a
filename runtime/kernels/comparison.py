"""Comparison digits (PROTOCOL.md, section 5): which shares of the digit tables an opened value selects.

Called by the workbench. For each element a party has, for each digit a_j of a secret, XOR shares of the 16 products
of a_j's four bits (bit S of a 16-bit word is the product of the bits in S; bit 0, the empty product, is 1 at one
party and 0 at the other). The public digit c_j of the opened value chooses the polynomial of 1{c_j < a_j} and of
1{c_j = a_j}; its value is the parity of the chosen shares. The choice is made inside a register: no address depends
on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.field import Field, Words
from ppc.runtime.kernels.buffers import check_array, check_elements, check_shape, shares_memory, wrong
from ppc.runtime.kernels.emit import Function, Value, constant, constants, module, vector_type
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.threads import run_all, shares
from ppc.runtime.kernels.variants import Variant

Monomials = NDArray[np.uint16]

DIGIT_BITS = 4
GROUP = 64  # elements a step: a word of every plane
PARAMETERS = ("elements", "monomials", "masks", "out", "groups", "monomial_row", "mask_row", "out_row")


def planes(digits: int) -> int:
    """Outputs: 1{c < a} of every digit, lowest first, then 1{c = a} of every digit but the lowest."""
    return 2 * digits - 1


@lru_cache(maxsize=2)
def table(relation: str) -> tuple[int, ...]:
    """For each public digit, the polynomial in the secret digit's bits: bit S says whether it has the monomial S."""
    test: Callable[[int, int], bool] = {"less": int.__lt__, "equal": int.__eq__}[relation]
    size = 1 << DIGIT_BITS
    return tuple(sum(_coefficient(test, c, s) << s for s in range(size)) for c in range(size))


def _coefficient(test: Callable[[int, int], bool], c: int, subset: int) -> int:
    """The Möbius transform: the parity of the values at all a within the subset."""
    return sum(test(c, a) for a in range(1 << DIGIT_BITS) if a & ~subset == 0) % 2


@dataclass(frozen=True)
class DigitsKernel:
    """The digits of an element's canonical representative above its `shift` lowest bits."""

    field: Field
    shift: int
    digits: int

    @property
    def name(self) -> str:
        return f"digits_{self.shift}_{self.digits}_{self.field.name}"

    def module(self, variant: Variant) -> str:
        return module([_Digits(self, variant).function()], triple=variant.triple)


class _Digits:
    def __init__(self, kernel: DigitsKernel, variant: Variant) -> None:
        self.kernel, self.variant = kernel, variant
        self.f = Function(kernel.name, ("ptr",), exported=True)
        self.lanes = {"ifma": 32, "narrow": 16, "wide": 8}[variant.multiplier]
        self.type = vector_type(self.lanes, "i16")
        self.p = {
            name: self.f.load(self.f.address(self.f.parameters[0], constant(number)), "i64" if number > 3 else "ptr")
            for number, name in enumerate(PARAMETERS)
        }

    def function(self) -> Function:
        self.f.repeat(self.p["groups"], self._group)
        return self.f

    def _group(self, group: Value) -> None:
        f = self.f
        words = [constant(0)] * planes(self.kernel.digits)
        for part in range(0, GROUP, self.lanes):
            index = f.add(f.multiply(group, constant(GROUP)), constant(part))
            for plane, bits in enumerate(self._planes(index)):
                words[plane] = f.either(words[plane], f.shift("shl", bits, part))
        for plane, word in enumerate(words):
            mask = f.address(self.p["masks"], f.add(f.multiply(self.p["mask_row"], constant(plane)), group))
            out = f.address(self.p["out"], f.add(f.multiply(self.p["out_row"], constant(plane)), group))
            f.store(f.differ(word, f.load(mask, "i64")), out)

    def _planes(self, index: Value) -> list[Value]:
        """The bits of all planes for one vector of elements."""
        words = self._elements(index)
        less: list[Value] = []
        equal: list[Value] = []
        for digit in range(self.kernel.digits):
            position = digit % 4 * DIGIT_BITS
            sixteen = self._sixteen(words, self.kernel.shift + digit * DIGIT_BITS - position)
            c = self.f.both(self.f.shift("lshr", sixteen, position), constant(15, self.type))
            row = self.f.multiply(self.p["monomial_row"], constant(digit))
            shares = self.f.load(self.f.address(self.p["monomials"], self.f.add(row, index), "i16"), self.type, 2)
            less.append(self._parity(self.f.both(self._look_up("less", c), shares)))
            if digit:
                equal.append(self._parity(self.f.both(self._look_up("equal", c), shares)))
        return less + equal

    def _elements(self, index: Value) -> list[Value]:
        words = self.kernel.field.words
        kind = vector_type(self.lanes * words)
        whole = self.f.load(self.f.address(self.p["elements"], self.f.multiply(index, constant(words))), kind)
        if words == 1:
            return [whole]
        return [self.f.shuffle(whole, whole, range(word, self.lanes * words, words)) for word in range(words)]

    def _sixteen(self, words: list[Value], start: int) -> Value:
        """Sixteen bits of every element from bit `start` on."""
        place, shift = divmod(start, 64)
        value = self.f.shift("lshr", words[place], shift) if place < len(words) else constant(0, words[0].type)
        if shift > 48 and place + 1 < len(words):
            value = self.f.either(value, self.f.shift("shl", words[place + 1], 64 - shift))
        return self.f.convert("trunc", value, self.type)

    def _look_up(self, relation: str, c: Value) -> Value:
        entries = table(relation)
        if self.variant.multiplier == "ifma":
            return self.f.call("@llvm.x86.avx512.permvar.hi.512", self.type, [constants(entries * 2, "i16"), c])
        if self.variant.multiplier == "narrow":
            low = self._bytes([entry & 255 for entry in entries], self.f.either(c, constant(0x8000, self.type)))
            up = self.f.either(self.f.shift("shl", c, 8), constant(0x80, self.type))
            return self.f.either(low, self._bytes([entry >> 8 for entry in entries], up))
        return self._polynomial(entries, c)

    def _bytes(self, entries: list[int], places: Value) -> Value:
        """A byte of a table of 16 for each byte of `places`; zero where its top bit is set."""
        kind = vector_type(32, "i8")
        chosen = self.f.convert("bitcast", places, kind)
        found = self.f.call("@llvm.x86.avx2.pshuf.b", kind, [constants(entries * 2, "i8"), chosen])
        return self.f.convert("bitcast", found, self.type)

    def _polynomial(self, entries: tuple[int, ...], c: Value) -> Value:
        """The table as a polynomial in c's bits, for machines that cannot look up in a register."""
        bits = [self._spread(self.f.shift("shl", c, 15 - bit)) for bit in range(DIGIT_BITS)]
        total = constant(entries[0], self.type)
        for subset in range(1, len(entries)):
            coefficient = 0
            for index in range(len(entries)):
                coefficient ^= entries[index] if index & ~subset == 0 else 0
            product = constant(coefficient, self.type)
            for bit in range(DIGIT_BITS):
                product = self.f.both(product, bits[bit]) if subset >> bit & 1 else product
            total = self.f.differ(total, product) if coefficient else total
        return total

    def _spread(self, value: Value) -> Value:
        return self.f.shift("ashr", value, 15)

    def _parity(self, value: Value) -> Value:
        """The parity of each lane, side by side in a number."""
        if self.variant.multiplier == "ifma":
            value = self.f.call(f"@llvm.ctpop.v{self.lanes}i16", self.type, [value])
        else:
            for shift in (8, 4, 2, 1):
                value = self.f.differ(value, self.f.shift("lshr", value, shift))
        top = self.f.compare("slt", self.f.shift("shl", value, 15), constant(0, self.type))
        return self.f.convert("zext", self.f.convert("bitcast", top, f"i{self.lanes}"), "i64")


def check_digits(
    field: Field, elements: Words, monomials: Monomials, masks: Words, out: Words, *, shift: int, digits: int
) -> None:
    """elements [n], monomials uint16 [digits, n], masks and out packed bits [planes, ceil(n / 64)]."""
    if digits < 1 or shift < 0 or shift + DIGIT_BITS * (digits - 1) >= field.bits:
        raise fail("PPC525", f"{field.name} has no {digits} digits above bit {shift}.", hint="A digit is four bits.")
    check_elements(elements, "elements", field, rank=1)
    count = elements.shape[0]
    check_shape(elements, "elements", field, (count,))
    check_array(monomials, "monomials", np.dtype(np.uint16), written=False)
    bits = (planes(digits), -(-count // GROUP))
    for name, array, wanted in (
        ("monomials", monomials, (digits, count)),
        ("masks", masks, bits),
        ("out", out, bits),
    ):
        if name != "monomials":
            check_array(array, name, np.dtype(np.uint64), written=name == "out")
        if array.shape != wanted or not array.flags.c_contiguous:
            raise wrong(name, f"has shape {array.shape}; {wanted} without gaps is needed", "Planes are rows.")
    if not elements.flags.c_contiguous:
        raise wrong("elements", "has gaps", "Copy it into an array without gaps.")
    apart = (elements, monomials) if out.ctypes.data == masks.ctypes.data else (elements, monomials, masks)
    if any(shares_memory(out, other) for other in apart):
        raise wrong("out", "shares memory with an input", "It is exactly the masks, or apart from all inputs.")


def comparison_digits(
    library: Library,
    kernel: DigitsKernel,
    elements: Words,
    monomials: Monomials,
    masks: Words,
    out: Words,
    *,
    threads: int,
) -> None:
    """Whole groups in place; the last elements in a group of their own."""
    count = elements.shape[0]
    whole, rest = divmod(count, GROUP)
    run_all(
        [
            partial(_run, library, kernel, elements, monomials, masks, out, first, last)
            for first, last in shares(whole, threads)
            if last > first
        ]
    )
    if rest:
        field, digits = kernel.field, kernel.digits
        last_elements, last_monomials = field.zeros(GROUP), np.zeros((digits, GROUP), np.uint16)
        last_elements[:rest] = elements[-rest:]
        last_monomials[:, :rest] = monomials[:, -rest:]
        last = masks[:, -1:].copy()
        _run(library, kernel, last_elements, last_monomials, last, last, 0, 1)
        # Beyond the last element there is the mask alone: zero elements have no monomials.
        out[:, -1:] = last


def _run(
    library: Library,
    kernel: DigitsKernel,
    elements: Words,
    monomials: Monomials,
    masks: Words,
    out: Words,
    first: int,
    last: int,
) -> None:
    start = first * GROUP
    values = (
        elements[start:].ctypes.data,
        monomials.ctypes.data + 2 * start,
        masks.ctypes.data + 8 * first,
        out.ctypes.data + 8 * first,
        last - first,
        monomials.shape[1],
        masks.shape[1],
        out.shape[1],
    )
    library.kernel(kernel)(np.array(values, np.int64))
