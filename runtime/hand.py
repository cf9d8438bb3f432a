"""What a party holds of the dealer's secrets in one pass through a section.

Party 0 draws its share of everything from its seed. Party 1 draws what is uniform from its own seed and takes the rest
from the dealer's corrections (PROTOCOL.md, section 7). The dealer has both parties' seeds and draws both hands, so
every draw is written here, once. Each secret is one stream, read from its start in the order of the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from ppc.field import Words
from ppc.plan.material import MONOMIAL_BYTES, plane_bytes
from ppc.plan.steps import Step
from ppc.runtime.kernels import Stream
from ppc.runtime.keys import Keys
from ppc.runtime.lazy import Local, Shape
from ppc.runtime.parcel import Monomials, Parcel

SHORT_BITS = 2  # a short mask is the sum of two numbers this much shorter than the field (section 4)


@dataclass(frozen=True, eq=False, repr=False)
class Hand:
    """One party's draws. `parcel` is party 1's; the dealer, who writes it, has none."""

    local: Local
    keys: Keys
    section: str
    iteration: int
    parcel: Parcel | None = None

    def taken(self) -> None:
        """The pass is over: a parcel of which nothing was needed has still been the next one."""
        if self.parcel is not None:
            _ = self.parcel.data

    # ---- uniform: from the own seed ----

    def uniform(self, secret: str, *shape: int) -> Words:
        out = self.local.field.empty(*shape)
        self.local.bench.uniform(partial(self._stream, secret), out)
        return out

    def words(self, secret: str, *shape: int, first: int = 0) -> Words:
        """Words of random bits, from a place of the secret's stream."""
        out = np.empty(prod(shape), np.uint64)
        self._stream(secret).fill(out, first)
        return out.reshape(shape)

    def _stream(self, secret: str, attempt: int = 0) -> Stream:
        return self.keys.stream(secret, self.section, self.iteration, attempt)

    def mask(self, step: Step) -> Words:
        """The share of the mask of an opening."""
        shape, field = step.wire.shape, self.local.field
        if not step.flag("short"):
            return self.uniform(step.word("mask"), *shape)
        limit = (1 << field.bits - SHORT_BITS) - 1
        words = self.words(step.word("mask"), *field.shape(*shape))
        limits = [limit >> 64 * word & (2**64 - 1) for word in range(field.words)]
        return words & np.array(limits, np.uint64)

    def own_bits(self, step: Step, shape: Shape) -> Words:
        """The shares of the one-time bits under which a step of a comparison opens."""
        return self.words(step.word("bits"), *shape)

    # ---- dealt: from the seed, or from the corrections ----

    def elements(self, step: Step, key: str, *shape: int) -> Words:
        """Shares of elements that the dealer chose."""
        secret = step.word(key)
        if self.parcel is None:
            return self.uniform(secret, *shape)
        return self.parcel.elements(step.name, secret, *shape)

    def products(self, step: Step, shape: Shape, own: int) -> Words:
        """Shares of products of one-time bits; in party 0's stream they follow its `own` words."""
        if self.parcel is None:
            return self.words(step.word("bits"), *shape, first=own)
        return self.parcel.bits(step.name, step.word("bits"), *shape)

    def digits(self, step: Step, size: int) -> tuple[Words, Monomials]:
        """Shares of the top bit of R, a plane; and of the products of the bits of R's digits, [digits, size]."""
        secret, plane, shape = step.word("tuple"), plane_bytes(size) // 8, (step.integer("digits"), size)
        if self.parcel is not None:
            return self.parcel.bits(step.name, secret, plane), self.parcel.monomials(step.name, secret, shape)
        words = self.words(secret, plane + -(-prod(shape) * MONOMIAL_BYTES // 8))
        return words[:plane], words[plane:].view(np.uint16)[: prod(shape)].reshape(shape)
