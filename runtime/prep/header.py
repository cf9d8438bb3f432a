"""What a preprocessing file says of itself, in JSON of one form only, signed by its dealer.

Called by `writing` and `reading`. No secret stands here: seeds and halves of keys are named by their hashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import Any, cast

from ppc.errors import PpcError, fail
from ppc.plan.steps import Plan

FORMAT = "ppc-prep"
VERSION = 1
LARGEST = 65_536  # bytes of the JSON
DEEPEST = 4
_NUMBER = re.compile(r"[0-9a-f]{32}")
_HASH = re.compile(r"[0-9a-f]{64}")
MOST_SEGMENTS = 1 << 20
_LARGEST_INTEGER = 1 << 48


@dataclass(frozen=True, kw_only=True)
class Header:
    """One party's half of what one run uses up. Times are seconds since 1970."""

    format: str = FORMAT
    version: int = VERSION
    party: str
    role: int  # the party's place in the plan
    plan: str
    artifact: str  # hash of the plan: its schedule and all its masks
    field: str
    protocol: Mapping[str, Any]
    iterations: int
    uses: int = 1
    pair: str
    prep: str
    created: int
    expires: int
    dealer: str  # its public key
    seed: str  # hash of the seed
    own_half: str  # hashes of the two halves of the key of this file
    peer_half: str
    segments: int
    root: str  # of the tree of hashes over the segments

    def encode(self) -> bytes:
        """The one form: sorted names, no spaces, no sign beyond ASCII."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    def __post_init__(self) -> None:
        """Whoever makes one keeps the rules that a reader checks."""
        if not all(_right(self, each.name) for each in fields(self)):
            raise ValueError("no header of this form")


_NUMBERS = {"prep": _NUMBER, "pair": _NUMBER}
_HASHES = ("artifact", "dealer", "seed", "own_half", "peer_half", "root")
_WORDS = ("party", "plan", "field")
_INTEGERS = {
    "version": (VERSION, VERSION),
    "role": (0, 1),
    "iterations": (1, MOST_SEGMENTS),
    "uses": (1, 1),
    "created": (0, _LARGEST_INTEGER),
    "expires": (0, _LARGEST_INTEGER),
    "segments": (1, MOST_SEGMENTS),
}


def _right(header: Header, name: str) -> bool:
    value: object = getattr(header, name)
    if name in _INTEGERS:
        low, high = _INTEGERS[name]
        return type(value) is int and low <= value <= high
    if name == "protocol":
        return isinstance(value, Mapping)
    if not isinstance(value, str):
        return False
    if name in _WORDS:
        return 1 <= len(value) <= 200 and value.isprintable()
    if name == "format":
        return value == FORMAT
    pattern = _HASH if name in _HASHES else _NUMBERS[name]
    return pattern.fullmatch(value) is not None


def decode(data: bytes, name: str) -> Header:
    """The header that these bytes are; they must be exactly what `encode` makes of it."""
    found = _json(data)
    if found is None or found.get("format") != FORMAT:
        raise damaged(name, "has no header of a preprocessing file")
    version: object = found.get("version")
    if type(version) is int and version != VERSION:
        raise fail(
            "PPC551",
            f"`{name}` has version {version} of the format; this ppc reads version {VERSION}.",
            hint="Run the same ppc at the dealer and at both parties, and deal again.",
        )
    try:
        header = Header(**found)
        same = header.encode() == data
    except (TypeError, ValueError, RecursionError):
        raise damaged(name, "has a header that lacks or adds something") from None
    if not same:
        raise damaged(name, "has a header in another form than ppc writes")
    return header


def _json(data: bytes) -> dict[str, Any] | None:
    if len(data) > LARGEST or _depth(data) > DEEPEST:
        return None
    try:
        found = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _depth(data: bytes) -> int:
    """An upper bound for how deep brackets stand in each other; the one form has few of them."""
    depth = deepest = 0
    for byte in data:
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    return deepest


def damaged(name: str, how: str) -> PpcError:
    return fail("PPC550", f"`{name}` {how}.", hint="Copy it again from the dealer, or deal again.")


def protocol(plan: Plan, public: str = "") -> dict[str, Any]:
    """The parameters of the protocol, for people; the artifact's hash binds all of them, step by step. Beside it stands
    the hash of the public weights, where there are any: the dealer's numbers depend on them."""
    return {
        **({"public weights": public} if public else {}),
        "level": plan.level,
        "batch": plan.batch,
        "shifts": _distinct(plan, "shift"),
        "digits": _distinct(plan, "digits"),
        "rounding": _distinct(plan, "rounding"),
        "drowned": _distinct(plan, "drowned"),
    }


def _distinct(plan: Plan, key: str) -> list[Any]:
    found = {step.attrs[key] for step in plan.steps() if key in step.attrs}
    return sorted(cast("set[Any]", found))


def commitment(what: str, pair: str, secret: bytes) -> str:
    """A hash that names 32 random bytes and shows nothing of them."""
    return sha256(f"ppc/prep/v1|{what}|{pair}|".encode() + secret).hexdigest()


# ---- the tree of hashes ----


def root(entries: Sequence[bytes]) -> str:
    """Over the table's entries. Inner nodes hash two below them; the last one of an odd row goes up as it is."""
    row = [sha256(b"\x00" + entry).digest() for entry in entries]
    while len(row) > 1:
        pairs = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
        row = pairs + ([row[-1]] if len(row) % 2 else [])
    return row[0].hex()
