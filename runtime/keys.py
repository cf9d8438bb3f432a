"""Seeds, and the keys of all streams that are drawn from them (PROTOCOL.md, section 7).

One key for one secret of the dealer in one iteration, bound to the session, the role and the plan; every stream starts
at counter 0 and is read once. Knows no field and no step.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ppc.field import Words
from ppc.plan.steps import Plan
from ppc.plan.text import show
from ppc.runtime.kernels import CipherStream

SEED_BYTES = 32
KEY_BYTES = 16


def artifact_hash(plan: Plan) -> str:
    """What names a plan: the hash of its text."""
    return sha256(show(plan).encode()).hexdigest()


class Seed:
    """Secret bytes that never show themselves."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secrets.token_bytes(SEED_BYTES) if secret is None else secret

    def __repr__(self) -> str:
        return "Seed(hidden)"

    def keys(self, session: bytes, role: str, artifact: str) -> Keys:
        return Keys(hmac.digest(session, self._secret, "sha256"), role, artifact)


class Keys:
    """The keys of one role in one session: HKDF with the session as salt, expanded by what a key is for."""

    __slots__ = ("_extracted", "_prefix", "role")

    def __init__(self, extracted: bytes, role: str, artifact: str) -> None:
        self._extracted, self.role, self._prefix = extracted, role, f"ppc/v1|{role}|{artifact}"

    def __repr__(self) -> str:
        return "Keys(hidden)"

    def key(self, secret: str, section: str, iteration: int, attempt: int = 0) -> bytes:
        """`attempt` n > 0: of the n-th stream of replacements for elements that were rejected."""
        purpose = f"{self._prefix}|{secret}|{section} {iteration}" + (f"|rej{attempt}" if attempt else "")
        return HKDFExpand(SHA256(), KEY_BYTES, purpose.encode()).derive(self._extracted)

    def stream(self, secret: str, section: str, iteration: int, attempt: int = 0) -> CipherStream:
        return CipherStream(self.key(secret, section, iteration, attempt))


class Coins:
    """A party's own coins for unbiased rounding: one seed, a stream for each step and iteration."""

    def __init__(self, seed: Seed | None = None) -> None:
        self._keys = (seed or Seed()).keys(b"coins", "coins", "")

    def __repr__(self) -> str:
        return "Coins(hidden)"

    def fractions(
        self, step: str, section: str, iteration: int, count: int
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Uniform numbers k / 2^53 in [0, 1)."""
        words: Words = np.empty(count, np.uint64)
        self._keys.stream(step, section, iteration).fill(words)
        return np.ldexp((words >> np.uint64(11)).astype(np.float64), -53)
