"""A message changed at random: bits, bytes, parts; longer, shorter, or nothing like it."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

LONGEST = 40  # bytes of a part
ODD = (
    b"\0",
    b"\xff" * 8,
    b"9" * 20,
    b"[" * 40,
    b"{}",
    b'"',
    b"null",
    b"-1",
    b"\xed\xa0\x80",
    b"1e999",
    b"\x7f" + b"\xff" * 7,
)
Way = Callable[[Generator, bytes, int, int], bytes]


def _bit(draw: Generator, data: bytes, start: int, _end: int) -> bytes:
    if not data:
        return data
    found = bytearray(data)
    found[start % len(data)] ^= 1 << int(draw.integers(8))
    return bytes(found)


def _other(draw: Generator, data: bytes, start: int, end: int) -> bytes:
    return data[:start] + draw.bytes(end - start) + data[end:]


def _odd(draw: Generator, data: bytes, start: int, end: int) -> bytes:
    return data[:start] + ODD[int(draw.integers(len(ODD)))] + data[end:]


def _left_out(_draw: Generator, data: bytes, start: int, end: int) -> bytes:
    return data[:start] + data[end:]


def _twice(_draw: Generator, data: bytes, start: int, end: int) -> bytes:
    return data[:end] + data[start:]


def _moved(_draw: Generator, data: bytes, start: int, end: int) -> bytes:
    return data[end:] + data[start:end] + data[:start]


def _cut(_draw: Generator, data: bytes, start: int, _end: int) -> bytes:
    return data[:start]


def _nothing_like_it(draw: Generator, data: bytes, _start: int, _end: int) -> bytes:
    return draw.bytes(len(data))


WAYS: tuple[Way, ...] = (_bit, _bit, _other, _odd, _left_out, _twice, _moved, _cut, _nothing_like_it)


def mutated(draw: Generator, data: bytes) -> bytes:
    """One change, or a few."""
    for _ in range(int(draw.integers(1, 4))):
        start = int(draw.integers(len(data) + 1))
        end = min(len(data), start + int(draw.integers(LONGEST)))
        data = WAYS[int(draw.integers(len(WAYS)))](draw, data, start, end)
    return data
