"""What one attack found. There is no verdict "secure": an attack that found nothing says so of itself alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ppc.audit.statistics import Interval

Verdict = Literal["no advantage found", "leaks", "BROKEN"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row: who attacked, with what knowledge and budget, what came out, and what guessing gives."""

    attack: str
    target: str  # what it was tried on, such as "server's view, split at 2"
    knowledge: str  # what the attacker has
    budget: str  # queries, samples or seconds
    metric: str
    value: float
    interval: Interval
    baseline: float  # the same metric without the leak: chance, or the majority class
    verdict: Verdict
    control: bool = False  # a target that is known to leak; if it does not, the attack is not to be believed


def verdict(value: float, interval: Interval, baseline: float, *, broken_at: float) -> Verdict:
    """Broken from a stated value on, leaking where the baseline lies below the whole interval."""
    if value >= broken_at and interval.low > baseline:
        return "BROKEN"
    return "leaks" if interval.low > baseline else "no advantage found"
