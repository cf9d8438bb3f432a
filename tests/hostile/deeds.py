"""What may be done in the place of a message. Each deed gets the mouth and the message that was meant."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.hostile.mouth import LENGTH, Deed, Dress, Mouth, told

HEAD = struct.Struct("<QQ")
Change = Callable[[bytes], bytes]


def changed(change: Change) -> Deed:
    """Something else is written, and then it goes on as if nothing were."""
    return lambda mouth, data: mouth.write(change(data))


def first(change: Change, then: Callable[[Mouth], None]) -> Deed:
    """Something is written, and then something done that ends it."""

    def deed(mouth: Mouth, data: bytes) -> None:
        mouth.write(change(data))
        then(mouth)

    return deed


def slowly(mouth: Mouth, data: bytes) -> None:
    mouth.drip(data)


def left_out(mouth: Mouth, _data: bytes) -> None:
    mouth.write(b"")


def swapped(mouth: Mouth, data: bytes) -> None:
    """It comes after the next one."""
    mouth.hold(data)


def beneath(text: bytes) -> Deed:
    """Into the stream under TLS, by whoever sits between; and then the message."""

    def deed(mouth: Mouth, data: bytes) -> None:
        mouth.beneath(text)
        mouth.write(data)

    return deed


# ---- changes of bytes ----


def cut(count: int) -> Change:
    return lambda data: data[:count]


def without_last(count: int) -> Change:
    return lambda data: data[:-count]


def longer(count: int) -> Change:
    return lambda data: data + bytes(count)


def twice(data: bytes) -> bytes:
    return data + data


def flipped(bit: int) -> Change:
    """Bits count from the first of the first byte; negative ones from the end."""

    def change(data: bytes) -> bytes:
        found, place = bytearray(data), bit % (8 * len(data))
        found[place // 8] ^= 1 << place % 8
        return bytes(found)

    return change


def instead(text: bytes) -> Change:
    return lambda _data: text


def as_many(byte: int) -> Change:
    """As long as what was meant."""
    return lambda data: bytes([byte]) * len(data)


def before(text: bytes) -> Change:
    return lambda data: text + data


def element(place: int, change: Callable[[int, int], int]) -> Deed:
    """An element of the payload, by what it was and by p; negative places from the end."""

    def deed(mouth: Mouth, data: bytes) -> None:
        found, size = bytearray(data), 8 * mouth.field.words
        at = HEAD.size + size * place if place >= 0 else len(data) + size * place
        old = int.from_bytes(data[at : at + size], "little")
        found[at : at + size] = (change(old, mouth.field.modulus) % 2 ** (8 * size)).to_bytes(size, "little")
        mouth.write(bytes(found))

    return deed


def header(*, section: int | None = None, iteration: int = 0, round_: int = 0, length: int | None = None) -> Change:
    """Another header: a section of its own, numbers to add, another length; the payload stays."""

    def change(data: bytes) -> bytes:
        place, size = HEAD.unpack_from(data)
        place = (place + iteration + (round_ << 32)) % 2**64
        if section is not None:
            place = place % 2**48 | section << 48
        return HEAD.pack(place, size if length is None else length % 2**64) + data[HEAD.size :]

    return change


def grown(data: bytes) -> bytes:
    """A header that says one word more."""
    return header(length=len(data) - HEAD.size + 8)(data)


# ---- greetings ----


def text_of(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data[LENGTH.size :])
    return found


def saying(**fields: Any) -> Change:
    """A greeting with other words; None leaves one out."""

    def change(data: bytes) -> bytes:
        found = text_of(data) | fields
        return told({key: value for key, value in found.items() if value is not Ellipsis})

    return change


def telling(**fields: str | None) -> Change:
    """The same of what is told in it."""

    def change(data: bytes) -> bytes:
        found = text_of(data)
        found["told"] = {key: value for key, value in (found["told"] | fields).items() if value is not None}
        return told(found)

    return change


def framed(text: bytes, length: int | None = None) -> Change:
    """A text of that length, or one that says so."""
    return instead(LENGTH.pack(len(text) if length is None else length) + text)


# ---- TLS ----


def dressed(**changes: Any) -> Deed:
    def deed(mouth: Mouth, _data: bytes) -> None:
        mouth.wear(replace(mouth.dress, **changes))

    return deed


def with_certificate_of(name: str) -> Deed:
    def deed(mouth: Mouth, _data: bytes) -> None:
        assert mouth.dress.folder is not None
        mouth.wear(Dress(Path(mouth.dress.folder).parent / name))

    return deed
