"""Attacks on a model that is split: what the server learns of its clients, and what a client learns of the model.

    victim     the model, its data, and what the server sees of a query, in the clear or on shares
    probes     learns to tell the client's signal, and the true label, from what the server sees
    inversion  rebuilds inputs from it: by a linear map, and by a small network
    theft      a copy of the model from the answers to queries; what the layers are worth that the client was given
    report     all of them, each with its positive control

The attacker follows the protocol and only computes. Its own examples are never those on which it is judged.
"""

from __future__ import annotations

from ppc.audit.splits.report import Budget, audit
from ppc.audit.splits.victim import Victim

__all__ = ["Budget", "Victim", "audit"]
