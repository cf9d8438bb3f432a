"""What an iteration's rate is: a public number that stands in the plan for every epoch. Both parties and the dealer
work it out alike, so nothing is sent for it."""

from __future__ import annotations

from ppc.ir.policy import RATE_BITS
from ppc.plan.steps import Step

RATE = "rate"  # what such a value is, in the words of `given`


def rate_of(step: Step, epoch: int, turn: int) -> float:
    """Of the step that gives a rate, in an iteration of an epoch. Behind the last epoch that is named it stays.

    `once`: a change of the rate, which is 1 in all iterations of an epoch but the first.
    """
    if step.flag("once") and turn > 0:
        return 1.0
    parts = step.integers("epochs")
    return parts[min(epoch, len(parts) - 1)] / (1 << RATE_BITS)
