"""What the client's side learns of the model: a copy from answers to queries, and the worth of the layers it was given.

The thief has the published layers and asks for the answers to inputs of its own. It trains the rest anew on them, or a
network that owes the published layers nothing, and takes the one that does better on queries that it keeps for that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ppc.audit.splits.probes import HIDDEN, fitted, network, standardised
from ppc.audit.splits.victim import Victim

BUDGETS = (100, 1_000, 10_000)
COPY_STEPS = 800


def copied(
    victim: Victim, asked: Tensor, answers: Tensor, judged: Tensor, seed: int, *, steps: int = COPY_STEPS
) -> Tensor:
    """The copy's answers to `judged`, after the answers to `asked`."""
    held = max(1, len(asked) // 5)
    best: tuple[float, Tensor] | None = None
    for view in (features, pixels):
        known, others = standardised(view(victim, asked), view(victim, judged))
        model = network(known.shape[1], victim.classes, seed, hidden=2 * HIDDEN)
        model = fitted(model, known[held:], answers[held:], seed, steps=steps)
        with torch.no_grad():
            score = float((model(known[:held]).argmax(1) == answers[:held]).double().mean())
            found = model(others).argmax(1)
        if best is None or score > best[0]:
            best = score, found
    assert best is not None
    return best[1]


def features(victim: Victim, images: Tensor) -> Tensor:
    """What the published layers make of an input, with the signal 0: the client may choose."""
    still = {victim.signal: torch.zeros(len(images), dtype=torch.long)} if victim.signal else {}
    for node in victim.graph.inputs:
        if node.word("role") == "picture":
            still[node.name] = victim.pictures[0][:1].expand(len(images), -1, -1)[:, None]
    return victim.half(images, still)


def pixels(_victim: Victim, images: Tensor) -> Tensor:
    return images.flatten(1)
