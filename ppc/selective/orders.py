"""Whose turn it is. A fixed order is a list; the asynchronous one is a clock of events, as in a simulation."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

import numpy as np

from ppc.ir.selective import Selective


def turns(facts: Selective, number: int, seed: int) -> Iterator[int]:
    """The participants of one round, one after the other."""
    order = np.arange(facts.participants)
    if facts.order == "random":
        order = np.random.default_rng((seed, number)).permutation(facts.participants)
    yield from (int(one) for one in order)


def events(facts: Selective, turns_each: int, seed: int) -> Iterator[tuple[int, bool]]:
    """Downloads (True) and uploads (False) of participants of unequal speed, in the order of time.

    All begin at once; a turn of a participant takes about as long as that of any other, give or take a fifth.
    """
    coins = np.random.default_rng((seed, 7))
    speeds = coins.uniform(0.8, 1.25, facts.participants)
    queue: list[tuple[float, int, int]] = [(0.0, one, 0) for one in range(facts.participants)]
    queue.sort()
    left = [turns_each] * facts.participants
    while queue:
        time, one, uploading = heappop(queue)
        if uploading:
            yield one, False
            left[one] -= 1
        if left[one]:
            yield one, True
            heappush(queue, (time + speeds[one] * coins.uniform(0.9, 1.1), one, 1))
