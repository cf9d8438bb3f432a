"""The package: samples for one target and one key, in one file. Numbers and lengths only: reading it runs nothing.

    head    "ppcSecDD" · version · kind · name of the key                          19 bytes, always readable
    sealed  nonce · AES-256-GCM(facts · arrays) under a key derived from the key, bound to the head
    bare    facts · arrays · HMAC-SHA-256 over all before it, under such a key: readable by all, changed by nobody

Facts are JSON of a known form, with the target's tag and the fingerprint of its first weights; arrays are half
precision, little-endian, images before labels. Whatever is read is checked before anything is computed with it.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import struct
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ppc.distilled.samples import Samples
from ppc.distilled.secret import NAME_BYTES, Key
from ppc.errors import PpcError, fail
from ppc.ir.policy import LOSSES, Loss

MAGIC, VERSION = b"ppcSecDD", 1
SEALED, BARE = 1, 2
LARGEST = 256 << 20
_HEAD = struct.Struct(f"<8sHB{NAME_BYTES}s")
_LENGTH = struct.Struct("<I")
_NONCE_BYTES, _TAG_BYTES = 12, 32
_KINDS = {
    "classes": int,
    "image": list,
    "loss": str,
    "rates": list,
    "samples": int,
    "spread": float,
    "start": str,
    "target": str,
}
_DIGEST = re.compile("[0-9a-f]{64}")
_MOST_STEPS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Package:
    """Samples, and what they are bound to."""

    samples: Samples  # in half precision
    loss: Loss
    spread: float  # of the first weights
    target: str  # tag of the architecture, which only who has the key can make
    start: str  # fingerprint of the first weights


def tag(key: Key, architecture: str) -> str:
    """By which a device knows its architecture again, and nobody can try architectures out."""
    return hmac.digest(key.derived("architecture"), architecture.encode(), "sha256").hex()


def pack(package: Package, key: Key, *, bare: bool = False) -> bytes:
    """The bytes of a package."""
    head = _HEAD.pack(MAGIC, VERSION, BARE if bare else SEALED, bytes.fromhex(key.name))
    body = _body(package)
    if bare:
        return head + body + _mac(key, head + body)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return head + nonce + AESGCM(key.derived("package")).encrypt(nonce, body, head)


def unpack(data: bytes, key: Key) -> Package:
    """The package in some bytes, if it is one of this version, for this key, and whole."""
    head, rest, kind = _headed(data, key)
    if kind == BARE:
        body, mac = rest[:-_TAG_BYTES], rest[-_TAG_BYTES:]
        if not hmac.compare_digest(mac, _mac(key, head + body)):
            raise _damaged("what it says of itself does not belong to it")
        return _package(body)
    try:
        nonce, sealed = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        return _package(AESGCM(key.derived("package")).decrypt(nonce, sealed, head))
    except (InvalidTag, ValueError):  # a nonce that is cut off is a ValueError
        raise _damaged("it does not decrypt") from None


def is_package(data: bytes) -> bool:
    """By its first bytes."""
    return data.startswith(MAGIC)


def name_in(data: bytes) -> str:
    """The name of the key that a package is for, which everybody can read."""
    return _HEAD.unpack_from(data)[3].hex()


def is_bare(data: bytes) -> bool:
    """Can everybody read the samples?"""
    return len(data) >= _HEAD.size and _HEAD.unpack_from(data)[2] == BARE


def _headed(data: bytes, key: Key) -> tuple[bytes, bytes, int]:
    """Head, what follows it, and its kind; for the right version and the right key only."""
    if not is_package(data):
        raise _damaged("it begins as no package does")
    if len(data) < _HEAD.size or len(data) > LARGEST:
        raise _damaged("it is cut off" if len(data) < LARGEST else f"it has more than {LARGEST >> 20} MiB")
    _, version, kind, name = _HEAD.unpack_from(data)
    if version != VERSION:
        message = f"The package has version {version} of the format; this ppc reads version {VERSION}."
        raise fail("PPC592", message, hint="Build it again with this ppc, or train with the ppc that built it.")
    if kind not in (SEALED, BARE):
        raise _damaged("it is neither sealed nor bare")
    if name.hex() != key.name:
        message = f"The package is for the key {name.hex()}; this one is {key.name}."
        raise fail("PPC593", message, hint="Give the key that it was built with; `ppc key show FILE` prints its name.")
    return data[: _HEAD.size], data[_HEAD.size :], kind


def _mac(key: Key, data: bytes) -> bytes:
    return hmac.digest(key.derived("bare package"), data, "sha256")


def _body(package: Package) -> bytes:
    samples = package.samples
    facts = {
        "classes": samples.labels.shape[1],
        "image": list(samples.images.shape[1:]),
        "loss": package.loss,
        "rates": list(samples.rates),
        "samples": len(samples),
        "spread": float(package.spread),
        "start": package.start,
        "target": package.target,
    }
    text = json.dumps(facts, separators=(",", ":")).encode()
    arrays = (np.ascontiguousarray(values, "<f2").tobytes() for values in samples.arrays.values())
    return _LENGTH.pack(len(text)) + text + b"".join(arrays)


def _package(body: bytes) -> Package:
    """Whoever wrote it had the key; what does not fit is refused all the same."""
    facts, arrays = _facts(body)
    count, image, classes = facts["samples"], tuple(facts["image"]), facts["classes"]
    sizes = (count, *image, classes)
    if not 1 <= len(image) <= 3 or not all(type(size) is int and 0 < size < 2**31 for size in sizes):
        raise _damaged("its sizes are none")
    pixels = count * prod(image)
    if len(arrays) != 2 * (pixels + count * classes):
        raise _damaged("its arrays have another length than it says")
    values = np.frombuffer(arrays, "<f2").astype(np.float16)
    rates = facts["rates"]
    if not 0 < len(rates) <= _MOST_STEPS or not all(type(rate) is float and 0 < rate < 1e6 for rate in rates):
        raise _damaged("its steps have no sizes")
    if not np.isfinite(values).all():
        raise _damaged("its arrays hold something that is no number")
    samples = Samples(
        images=values[:pixels].reshape(count, *image),
        labels=values[pixels:].reshape(count, classes),
        rates=tuple(rates),
    )
    if not all(_DIGEST.fullmatch(facts[name]) for name in ("start", "target")):
        raise _damaged("what it is bound to is no hash")
    losses: list[Loss] = [loss for loss in LOSSES if str(loss) == facts["loss"]]
    if not losses or not 0 < facts["spread"] < 1000:
        raise _damaged("it is trained in no way that there is")
    return Package(
        samples=samples, loss=losses[0], spread=facts["spread"], target=facts["target"], start=facts["start"]
    )


def _facts(body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        (length,) = _LENGTH.unpack_from(body)
        end = _LENGTH.size + length
        found = json.loads(body[_LENGTH.size : end])
    except (struct.error, ValueError, RecursionError):
        raise _damaged("what it says of itself is no text of ours") from None
    if not isinstance(found, dict):
        raise _damaged("what it says of itself is no text of ours")
    facts = cast("dict[str, Any]", found)
    if {name: type(value) for name, value in facts.items()} != _KINDS:
        raise _damaged("what it says of itself is not complete")
    return facts, body[end:]


def _damaged(why: str) -> PpcError:
    hint = "Nothing of it was used. Copy it again from its owner, and compare the sizes."
    return fail("PPC591", f"This is no whole package: {why}.", hint=hint)
