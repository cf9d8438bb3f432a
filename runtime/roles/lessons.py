"""Which examples a training takes in which step: epochs of whole batches, in an order that has a seed.

What is left of an epoch that fills no batch is left out of it; another order leaves out others in the next one. The
order is that of the files, or drawn anew for each epoch from a seed: its owner's own where one party brings all rows,
else the same at both parties (a public order).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from ppc.bundle import Bundle
from ppc.errors import fail
from ppc.plan.steps import Plan
from ppc.runtime.kernels import CipherStream
from ppc.runtime.keys import KEY_BYTES

AS_GIVEN = bytes(32)  # the seed of the order that the files have
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """`around`: an epoch begins where the one before it ended, as rows that are masked once are taken."""

    examples: int
    batch: int
    epochs: int
    seed: bytes = field(default=AS_GIVEN, repr=False)
    around: bool = False

    @property
    def each(self) -> int:
        """Steps of an epoch."""
        return self.examples // self.batch

    @property
    def steps(self) -> int:
        return self.epochs * self.each

    def measured(self, every: int, start: int, stop: int) -> list[int]:
        """Behind which steps the model is measured: after so many epochs each time."""
        ends = (self.each * epoch for epoch in range(every, self.epochs + 1, every)) if every else ()
        return [step for step in ends if start <= step <= stop]

    def rows(self, step: int) -> Rows:
        """The examples of a step, by their places in the files."""
        if self.around:
            return np.arange(step * self.batch, (step + 1) * self.batch) % self.examples
        epoch, turn = divmod(step, self.each)
        return self.order(epoch)[turn * self.batch : (turn + 1) * self.batch]

    def order(self, epoch: int) -> Rows:
        return drawn(self.seed, epoch, self.examples)


@lru_cache(maxsize=2)
def drawn(seed: bytes, epoch: int, examples: int) -> Rows:
    """Random words in increasing order put the examples into an order that nobody foresees without the seed."""
    if seed == AS_GIVEN:
        return np.arange(examples)
    words = np.empty(examples, np.uint64)
    key = sha256(b"ppc/v1|order|" + seed + epoch.to_bytes(8, "big")).digest()[:KEY_BYTES]
    CipherStream(key).fill(words)
    return np.argsort(words, kind="stable")


def lessons_of(bundle: Bundle, examples: int, seed: bytes = AS_GIVEN) -> Lessons:
    """The steps of a training bundle's plan over so many examples."""
    (batch,) = bundle.batches
    if examples < batch:
        raise fail(
            "PPC576",
            f"There are {examples:,} examples; one step of this training takes {batch:,}.",
            hint="Bring more, or write a smaller `batch` into the program.",
        )
    around = reused(bundle.plan(batch))
    return Lessons(examples=examples, batch=batch, epochs=bundle.manifest.epochs, seed=seed, around=around)


def reused(plan: Plan) -> bool:
    """Whether examples are masked once for the whole training."""
    return any(step.op == "batch" for step in plan.steps())


def owners(plan: Plan) -> tuple[str, ...]:
    """The parties that bring rows: of several, all need the same order."""
    found = {step.wire.at for step in plan.steps() if step.op == "given" and step.word("what") in ("data", "label")}
    return tuple(party for party in plan.parties if party in found)
