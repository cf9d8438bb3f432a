"""Uniform elements from a cipher's stream, with the rejection rule of PROTOCOL.md, section 7.

Called by the workbench. An element is the stream's words cut to the field's bits. The one value that is not an
element, p itself, is rejected: element i is then taken from the next stream, at the same index i. So all who have
the keys agree on every element, and the common case is one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ppc.errors import fail
from ppc.field import Field, Words
from ppc.runtime.kernels import counter
from ppc.runtime.kernels.emit import Function, Value, constant, module
from ppc.runtime.kernels.lanes import LaneOperations
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.memory import load_whole, store_whole
from ppc.runtime.kernels.variants import PLAIN, Variant

_ZEROS = bytes(1 << 17)  # what is read stays in the nearest cache
_PIECE = 1 << 15  # words that are drawn before they are cut, so that they are still in a cache


class Stream(Protocol):
    """A pseudorandom sequence of words that can be read from any place."""

    def fill(self, out: Words, first: int = 0) -> None:
        """Words first, first + 1, … into a one-dimensional array without gaps."""
        ...


Streams = Callable[[int], Stream]  # by attempt: 0 is the operation's own stream, 1 its first stream of replacements


class CipherStream:
    """AES in counter mode from counter 0. A key is for one stream of one operation only."""

    def __init__(self, key: bytes) -> None:
        if type(key) is not bytes or len(key) not in (16, 32):
            raise fail("PPC525", "A stream's key has 16 or 32 bytes.", hint="Derive it with HKDF.")
        self._key, self._cipher = key, algorithms.AES(key)

    def fill(self, out: Words, first: int = 0) -> None:
        made = counter.cipher_library() if len(self._key) == counter.KEY_BYTES else None
        if made is not None:
            counter.counted(made, self._key, first, out)
        else:
            self._fill_by_library(out, first)

    def _fill_by_library(self, out: Words, first: int) -> None:
        block, skipped = divmod(first, counter.BLOCK_WORDS)
        encryptor = Cipher(self._cipher, modes.CTR(block.to_bytes(16, "big"))).encryptor()
        encryptor.update(_ZEROS[: 8 * skipped])
        for start in range(0, out.size, len(_ZEROS) // 8):
            part = out[start : start + len(_ZEROS) // 8]
            encryptor.update_into(memoryview(_ZEROS)[: 8 * part.size], part.data.cast("B"))


@dataclass(frozen=True)
class CutKernel:
    """Cuts words to the field's bits, in place, and counts the elements that come out as p."""

    field: Field

    @property
    def name(self) -> str:
        return f"cut_{self.field.name}"

    def module(self, variant: Variant) -> str:
        """void(ptr parameters): the address, the number of elements, and room for the count."""
        f = Function(self.name, ("ptr",), exported=True)
        block = f.parameters[0]
        base = f.load(block, "ptr")
        count = f.load(f.address(block, constant(1)), "i64")
        whole = f.both(count, constant(-variant.lanes))

        def step(lanes_of: Variant, index: Value, found: Value) -> Value:
            return self._cut(f, lanes_of, f.address(base, f.multiply(index, constant(self.field.words))), found)

        none = LaneOperations(f, variant.lanes, variant.multiplier).constant(0)
        (found,) = f.loop(whole, [none], lambda i, c: [step(variant, i, c[0])], step=variant.lanes)
        total = constant(0)
        for lane in range(variant.lanes):
            total = f.add(total, f.lane(found, lane))
        rest = f.subtract(count, whole)
        (total,) = f.loop(rest, [total], lambda i, c: [step(PLAIN, f.add(whole, i), c[0])])
        f.store(total, f.address(block, constant(2)))
        return module([f], triple=variant.triple)

    def _cut(self, f: Function, variant: Variant, place: Value, found: Value) -> Value:
        operations = LaneOperations(f, variant.lanes, variant.multiplier)
        widths = [min(64, self.field.bits - 64 * word) for word in range(self.field.words)]
        words = load_whole(f, variant, self.field, place)
        cut = [f.both(word, operations.constant((1 << width) - 1)) for word, width in zip(words, widths, strict=True)]
        store_whole(f, variant, place, cut)
        # A word is all ones exactly if adding 1 to it reaches its width; a 64-bit word's halves are asked in turn.
        full = operations.constant(1)
        for word, width in zip(cut, widths, strict=True):
            half = width // 2
            low = f.both(word, operations.constant((1 << half) - 1))
            high = f.shift("lshr", word, half)
            for part, size in ((low, half), (high, width - half)):
                over = f.shift("lshr", f.add(part, operations.constant(1)), size)
                full = f.both(full, over)
        return f.add(found, full)


def draw(library: Library | None, field: Field, stream: Stream, out: Words, first: int) -> int:
    """Candidates for elements from word `first` of a stream on, into words without gaps; how many must be replaced."""
    found = 0
    for start in range(0, out.size, _PIECE):
        part = out[start : start + _PIECE]
        stream.fill(part, first + start)
        found += cut(library, field, part) if library else cut_slowly(field, part)
    return found


def cut(library: Library, field: Field, out: Words) -> int:
    """Cut an array without gaps to the field's bits; how many elements must be replaced."""
    block = np.array([out.ctypes.data, out.size // field.words, 0], np.int64)
    library.kernel(CutKernel(field))(block)
    return int(block[2])


def cut_slowly(field: Field, out: Words) -> int:
    """The same with numpy."""
    words = out.reshape(-1, field.words)
    words &= _limits(field)
    return int(np.count_nonzero(np.all(words == _limits(field), axis=1)))


def replace(field: Field, out: Words, streams: Streams, first: int) -> None:
    """Replace every p by the element at its index in the next stream that has one there."""
    elements = out.reshape(-1, field.words)
    limits = _limits(field)
    for index in np.flatnonzero(np.all(elements == limits, axis=1)):
        attempt = 0
        while np.array_equal(elements[index], limits):
            attempt += 1
            words = np.empty(field.words, np.uint64)
            streams(attempt).fill(words, (first + int(index)) * field.words)
            elements[index] = words & limits


def _limits(field: Field) -> Words:
    """The words of p."""
    return np.array([field.modulus >> 64 * word & (2**64 - 1) for word in range(field.words)], np.uint64)
