"""What is said of the privacy of labels: before they are made, and in the file that goes with them."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.collaborative.accountant import certified, from_votes
from ppc.ir.collaborative import GRID, Collaborative, Pate

MECHANISMS = {"histogram": "noisy histogram of votes (PATE)", "winner": "largest of noisy votes (PATE)"}
ASSUMES = {
    "histogram": "workers add their part of the noise, the server follows the protocol, no worker shares its noise",
    "winner": "workers add their part of the noise, server, second aggregator and dealer follow the protocol and do "
    "not work together, no worker shares its noise",
}
STRONG, USUAL = 1.0, 10.0  # what epsilons are commonly read as; no theorem stands behind the words


def verdict(epsilon: float) -> str:
    """What a number means."""
    if isinf(epsilon):
        return "no differential privacy at all"
    if epsilon <= STRONG:
        return "a strong guarantee"
    return "a usual guarantee" if epsilon <= USUAL else "no meaningful guarantee"


def forecast(facts: Collaborative, pate: Pate, asked: int) -> Iterator[str]:
    """Before a single vote: from the number of workers, the noise and the queries."""
    epsilon = certified(pate, asked)
    yield f"{asked} queries with {pate.noise} noise of {pate.amount:g}: epsilon {epsilon:.1f} at delta {pate.delta:g}"
    yield f"  that is {verdict(epsilon)} for one example of one worker, for everything that is opened together"
    if pate.amount > facts.workers / 4:
        yield f"  warning: noise above a quarter of the {facts.workers} votes makes most labels wrong"
    if asked < pate.queries:
        short = pate.budget is None or certified(pate, asked + 1) <= pate.budget
        why = f"there are {asked} examples to label" if short else f"the budget pays for {asked}"
        yield f"  {why}, of {pate.queries} queries"


def statement(pate: Pate, queries: int, times: int, voters: int) -> dict[str, Any]:
    """What goes with the labels. `times`: how often the workers had to vote; each vote counts. Where winners are opened
    it is certified like the histogram that they follow from, and nothing more can be said: nobody has a count."""
    epsilon = certified(pate, queries * times)
    return {
        "mechanism": f"{MECHANISMS[pate.opened]}, {pate.noise} noise",
        "opened": pate.opened,
        "noise": pate.amount,
        "voters": voters,
        "queries": queries,
        "votes_taken": times,
        "delta": pate.delta,
        "epsilon": None if isinf(epsilon) else round(epsilon, 6),
        "meaning": verdict(epsilon),
        "neighbours": "one example of one worker added, removed or changed",
        "claim": "data-independent: from the noise and the number of queries alone; may be published",
        "assumes": ASSUMES[pate.opened],
    }


def estimated(pate: Pate, counts: NDArray[np.int64]) -> dict[str, Any]:
    """What the opened counts suggest beside it."""
    rounded = np.rint(counts / 2**GRID).astype(np.int64)
    return {
        "epsilon": _finite(from_votes(pate, list(rounded))),
        "publishable": False,
        "why": "it depends on the votes, here on their noisy counts: an estimate for the workers, and no bound",
    }


def _finite(epsilon: float) -> float | None:
    return None if isinf(epsilon) else round(epsilon, 6)
