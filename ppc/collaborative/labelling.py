"""Labels by the workers' noisy votes: what is opened of each vote is the noisy histogram, and nothing before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ppc.collaborative.accountant import certified
from ppc.collaborative.noise import noise_share
from ppc.collaborative.worker import Worker
from ppc.errors import fail
from ppc.ir.collaborative import GRID, Pate
from ppc.sharing import shares, signed, total

MOST_VOTES = 3  # each costs privacy; a second one is called for if a worker left during the first


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Classes for the first examples of a public data set, and what they cost."""

    classes: NDArray[np.int64]
    epsilon: float  # certified: from noise and queries alone

    def __len__(self) -> int:
        return len(self.classes)


def label(facts: Pate, workers: Sequence[Worker], images: Tensor) -> Labelled:
    """As many of the queries as the budget pays for."""
    asked = affordable(facts, min(facts.queries, len(images)))
    counts = opened_counts([noisy_votes(facts, worker, images[:asked], len(workers)) for worker in workers])
    return Labelled(classes=counts.argmax(1), epsilon=certified(facts, asked))


def affordable(facts: Pate, wanted: int) -> int:
    """The most queries whose certified epsilon stays within the budget; epsilon grows with every query."""
    if within(facts, wanted):
        return wanted
    low, high = 0, wanted
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if within(facts, middle) else (low, middle)
    return low


def payable(facts: Pate, there: int) -> int:
    """For how many labels of so many examples the budget pays; one that pays for none is refused."""
    if asked := affordable(facts, min(facts.queries, there)):
        return asked
    message = f"A budget of {facts.budget:g} does not pay for a single query."
    raise fail("PPC688", message, span=facts.span, hint="Use more noise, or a larger budget.")


def within(facts: Pate, queries: int) -> bool:
    """The budget pays for so many, those of votes that came to nothing included."""
    return facts.budget is None or certified(facts, queries) <= facts.budget


def noisy_votes(facts: Pate, worker: Worker, images: Tensor, workers: int) -> NDArray[np.int64]:
    """What one worker splits: its votes on the grid, with its part of the noise."""
    votes = worker.votes(images)
    return votes * 2**GRID + noise_share(facts.noise, facts.amount, workers, votes.shape)


def opened_counts(votes: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The sum of what the workers split, put together from the partial sums of their shares."""
    split = [shares(one, len(votes)) for one in votes]
    return signed(total([total([one[place] for one in split]) for place in range(len(votes))]))
