"""Membership: an example that was learned from has a smaller loss than one that was not.

A threshold is chosen on half of the candidates, and judged on the other half. Averages hide what happens to few people
(Carlini and others, "Membership inference attacks from first principles", 2022), so the share of members that is found
with one false alarm in a hundred is told too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ppc.audit.trained.victim import Victim

ALARMS = 0.01
MEMORISED = 64  # examples with drawn labels, few enough to be learned by heart


@dataclass(frozen=True, kw_only=True)
class Told:
    """Of so many trials, how many were right; of so many members, how many stood out."""

    right: int
    trials: int
    found: int
    members: int


def told(seen: Tensor, held: Tensor, seed: int) -> Told:
    """Of losses of as many members as others."""
    count = min(len(seen), len(held)) // 2 * 2
    ours, others = _halves(seen, count, seed), _halves(held, count, seed + 1)
    threshold = _best(ours[0], others[0])
    strict = others[0].quantile(ALARMS)
    right = int((ours[1] <= threshold).sum() + (others[1] > threshold).sum())
    return Told(right=right, trials=count, found=int((ours[1] < strict).sum()), members=count // 2)


def _halves(losses: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(losses), generator=torch.Generator().manual_seed(seed))
    chosen = losses[order[:count]]
    return chosen[: count // 2], chosen[count // 2 :]


def _best(members: Tensor, others: Tensor) -> Tensor:
    """The loss up to which most is told right."""
    both = torch.cat([members, others]).sort().values
    right = (members[None] <= both[:, None]).sum(1) + (others[None] > both[:, None]).sum(1)
    return both[right.argmax()]


def losses(answers: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(answers, labels, reduction="none")


@dataclass(frozen=True, kw_only=True)
class Memorised:
    """The same network, trained on few examples whose labels were drawn: what it knows of them it has from nowhere
    else."""

    seen: Tensor  # its answers
    seen_labels: Tensor
    held: Tensor
    held_labels: Tensor


def memorised(victim: Victim, seed: int, *, steps: int = 600) -> Memorised:
    count = min(MEMORISED, len(victim.seen), len(victim.held))
    coins = torch.Generator().manual_seed(seed)
    classes = victim.network.classes
    ours, others = (torch.randint(0, classes, (count,), generator=coins) for _ in range(2))
    weights = victim.fitted(victim.seen[:count], ours, seed, steps=steps, loss=functional.cross_entropy)
    return Memorised(
        seen=victim.answers(victim.seen[:count], weights),
        seen_labels=ours,
        held=victim.answers(victim.held[:count], weights),
        held_labels=others,
    )
