"""What the labels are worth as differential privacy: one record of one worker changes at most one vote.

GNMax with noise N(0, s²) on each count: (a, a/s²)-RDP a query (Papernot and others 2018, proposition 8); a vote that
moves changes two counts by one, a sensitivity of sqrt(2) in length. LNMax with scale b: each query is (2/b, 0)-private.
The accountant is `dp-accounting`; the data-dependent bound (their theorem 6) is a function of the votes themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, exp, inf, log, log1p

import numpy as np
from dp_accounting import GaussianDpEvent, LaplaceDpEvent, SelfComposedDpEvent
from dp_accounting.rdp import RdpAccountant, compute_epsilon
from numpy.typing import NDArray

from ppc.ir.collaborative import Pate

ORDERS = tuple([1 + x / 10 for x in range(1, 100)] + list(range(11, 64)) + [128, 256, 512, 1024])


def certified(facts: Pate, queries: int | None = None) -> float:
    """Epsilon from the noise and the number of queries alone: known before anything runs, and publishable."""
    asked = facts.queries if queries is None else queries
    if asked == 0:
        return 0.0
    if facts.amount == 0:
        return inf
    event = GaussianDpEvent(facts.amount / 2**0.5) if facts.noise == "gaussian" else LaplaceDpEvent(facts.amount / 2)
    accountant = RdpAccountant(list(ORDERS))
    accountant.compose(SelfComposedDpEvent(event, asked))
    return float(accountant.get_epsilon(facts.delta))


def from_votes(facts: Pate, votes: Sequence[NDArray[np.int64]]) -> float:
    """Epsilon with the votes' margins (Gaussian noise only). It tells of the votes: not to be published as it is."""
    if facts.noise != "gaussian" or facts.amount == 0:
        return inf
    curve = sum((np.array([_query(counts, facts.amount, order) for order in ORDERS]) for counts in votes), np.zeros(1))
    epsilon, _ = compute_epsilon(ORDERS, curve, facts.delta)
    return float(epsilon)


def _query(counts: NDArray[np.int64], sigma: float, order: float) -> float:
    """Theorem 6 with the orders of proposition 10: the smaller of the data-independent bound and that of the margin."""
    plain = order / sigma**2
    q = _wrong(counts, sigma)
    if not 0 < q < 1:
        return 0.0 if q == 0 else plain
    higher = sigma * (-log(q)) ** 0.5
    first, second = higher + 1, higher
    if second <= 1 or first <= order:
        return plain
    bound_first, bound_second = first / sigma**2, second / sigma**2
    # Logarithms: with little noise and wide margins the powers are beyond what a number can hold.
    rare = log(q)
    if rare > (second - 1) * bound_second - second * log(first / (first - 1) * second / (second - 1)):
        return plain
    exponent = (rare + bound_second) * (second - 1) / second
    if exponent >= 0:
        return plain
    log_a = log1p(-q) - log1p(-exp(exponent))
    log_b = bound_first - rare / (first - 1)
    both = np.logaddexp(log1p(-q) + (order - 1) * log_a, rare + (order - 1) * log_b)
    return min(plain, float(both) / (order - 1))


def _wrong(counts: NDArray[np.int64], sigma: float) -> float:
    """A bound on how probable it is that noise makes another class than the first one win (their proposition 7)."""
    ordered = np.sort(counts)[::-1]
    return min(1.0, sum(erfc(float(ordered[0] - other) / (2 * sigma)) for other in ordered[1:]) / 2)
