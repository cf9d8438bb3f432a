"""AES-128 in counter mode on vectors: the words of a stream, twice as fast as the library that else makes them.

Called by `sampling` on machines that have the instructions. Four blocks lie side by side in a register, and eight
registers are on their way at once. The rounds are the processor's own instructions, and the key's words are made by
them too: nothing is looked up, no time depends on a key.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ppc.field import Words
from ppc.runtime.kernels import llvm
from ppc.runtime.kernels.cache import default_folder
from ppc.runtime.kernels.emit import Function, Value, constant, constants, module, vector_type
from ppc.runtime.kernels.library import Library, library
from ppc.runtime.kernels.variants import IFMA, Variant

CIPHER = replace(IFMA, name="cipher", features=(*IFMA.features, "aes", "vaes"))
KEY_BYTES = 16
BLOCK_WORDS = 2
GROUP_WORDS = 64  # of a step: 8 registers of 4 blocks
_ROUNDS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1B, 0x36)  # FIPS 197's round constants
_REGISTERS = 8
_BLOCK, _ROW, _WIDE = vector_type(2), vector_type(4, "i32"), vector_type(8)


@dataclass(frozen=True)
class CounterKernel:
    """Groups of 32 blocks from a counter on, a big-endian number in the last eight bytes of a block."""

    @property
    def name(self) -> str:
        return "counter"

    def module(self, variant: Variant) -> str:
        """void(ptr parameters): the addresses of the key and of the words, the first block, and how many groups."""
        f = Function(self.name, ("ptr",), exported=True)
        key, out = (f.load(f.address(f.parameters[0], constant(number)), "ptr") for number in range(2))
        first, groups = (f.load(f.address(f.parameters[0], constant(number)), "i64") for number in (2, 3))
        keys = [_everywhere(f, one) for one in _round_keys(f, f.load(key, _BLOCK, 1))]

        def group(index: Value) -> None:
            start = f.splat(f.add(first, f.multiply(index, constant(GROUP_WORDS // 2))), 8)
            place = f.address(out, f.multiply(index, constant(GROUP_WORDS)))
            for number, found in enumerate(_encrypted(f, [_blocks(f, start, 4 * r) for r in range(_REGISTERS)], keys)):
                f.store(found, f.address(place, constant(8 * number)))

        f.repeat(groups, group)
        return module([f], triple=variant.triple)


def _round_keys(f: Function, key: Value) -> list[Value]:
    """FIPS 197, section 5.2: each row is the sum of those before it and of a word that the processor makes."""
    found = [key]
    for number in _ROUNDS:
        made = f.call("@llvm.x86.aesni.aeskeygenassist", _BLOCK, [key, constant(number, "i8")])
        row, word = f.convert("bitcast", key, _ROW), f.convert("bitcast", made, _ROW)
        for _ in range(3):
            row = f.differ(f.convert("bitcast", key, _ROW), f.shuffle(constant(0, _ROW), row, (0, 4, 5, 6)))
        key = f.convert("bitcast", f.differ(row, f.shuffle(word, word, (3, 3, 3, 3))), _BLOCK)
        found.append(key)
    return found


def _everywhere(f: Function, key: Value) -> Value:
    return f.shuffle(key, key, (0, 1) * 4)


def _blocks(f: Function, start: Value, offset: int) -> Value:
    """Four counters, each in a block whose first half is zero."""
    counts = f.add(start, constants([offset + lane // 2 for lane in range(8)]))
    swapped = f.call("@llvm.bswap.v8i64", _WIDE, [counts])
    return f.shuffle(constant(0, _WIDE), swapped, [lane + 8 * (lane % 2) for lane in range(8)])


def _encrypted(f: Function, blocks: list[Value], keys: list[Value]) -> list[Value]:
    blocks = [f.differ(block, keys[0]) for block in blocks]
    for key in keys[1:-1]:
        blocks = [f.call("@llvm.x86.aesni.aesenc.512", _WIDE, [block, key]) for block in blocks]
    return [f.call("@llvm.x86.aesni.aesenclast.512", _WIDE, [block, keys[-1]]) for block in blocks]


@cache
def cipher_library() -> Library | None:
    """Where the kernel is kept, if this machine has the instructions."""
    able = llvm.present() and platform.machine() in CIPHER.machines and llvm.host_features().issuperset(CIPHER.features)
    return library(CIPHER, default_folder()) if able else None


def counted(made: Library, key: bytes, first: int, out: Words) -> None:
    """The words of a stream from word `first` on, into one row without gaps."""
    ready = first % BLOCK_WORDS  # words of the first block that were read before
    if ready:
        _part(made, key, first // BLOCK_WORDS, out[: GROUP_WORDS - ready], ready)
        first, out = first + GROUP_WORDS - ready, out[GROUP_WORDS - ready :]
    whole = out.size // GROUP_WORDS * GROUP_WORDS
    _groups(made, key, first // BLOCK_WORDS, out[:whole])
    _part(made, key, (first + whole) // BLOCK_WORDS, out[whole:], 0)


def _part(made: Library, key: bytes, block: int, out: Words, skipped: int) -> None:
    """Less than a group."""
    if out.size:
        room = np.empty(GROUP_WORDS, np.uint64)
        _groups(made, key, block, room)
        out[...] = room[skipped : skipped + out.size]


def _groups(made: Library, key: bytes, block: int, out: Words) -> None:
    if out.size:
        secret = np.frombuffer(key, np.uint8)
        numbers = [secret.ctypes.data, out.ctypes.data, block, out.size // GROUP_WORDS]
        made.kernel(CounterKernel())(np.array(numbers, np.int64))
