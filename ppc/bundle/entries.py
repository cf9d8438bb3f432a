"""An object of a bundle's JSON, read key by key: each has to be there, of its kind, and no other may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ppc.bundle.canonical import bad
from ppc.errors import PpcError

WORD = re.compile(r"[A-Za-z_]\w{0,199}", re.ASCII)
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`file` and `place` say where it stands, for the message."""

    file: str
    place: str
    value: Mapping[str, Any]

    @classmethod
    def of(cls, value: object, *, file: str, place: str) -> Entry:
        if not isinstance(value, dict):
            raise bad(file, f"{place} is no object")
        return cls(file=file, place=place, value=cast(dict[str, Any], value))

    def only(self, *keys: str) -> None:
        """No other keys than these."""
        if more := sorted(self.value.keys() - set(keys)):
            raise bad(self.file, f"{self.place} has a key `{more[0][:60]}`, which the format does not know")

    def get(self, key: str) -> Any:
        if key not in self.value:
            raise bad(self.file, f"{self.place} has no `{key}`")
        return self.value[key]

    def wrong(self, key: str, needed: str) -> PpcError:
        return bad(self.file, f"`{key}` of {self.place} is not {needed}")

    def text(self, key: str, pattern: re.Pattern[str], needed: str) -> str:
        found = self.get(key)
        if not isinstance(found, str) or not pattern.fullmatch(found):
            raise self.wrong(key, needed)
        return found

    def word(self, key: str) -> str:
        return self.text(key, WORD, "a name")

    def hash(self, key: str) -> str:
        return self.text(key, HASH, "a SHA-256 in 64 small hexadecimal digits")

    def whole(self, key: str, low: int, high: int) -> int:
        found = self.get(key)
        if type(found) is not int or not low <= found <= high:
            raise self.wrong(key, f"a whole number from {low:,} to {high:,}")
        return found

    def items(self, key: str, *, most: int) -> list[Any]:
        found = self.get(key)
        if not isinstance(found, list) or len(cast(list[Any], found)) > most:
            raise self.wrong(key, f"a list of at most {most:,}")
        return cast(list[Any], found)

    def entry(self, key: str) -> Entry:
        return Entry.of(self.get(key), file=self.file, place=f"`{key}`")

    def entries(self, key: str, *, most: int) -> tuple[Entry, ...]:
        found = self.items(key, most=most)
        return tuple(Entry.of(one, file=self.file, place=f"`{key}` {number}") for number, one in enumerate(found, 1))
