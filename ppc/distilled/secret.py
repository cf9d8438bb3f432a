"""The key: 256 secret bits, from which the first weights and the package's own keys are derived.

    derived(purpose)  = HKDF-SHA-256(key, info = "ppc/distilled/v1|purpose")          RFC 5869
    words(purpose)    = ChaCha20 under derived(purpose), counter 0, as little-endian 64-bit numbers    RFC 8439

A key is drawn by the operating system's generator and never from a seed that somebody could guess. It is a file that
only its owner may read; packages carry its name, which is derived from it and tells nothing of it.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from ppc.errors import PpcError, fail

KEY_BYTES = 32
NAME_BYTES = 8
_HEAD = "ppc distilled key, version 1"
_FILE = re.compile(rf"{_HEAD}\n([0-9a-f]{{{2 * KEY_BYTES}}})\n?")
_OTHERS = 0o077
_LONGEST = 200  # bytes that are read: a key has fewer

Words = NDArray[np.uint64]


class Key:
    """Secret bytes that never show themselves."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secrets.token_bytes(KEY_BYTES) if secret is None else secret

    def __repr__(self) -> str:
        return f"Key({self.name})"

    @property
    def name(self) -> str:
        """By which a package says whose it is."""
        return self.derived("name", NAME_BYTES).hex()

    def derived(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """Bytes for one purpose; those for another tell nothing of them."""
        info = f"ppc/distilled/v1|{purpose}".encode()
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(self._secret)

    def words(self, purpose: str, count: int) -> Words:
        """Uniform 64-bit numbers, the same on every machine."""
        cipher = Cipher(
            ChaCha20(self.derived(purpose), bytes(16)), mode=None
        )  # a key of its own: the nonce may be zero
        stream = cipher.encryptor().update(bytes(8 * count))
        return np.frombuffer(stream, dtype="<u8").astype(np.uint64)


def read(path: Path) -> Key:
    """The key in a file that nobody else may read."""
    try:
        rights, text = _held(path)
    except OSError as error:
        hint = f"`ppc key new {path}` makes one." if isinstance(error, FileNotFoundError) else ""
        raise _unusable(path, f"cannot be read: {error.strerror or error}", hint) from None
    except UnicodeDecodeError:
        raise _unusable(path, "is no key of ppc", "A key is a file of two lines.") from None
    if not stat.S_ISREG(rights):
        raise _unusable(path, "is no file", "A key is a file of two lines.")
    if stat.S_IMODE(rights) & _OTHERS:
        raise _unusable(path, "may be read by others", f"`chmod 600 {path}`, and think of who may have read it.")
    found = _FILE.fullmatch(text)
    if found is None:
        raise _unusable(path, "is no key of ppc", "A key is a file of two lines; copy it again.")
    return Key(bytes.fromhex(found[1]))


def _held(path: Path) -> tuple[int, str]:
    """Kind and rights of what is there, and its beginning where it is a file: nothing is waited for, nor read on."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        rights = os.fstat(file.fileno()).st_mode
        return rights, file.read(_LONGEST).decode("ascii") if stat.S_ISREG(rights) else ""


def write(path: Path, key: Key | None = None) -> Key:
    """A new key in a new file."""
    key = key or Key()
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(f"{_HEAD}\n{key._secret.hex()}\n")  # pyright: ignore[reportPrivateUsage]
    except FileExistsError:
        hint = "A key is never overwritten: what it trained could not be trained again. Take another name."
        raise _unusable(path, "is there already", hint) from None
    except OSError as error:
        raise _unusable(path, f"cannot be written: {error.strerror or error}", "") from None
    return key


def _unusable(path: Path, why: str, hint: str) -> PpcError:
    return fail("PPC590", f"The key `{path}` {why}.", hint=hint)
