"""Short JSON texts between two machines, read strictly: limited in length and depth, each name once, no odd numbers.

Nothing here looks at what they say. Data never travels this way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

LARGEST = 65_536  # bytes of one message
DEEPEST = 16  # objects and lists within each other
LENGTH_BYTES = 4


def to_bytes(message: Mapping[str, Any]) -> bytes:
    """A message as it travels: its length, then its text."""
    text = json.dumps(message, ensure_ascii=True, allow_nan=False, sort_keys=True).encode()
    if len(text) > LARGEST:
        raise ValueError(f"a message of {len(text)} bytes")
    return len(text).to_bytes(LENGTH_BYTES, "big") + text


def from_json(data: bytes, largest: int = LARGEST) -> dict[str, Any] | None:
    """The object that a text holds; None where it is not one, or breaks a limit."""
    try:
        found = value_of(data, largest)
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def value_of(data: bytes, largest: int = LARGEST) -> object:
    """What a text of JSON holds; ValueError where it is none, or breaks a limit. A number may still be larger than a
    float: who makes one of it reckons with OverflowError."""
    if len(data) > largest or _depth(data) > DEEPEST:
        raise ValueError("too long, or too deep")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_refused)
    except RecursionError:
        raise ValueError("too deep") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refused(name: str) -> Any:
    raise ValueError(name)


def _depth(data: bytes) -> int:
    """How deep brackets stand in each other, outside of strings: known before anything recurses."""
    depth = deepest = 0
    quoted = escaped = False
    for byte in data:
        if quoted:
            escaped, quoted = byte == 0x5C and not escaped, escaped or byte != 0x22
        elif byte == 0x22:
            quoted = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
