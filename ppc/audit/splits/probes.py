"""Probes: a linear model and a small network learn to tell a secret from what the server sees.

The server makes its examples itself: it has the client's half, and any inputs and signals that it likes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor, nn

HIDDEN = 64
STEPS = 600
BATCH = 128
DECAY = 1e-4
CHANGES = 1e-9  # by less than this part of itself a number does not change, it is rounded


@dataclass(frozen=True)
class Told:
    """How often a probe was right on queries that it had not seen."""

    right: int
    trials: int
    most_common: float  # how often the commonest answer is right, by itself

    @property
    def share(self) -> float:
        return self.right / self.trials


def standardised(known: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """By mean and deviation of what the attacker knows, however small its numbers are: field elements that nothing
    hides are tiny beside the modulus. A number that never changes stays as it is."""
    known, other = known.double(), other.double()
    mean, deviation = known.mean(0), known.std(0)
    scale = torch.where(deviation > CHANGES * known.abs().amax(0), deviation, torch.ones_like(deviation))
    return ((known - mean) / scale).float(), ((other - mean) / scale).float()


def fitted(model: nn.Module, inputs: Tensor, wanted: Tensor, seed: int, *, steps: int = STEPS) -> nn.Module:
    """Trained by Adam on batches drawn from a seed; whole numbers are classes, others are matched by squares."""
    coins = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=DECAY)
    for _ in range(steps):
        chosen = torch.randint(len(inputs), (min(BATCH, len(inputs)),), generator=coins)
        made = model(inputs[chosen])
        target = wanted[chosen]
        loss = F.mse_loss(made, target) if target.is_floating_point() else F.cross_entropy(made, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


def network(inputs: int, outputs: int, seed: int, *, hidden: int = HIDDEN) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def linear(inputs: int, outputs: int, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Linear(inputs, outputs)


def probe(
    known: Tensor, secrets: Tensor, seen: Tensor, truths: Tensor, classes: int, seed: int, *, steps: int = STEPS
) -> Told:
    """The better of both models, chosen on a fifth of what the attacker knows, judged on `seen`."""
    inputs, others = standardised(known, seen)
    held = max(1, len(inputs) // 5)
    best: tuple[float, nn.Module] | None = None
    for made in (linear, network):
        model = fitted(made(inputs.shape[1], classes, seed), inputs[held:], secrets[held:], seed, steps=steps)
        score = _right(model, inputs[:held], secrets[:held]) / held
        if best is None or score > best[0]:
            best = score, model
    assert best is not None
    return Told(_right(best[1], others, truths), len(truths), commonest(truths, classes))


def commonest(truths: Tensor, classes: int) -> float:
    """How often the commonest one is right, for somebody who knew which it is."""
    return int(torch.bincount(truths, minlength=classes).max()) / len(truths)


@torch.no_grad()
def _right(model: nn.Module, inputs: Tensor, truths: Tensor) -> int:
    return int((model(inputs).argmax(1) == truths).sum())
