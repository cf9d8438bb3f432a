"""What the noise is worth: the total epsilon of a participant's uploads, before a training and while it goes on.

Everything that one participant holds may differ, so an update bounded by C moves by 2C at most. An upload with Gaussian
noise of deviation a·C is a Gaussian mechanism of a/2; one of the sparse vector technique costs the epsilon that the
program names. Nothing is gained from sending a part only: all of an update may lie there. The total is over all
uploads, never over a coordinate.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, log, sqrt

from dp_accounting import GaussianDpEvent, SelfComposedDpEvent
from dp_accounting.rdp import RdpAccountant

from ppc.ir.selective import Budget, Selective

ORDERS = tuple([1 + x / 20 for x in range(1, 200)] + list(range(11, 64)) + [96, 128, 192, 256, 512, 1024])
DELTA = Budget.delta  # what is told where no budget names one
MEANINGFUL = 10  # of an epsilon, by common use


def delta_of(facts: Selective) -> float:
    return facts.budget.delta if facts.budget else DELTA


def epsilon(facts: Selective, uploads: int) -> float:
    """The total of one participant who has sent so many updates."""
    if uploads == 0:
        return 0.0
    if facts.noise.kind == "none":
        return inf
    if facts.noise.kind == "gaussian":
        accountant = RdpAccountant(list(ORDERS))
        accountant.compose(SelfComposedDpEvent(GaussianDpEvent(facts.noise.amount / 2), uploads))
        return float(accountant.get_epsilon(delta_of(facts)))
    # An (ε, 0)-private step is ε²/2-zCDP, which adds up (Bun and Steinke 2016, propositions 1.4 and 1.3).
    concentrated = uploads * facts.noise.amount**2 / 2
    return min(uploads * facts.noise.amount, concentrated + 2 * sqrt(concentrated * log(1 / delta_of(facts))))


def affordable(facts: Selective, wanted: int) -> int:
    """The most uploads whose total stays within the budget; it grows with each."""
    if facts.budget is None or epsilon(facts, wanted) <= facts.budget.epsilon:
        return wanted
    low, high = 0, wanted
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if epsilon(facts, middle) <= facts.budget.epsilon else (low, middle)
    return low


def planned(facts: Selective, uploads: int) -> Iterator[str]:
    """What a training will cost, said before it begins."""
    if facts.noise.kind == "none":
        return
    total, allowed = epsilon(facts, uploads), affordable(facts, uploads)
    yield (
        f"noise {facts.noise.kind} {facts.noise.amount:g}: {uploads} uploads of a participant cost a total epsilon of "
        f"{total:.2f} at delta {delta_of(facts):g}, for all of its examples together"
    )
    if facts.budget and allowed < uploads:
        yield f"the budget of {facts.budget.epsilon:g} pays for {allowed} of them: the training stops there"
    if total > MEANINGFUL and allowed == uploads:
        yield f"an epsilon above {MEANINGFUL} bounds nothing that matters: more noise, or fewer uploads"
