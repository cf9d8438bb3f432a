"""Changes of what a party says about its preprocessing files: a header, its length, and behind them the words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ppc.runtime.prep.heads import decode_head
from tests.hostile.deeds import HEAD, Change

TWO = 2 * HEAD.size  # the first header says how long the words are, the second one stands before them


def own_word(text: bytes) -> Change:
    """Other words, well framed."""

    def change(data: bytes) -> bytes:
        (first, _), (second, _) = HEAD.unpack_from(data), HEAD.unpack_from(data, HEAD.size)
        whole = text + bytes(-len(text) % 8)
        return HEAD.pack(first, len(text)) + (HEAD.pack(second, len(whole)) + whole if whole else b"")

    return change


def claiming(length: int) -> Change:
    """The same words, which are said to be so long."""
    return lambda data: HEAD.pack(HEAD.unpack_from(data)[0], length) + data[HEAD.size :]


def other_words(place: int, text: bytes) -> Change:
    """Some of the words."""
    start = TWO + place
    return lambda data: data[:start] + text + data[start + len(text) :]


def head(**fields: Any) -> Change:
    """A head with other facts in it."""

    def change(data: bytes) -> bytes:
        length = HEAD.unpack_from(data)[1]
        return own_word(replace(decode_head(data[TWO : TWO + length]), **fields).encode())(data)

    return change


def other_half(data: bytes) -> bytes:
    """The head of the other party's half of the pair."""
    length = HEAD.unpack_from(data)[1]
    return head(role=1 - decode_head(data[TWO : TWO + length]).role)(data)
