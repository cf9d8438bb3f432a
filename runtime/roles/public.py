"""Public weights: both parties bring them, and the dealer is given them too. A hash for each layer says whose differ.

Hashes of what everybody has tell nobody anything. Equal numbers have equal hashes, in whatever format a file has them.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from ppc.bundle import Bundle
from ppc.runtime.roles.brought import Brought

MOST_LAYERS = 200  # that are told of one by one; a greeting is short


def public_weights(bundle: Bundle, brought: Brought) -> dict[str, str]:
    """What all roles must have alike, by words for people. Nothing for a program without public weights."""
    plan = bundle.plan(bundle.batches[0])
    found: dict[str, list[bytes]] = {}
    for step in plan.steps():
        name = step.name.removesuffix(".first")
        if (step.op, step.word("what"), step.wire.form) == ("given", "parameter", "public") and name in brought.whole:
            values = np.asarray(brought.whole[name], "<f8") + 0.0  # of the two zeros, one
            text = f"{name} {values.shape}|".encode() + np.ascontiguousarray(values).tobytes()
            found.setdefault(name.rpartition(".")[0], []).append(sha256(text).digest())
    hashes = {f"public weights of {layer}": sha256(b"".join(sorted(rows))).hexdigest() for layer, rows in found.items()}
    return hashes if len(hashes) <= MOST_LAYERS else {"public weights": together(hashes)}


def together(hashes: dict[str, str]) -> str:
    """One hash of all; empty where there are none."""
    return sha256("".join(sorted(hashes.values())).encode()).hexdigest() if hashes else ""
