"""Public weights: both parties bring them, and the dealer is given them too. A hash for each layer says whose differ.
A model that a training releases is whole with them.

Hashes of what everybody has tell nobody anything. Equal numbers have equal hashes, in whatever format a file has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

import numpy as np

from ppc.bundle import Bundle
from ppc.plan.kept import released
from ppc.plan.steps import Plan, Step
from ppc.runtime.roles.brought import Array, Brought

FIRST = ".first"  # how a plan calls weights that it changes
MOST_LAYERS = 200  # that are told of one by one; a greeting is short


def public_weights(bundle: Bundle, brought: Brought) -> dict[str, str]:
    """What all roles must have alike, by words for people. Nothing for a program without public weights."""
    found: dict[str, list[bytes]] = {}
    for step in _given_to_all(bundle.plan(bundle.batches[0])):
        name = step.name.removesuffix(FIRST)
        if name in brought.whole:
            values = np.asarray(brought.whole[name], "<f8") + 0.0  # of the two zeros, one
            text = f"{name} {values.shape}|".encode() + np.ascontiguousarray(values).tobytes()
            found.setdefault(name.rpartition(".")[0], []).append(sha256(text).digest())
    hashes = {f"public weights of {layer}": sha256(b"".join(sorted(rows))).hexdigest() for layer, rows in found.items()}
    return hashes if len(hashes) <= MOST_LAYERS else {"public weights": together(hashes)}


def together(hashes: dict[str, str]) -> str:
    """One hash of all; empty where there are none."""
    return sha256("".join(sorted(hashes.values())).encode()).hexdigest() if hashes else ""


def _given_to_all(plan: Plan) -> Iterator[Step]:
    wanted = ("given", "parameter", "public")
    return (step for step in plan.steps() if (step.op, step.word("what"), step.wire.form) == wanted)


def frozen(plan: Plan) -> tuple[str, ...]:
    """The weights of public layers, which a training leaves as they are."""
    return tuple(step.name for step in _given_to_all(plan) if not step.name.endswith(FIRST))


def released_model(plan: Plan, results: Mapping[str, Array]) -> dict[str, Array]:
    """Of a training's results the model: what was released, and the public layers with it."""
    found = {name: results[name] for name in released(plan) if name in results}
    return found | {name: results[name] for name in frozen(plan) if found and name in results}
