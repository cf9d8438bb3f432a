"""Attacks on a training of many participants: what updates, and sums of losses, tell of the data behind them.

    settings   the program as it is, and beside it updates with less and with more to hide behind
    exchanges  updates as the server sees them, made by real participants
    inputs     what a dense layer read, from the ratio of its weights' gradient to its bias's
    labels     how often each class occurs, from the gradient of the last layer
    matching   images whose gradient is like the one that was seen (up to eight)
    streams    which of two examples a worker has, from the sums of losses that are opened
    report     all of them, each with its positive control

The attacker follows the protocol and only computes.
"""

from __future__ import annotations

from ppc.audit.federated.report import Report, audit_losses, audit_updates
from ppc.audit.federated.victim import Victim

__all__ = ["Report", "Victim", "audit_losses", "audit_updates"]
