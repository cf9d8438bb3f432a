"""How segments are encrypted: AES-256-GCM, a key for each segment, from one half that the party has and one that its
peer has.

    key of a file    = own half ⊕ peer's half                        32 random bytes each
    key of a segment = HKDF-SHA-256(salt = pair, key of the file, "ppc/prep/v1|party|artifact|segment")

No key encrypts twice, so the nonce is zero. A stolen folder of one party is random bytes to the thief. Called by
`writing` and `use`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

HALF_BYTES = 32
TAG_BYTES = 16
CHUNK = 1 << 20
_NONCE = bytes(12)
_SPARE = 16  # what a cipher wants to have free behind what it writes

Bytes = NDArray[np.uint8]


class FileKey:
    """The key of one party's file of a pair. It never shows itself."""

    __slots__ = ("_key", "_prefix", "_salt")

    def __init__(self, own: bytes, peer: bytes, *, pair: str, party: str, artifact: str) -> None:
        self._key = bytes(left ^ right for left, right in zip(own, peer, strict=True))
        self._salt, self._prefix = bytes.fromhex(pair), f"ppc/prep/v1|{party}|{artifact}"

    def __repr__(self) -> str:
        return "FileKey(hidden)"

    def _cipher(self, segment: int, tag: bytes | None = None) -> Cipher[GCM]:
        info = f"{self._prefix}|{segment}".encode()
        key = HKDF(algorithm=SHA256(), length=32, salt=self._salt, info=info).derive(self._key)
        return Cipher(AES256(key), GCM(_NONCE, tag))

    def seal(self, segment: int, data: Bytes) -> Iterator[memoryview]:
        """Encrypt piece by piece; a piece is good until the next one is asked for. The tag comes last."""
        encryptor = self._cipher(segment).encryptor()
        room = memoryview(bytearray(CHUNK + _SPARE))
        for start in range(0, data.size, CHUNK):
            written = encryptor.update_into(data[start : start + CHUNK].data, room)
            yield room[:written]
        encryptor.finalize()
        yield memoryview(encryptor.tag)

    def unseal(self, segment: int, pieces: Iterator[memoryview], length: int, tag: bytes) -> Bytes | None:
        """The `length` bytes that were encrypted, aligned to words; None where key, bytes or tag are others."""
        decryptor = self._cipher(segment, tag).decryptor()
        words = np.empty(-(-length // 8) + _SPARE // 8, np.uint64)
        out, place = words.view(np.uint8), 0
        for piece in pieces:
            place += decryptor.update_into(piece, out[place:].data)
        try:
            decryptor.finalize()
        except InvalidTag:
            words[:] = 0
            return None
        return out[:length]
