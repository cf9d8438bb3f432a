"""A checkpoint: this party's shares of the carried values, behind a header that says of which training and which step.

    8 bytes    magic, and the length of the header
    header     JSON, sorted names, no spaces, ASCII
    12 bytes   nonce
    sealed     AES-256-GCM, bound to the header: the order's seed, the hash of the data, then the shares in plan order

Both parties' checkpoints of one step have one `mark`, which no other step and no other session has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from secrets import token_bytes
from struct import Struct
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ppc.errors import PpcError, fail
from ppc.field import Field, Words
from ppc.plan.steps import Plan

FORMAT = "ppc-checkpoint"
VERSION = 1
KEY_BYTES = 32
SEED_BYTES = 32
HASH_BYTES = 32
LARGEST_HEADER = 4096
_FRONT = Struct("<4sI")
_MAGIC = b"ppck"
_NONCE_BYTES = 12
_MARK = re.compile(r"[0-9a-f]{32}")
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST = 1 << 40


@dataclass(frozen=True, kw_only=True)
class Header:
    """What may be known without a key. `session` is the run in which it was written."""

    format: str = FORMAT
    version: int = VERSION
    party: str
    role: int  # the party's place in the plan
    plan: str  # hash of the plan
    training: str  # what all checkpoints of one training share, at both parties
    mark: str  # what both parties' checkpoints of this step share
    session: str
    step: int  # so many steps are in it
    steps: int  # so many there will be
    examples: int

    def encode(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    def __post_init__(self) -> None:
        if not all(_right(self, each.name) for each in fields(self)):
            raise ValueError("no header of this form")


def _right(header: Header, name: str) -> bool:
    value: object = getattr(header, name)
    match name:
        case "format":
            return value == FORMAT
        case "version":
            return value == VERSION
        case "role":
            return type(value) is int and value in (0, 1)
        case "step" | "steps" | "examples":
            return type(value) is int and 0 <= value < _MOST and header.step <= header.steps
        case "party":
            return isinstance(value, str) and 1 <= len(value) <= 200 and value.isprintable()
        case _:
            pattern = _HASH if name == "plan" else _MARK
            return isinstance(value, str) and pattern.fullmatch(value) is not None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A checkpoint, opened."""

    header: Header
    order: bytes = field(repr=False)  # the seed of the order of the examples
    data: bytes = field(repr=False)  # the hash of what this party learns from
    shares: Mapping[str, Words] = field(repr=False)

    def seal(self, key: bytes, plan: Plan) -> bytes:
        head, nonce = self.header.encode(), token_bytes(_NONCE_BYTES)
        parts = [self.order, self.data, *(self.shares[name].tobytes() for name in carried(plan))]
        return _FRONT.pack(_MAGIC, len(head)) + head + nonce + AESGCM(key).encrypt(nonce, b"".join(parts), head)


def carried(plan: Plan) -> tuple[str, ...]:
    """The values that a checkpoint holds, in its order."""
    return tuple(carry.name for carry in plan.section("each").carries)


def sealed_bytes(plan: Plan) -> int:
    """Of the sealed part; known from the plan, so that no file says how much is read."""
    field_ = plan.modulus_field
    words = sum(plan.wires[name].size * field_.words for name in carried(plan))
    return SEED_BYTES + HASH_BYTES + 8 * words + 16


def most_bytes(plan: Plan) -> int:
    return _FRONT.size + LARGEST_HEADER + _NONCE_BYTES + sealed_bytes(plan)


def header_of(data: bytes, name: str) -> tuple[Header, bytes]:
    """What a file says of itself, and what is sealed behind that."""
    magic, length = _FRONT.unpack(data[: _FRONT.size]) if len(data) >= _FRONT.size else (b"", 0)
    text = data[_FRONT.size : _FRONT.size + length]
    if magic != _MAGIC or length > LARGEST_HEADER or len(text) != length:
        raise damaged(name, "is no checkpoint")
    return _decoded(text, name), data[_FRONT.size + length :]


def _decoded(text: bytes, name: str) -> Header:
    try:
        found: Any = json.loads(text.decode("ascii"))
        header = Header(**found)
        same = header.encode() == text
    except (TypeError, ValueError, RecursionError):
        raise damaged(name, "has a header that this version of ppc did not write") from None
    if not same:
        raise damaged(name, "has a header in another form than ppc writes")
    return header


def unseal(data: bytes, key: bytes, plan: Plan, name: str) -> Kept:
    """The checkpoint that these bytes are."""
    header, sealed = header_of(data, name)
    nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    if len(body) != sealed_bytes(plan):
        raise damaged(name, f"has {len(body):,} bytes of shares; its plan says {sealed_bytes(plan):,}")
    try:
        opened = AESGCM(key).decrypt(nonce, body, header.encode())
    except InvalidTag:
        raise damaged(name, "was changed, or was written on another machine") from None
    order, rest = opened[:SEED_BYTES], opened[SEED_BYTES:]
    return Kept(header=header, order=order, data=rest[:HASH_BYTES], shares=_shares(rest[HASH_BYTES:], plan, name))


def _shares(data: bytes, plan: Plan, name: str) -> dict[str, Words]:
    """Every share as elements of the field; a number beyond it is none."""
    field_, place = plan.modulus_field, 0
    found: dict[str, Words] = {}
    for value in carried(plan):
        shape = field_.shape(*plan.wires[value].shape)
        size = 8 * int(np.prod(shape, dtype=np.int64))
        words = np.frombuffer(data[place : place + size], "<u8").astype(np.uint64).reshape(shape)
        if not inside(words, field_):
            raise damaged(name, f"has numbers of {value} that the field does not have")
        found[value], place = words, place + size
    return found


def inside(words: Words, field_: Field) -> bool:
    """Whether all are elements, 0..p-1."""
    if field_.words == 1:
        return bool((words < np.uint64(field_.modulus)).all())
    low, high = words[..., 0], words[..., 1]
    top = np.uint64(field_.modulus >> 64)
    return bool(((high < top) | ((high == top) & (low != np.uint64(2**64 - 1)))).all())


def damaged(name: str, how: str) -> PpcError:
    return fail("PPC570", f"`{name}` {how}.", hint="Delete it: the one before it is taken, at both parties.")
