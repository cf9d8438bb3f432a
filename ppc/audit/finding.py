"""What one attack found. There is no verdict "secure": an attack that found nothing says so of itself alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from ppc.audit.statistics import Interval, mean_interval, share_interval

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


@dataclass(frozen=True, kw_only=True)
class Attack:
    """What is the same of all findings of one attack on one target."""

    attack: str
    target: str
    knowledge: str
    budget: str
    control: bool = False

    def share(self, metric: str, hits: int, trials: int, baseline: float, *, broken_at: float) -> Finding:
        """How often it was right."""
        interval = share_interval(hits, trials)
        return self._finding(metric, hits / max(1, trials), interval, baseline, broken_at)

    def mean(self, metric: str, values: Sequence[float], baseline: float, *, broken_at: float) -> Finding:
        """How well it did on average."""
        return self._finding(metric, fmean(values), mean_interval(values), baseline, broken_at)

    def _finding(self, metric: str, value: float, interval: Interval, baseline: float, broken_at: float) -> Finding:
        return Finding(
            attack=self.attack,
            target=self.target,
            knowledge=self.knowledge,
            budget=self.budget,
            metric=metric,
            value=value,
            interval=interval,
            baseline=baseline,
            verdict=verdict(value, interval, baseline, broken_at=broken_at),
            control=self.control,
        )
