"""Shares that pass through the server are sealed from one node to another: it carries them, and cannot read them.

    pair       = X25519(own key of this training, the other's)                                     RFC 7748
    key        = HKDF-SHA-256(pair, "ppc/flower/share/v1" | training | sender | receiver | both public keys)
    sealed     = nonce 12 random bytes, ChaCha20-Poly1305(key, nonce, share; what it is for), tag 16 bytes
    record     = public key 32 bytes, signature 64 bytes: of the node's certificate over training, number and key

Every node draws a key for one training, and keeps it with its state. The server hands the records round. **A node whose
folder of certificates is named takes only keys that a pinned certificate signed.** One without takes what the server
gives: a server that puts its own keys in reads the shares.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ppc.errors import fail
from ppc.runtime.certificates import Certificate
from ppc.runtime.keyring import Keyring
from ppc.runtime.signatures import SIGNATURE_BYTES, sign, signed

KEY, NONCE, TAG = 32, 12, 16
RECORD = KEY + SIGNATURE_BYTES
OVERHEAD = NONCE + TAG  # of a sealed text
_CONTEXT = b"ppc/flower/share/v1|"


@dataclass(frozen=True, kw_only=True)
class Seal:
    """A node's key in one training. `members` are numbered from 1; who has a higher number is the second aggregator."""

    number: int
    members: int
    training: bytes
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(KEY), repr=False)
    ring: Keyring | None = field(default=None, repr=False)

    @property
    def record(self) -> bytes:
        """To give away."""
        public = self._public
        return public + (sign(self.ring, self._stated(self.number, public)) if self.ring else bytes(SIGNATURE_BYTES))

    def check(self, number: int, record: bytes) -> None:
        """Whether this is the other's key, as far as this node can tell."""
        if len(record) != RECORD:
            raise fail("PPC687", f"A key of {len(record)} bytes is none.", hint="Use one version of ppc.")
        if self.ring is None:
            return
        public, signature = record[:KEY], record[KEY:]
        known = (one for one in self.ring.peers if self._named(one, number) and self._accepted(self.ring, one))
        if not any(signed(one, self._stated(number, public), signature) for one in known):
            message = f"The key that the server hands out for number {number} is not signed by a pinned certificate."
            hint = "`ppc cert pin` its certificate; its own node must name its folder, too. Nothing was sent."
            raise fail("PPC661", message, hint=hint)

    def sealed(self, receiver: int, record: bytes, purpose: bytes, text: bytes) -> bytes:
        self.check(receiver, record)
        key = self._key(record, self.number, receiver)
        if key is None:
            raise fail("PPC687", f"The key of number {receiver} is none.", hint="Ask who runs the server.")
        nonce = secrets.token_bytes(NONCE)
        return nonce + ChaCha20Poly1305(key).encrypt(nonce, text, purpose)

    def opened(self, sender: int, record: bytes, purpose: bytes, text: bytes) -> bytes | None:
        """None where key, purpose or bytes are others."""
        self.check(sender, record)
        key = self._key(record, sender, self.number)
        if key is None or len(text) < OVERHEAD:
            return None
        try:
            return ChaCha20Poly1305(key).decrypt(text[:NONCE], text[NONCE:], purpose)
        except InvalidTag:
            return None

    def kept(self) -> dict[str, str]:
        """As a node's state has it."""
        return {"training": self.training.hex(), "secret": self.secret.hex()}

    @property
    def _public(self) -> bytes:
        return X25519PrivateKey.from_private_bytes(self.secret).public_key().public_bytes_raw()

    def _key(self, record: bytes, sender: int, receiver: int) -> bytes | None:
        """One for each direction; None where the other's key is a point of small order."""
        public = {self.number: self._public, sender + receiver - self.number: record[:KEY]}
        try:
            pair = X25519PrivateKey.from_private_bytes(self.secret).exchange(
                X25519PublicKey.from_public_bytes(record[:KEY])
            )
        except ValueError:
            return None
        who = b"".join(one.to_bytes(4, "little") + public[one] for one in (sender, receiver))
        return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=_CONTEXT + self.training + who).derive(pair)

    def _stated(self, number: int, public: bytes) -> bytes:
        return _CONTEXT + self.training + number.to_bytes(4, "little") + public

    def _named(self, one: Certificate, number: int) -> bool:
        if number > self.members:
            return one.role == "aggregator"
        return one.role == "participant" and one.party == f"participant_{number}"

    @staticmethod
    def _accepted(ring: Keyring, one: Certificate) -> bool:
        return one.good() and one.fingerprint not in ring.revoked
