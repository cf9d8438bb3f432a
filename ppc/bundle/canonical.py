"""JSON in the one way that a bundle writes it, so that equal things have equal bytes; and a reader of nothing else.

Keys in order and each once, two spaces of indentation, UTF-8, whole numbers only, a newline at the end: what
`jq -S .` prints. Whatever is not written so is refused, and with it most of what JSON readers disagree about.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ppc.errors import PpcError, fail

DEEPEST = 16  # of nesting; far more than a manifest has, far less than a reader's stack
LONGEST_NUMBER = 16  # digits: such a number is exact in every reader of JSON


def written(value: object) -> bytes:
    """The bytes of a value made of objects, lists, texts, whole numbers, flags and null."""
    return (json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest(value: object) -> str:
    """The SHA-256 of a value as it is written."""
    return sha256(written(value))


def parsed(data: bytes, name: str) -> Any:
    """The value, if these are the bytes that `written` makes of it. `name` is the file, for the message."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise bad(name, "it is not UTF-8 text") from None
    if _depth(text) > DEEPEST:
        raise bad(name, f"it is nested deeper than {DEEPEST}")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_real)
    except _RefusedError as reason:
        raise bad(name, str(reason)) from None
    except ValueError:
        raise bad(name, "it is no JSON, or was cut off") from None
    try:
        same = written(value) == data
    except UnicodeEncodeError:  # half of a character, as "\ud800" is
        same = False
    if not same:
        raise bad(name, "it is not written in the one way that ppc writes JSON")
    return value


def bad(name: str, why: str) -> PpcError:
    return fail("PPC544", f"`{name}` is not what ppc writes: {why}.", hint="Compile the program again.")


class _RefusedError(Exception):
    """Why a value may not be in a bundle; a ValueError would be taken for JSON's own."""


def _depth(text: str) -> int:
    """How deep brackets are nested outside of texts, before a reader follows them."""
    depth = deepest = 0
    inside = escaped = False
    for character in text:
        if inside:
            escaped, inside = character == "\\" and not escaped, character != '"' or escaped
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError("it says a key twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise _RefusedError(f"it has a number of more than {LONGEST_NUMBER} digits")
    return int(digits)


def _real(_: str) -> float:
    raise _RefusedError("it has a number that is not whole")
