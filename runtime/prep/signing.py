"""The dealer's key: signs every file, so that a party can tell who made it. Ed25519; the public key is its name."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ppc.errors import fail
from ppc.runtime.prep.disk import Disk, reading, writing

SIGNATURE_BYTES = 64
KEY_FILE = "dealer.key"
_KEY = re.compile(rb"[0-9a-f]{64}\n")
_CONTEXT = b"ppc/prep/v1|signature|"


class DealerKey:
    """The private key. It never shows itself; `name` is public."""

    __slots__ = ("_key", "name")

    def __init__(self, secret: bytes | None = None) -> None:
        self._key = Ed25519PrivateKey.generate() if secret is None else Ed25519PrivateKey.from_private_bytes(secret)
        self.name = self._key.public_key().public_bytes_raw().hex()

    def __repr__(self) -> str:
        return f"DealerKey({self.name[:16]}…)"

    def sign(self, header: bytes) -> bytes:
        return self._key.sign(_CONTEXT + header)

    def save(self, path: Path, *, disk: Disk | None = None) -> None:
        """Into a new file that nobody else can read."""
        disk = disk or Disk()
        with writing(path):
            disk.folder(path.parent)
            number = disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                disk.write(number, self._key.private_bytes_raw().hex().encode() + b"\n")
                disk.sync(number)
            finally:
                os.close(number)
            disk.sync_folder(path.parent)


def load_key(path: Path) -> DealerKey:
    """A dealer's key from its file."""
    with reading(path), path.open("rb") as file:
        rights, data = os.fstat(file.fileno()).st_mode, file.read(66)
    if stat.S_IMODE(rights) & 0o077:
        raise fail("PPC561", f"`{path}` can be read by others.", hint=f"`chmod 600 {path}`, or make a new key.")
    if _KEY.fullmatch(data) is None:
        raise fail("PPC561", f"`{path}` is no dealer's key.", hint="A new one is made where there is none.")
    return DealerKey(bytes.fromhex(data.decode().strip()))


def load_or_make(path: Path) -> DealerKey:
    """The key of this dealer; a new one at its first use."""
    if not path.exists():
        DealerKey().save(path)
    return load_key(path)


def signed(dealer: str, header: bytes, signature: bytes) -> bool:
    """Whether this dealer signed these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(dealer)).verify(signature, _CONTEXT + header)
    except (InvalidSignature, ValueError):
        return False
    return True
