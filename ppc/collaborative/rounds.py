"""A whole training in one process: what workers on machines of their own must agree with.

A round: each worker splits its loss among all, each adds the shares that it holds, and the sum of these sums is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ppc.collaborative.sharing import decoded_loss, encoded_loss
from ppc.collaborative.worker import Worker
from ppc.ir.collaborative import Collaborative
from ppc.learning.claims import counted
from ppc.sharing import ELEMENT_BYTES, shares, total


@dataclass(frozen=True, kw_only=True)
class Round:
    """One batch of every worker."""

    epoch: int
    number: int
    opened: float  # the sum or the mean of the losses
    bytes: int  # of all messages together


def train(facts: Collaborative, workers: Sequence[Worker]) -> Iterator[Round]:
    """One round after the other; stop asking, and the training stops there."""
    rounds = -(-max(counted({one.number: len(one.labels) for one in workers}).values()) // facts.batch)
    for number in range(facts.epochs * rounds):
        losses = [worker.ahead() for worker in workers]
        opened = opened_sum(losses)
        for worker in workers:
            worker.step(opened / facts.workers)
        if facts.reduce == "mean":
            opened /= facts.workers
        yield Round(epoch=number // rounds, number=number, opened=opened, bytes=facts.elements * ELEMENT_BYTES)


def opened_sum(losses: Sequence[float]) -> float:
    """Every loss is split, every share added where it lies, and only the sum of all is put together."""
    split = [shares(np.array([encoded_loss(loss, len(losses))]), len(losses)) for loss in losses]
    partial = [total([one[place] for one in split]) for place in range(len(losses))]
    return decoded_loss(int(total(partial)[0]))
