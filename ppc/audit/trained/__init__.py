"""Attacks on what a training gives away: the released model, and the logits that it opens while it goes on.

    victim      the model, the examples it has learned from, others that it has not, and how a training goes
    membership  was this example learned from? Told by its loss
    labels      the label of an example, from the model's answer, or from how its logits moved
    copying     the model itself, from the logits that its answers are
    report      all of them, each with its positive control

The attacker follows the protocol and only computes.
"""

from __future__ import annotations

from ppc.audit.trained.report import audit
from ppc.audit.trained.victim import Victim

__all__ = ["Victim", "audit"]
