"""Inversion: inputs rebuilt from what the server sees, by the best linear map and by a small network.

Measured as pictures are: PSNR (decibels above the error of squares, of numbers between 0 and 1), SSIM (1: the same).
What anybody has without seeing anything is the mean of the attacker's own examples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.audit.splits.probes import fitted, network, standardised

RIDGES = (1e-3, 1e-1, 1e1, 1e3)
HIDDEN = 256
STEPS = 1500
_WINDOW = 5
_C1, _C2 = 0.01**2, 0.03**2  # of Wang, Bovik, Sheikh and Simoncelli, 2004, for numbers between 0 and 1


@dataclass(frozen=True)
class Rebuilt:
    """What came out for each query, and how like the input it is."""

    images: Tensor
    psnr: tuple[float, ...]
    ssim: tuple[float, ...]
    r2: float


def rebuilt(images: Tensor, truths: Tensor) -> Rebuilt:
    found = images.reshape(truths.shape).clamp(0, 1)
    error = (found - truths).square().flatten(1).mean(1)
    spread = (truths - truths.mean(0)).square().sum()
    return Rebuilt(
        images=found,
        psnr=tuple((-10 * torch.log10(error.clamp_min(1e-10))).tolist()),
        ssim=tuple(ssim(found, truths).tolist()),
        r2=float(1 - (found - truths).square().sum() / spread),
    )


def ssim(one: Tensor, other: Tensor) -> Tensor:
    """For each pair of images; a row of numbers is taken as one window."""
    if one.ndim < 4:
        one, other = one.reshape(len(one), 1, 1, -1), other.reshape(len(other), 1, 1, -1)
    side = (min(_WINDOW, one.shape[2]), min(_WINDOW, one.shape[3])) if one.shape[2] > 1 else (1, one.shape[3])

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, side, 1)

    mean_one, mean_other = mean(one), mean(other)
    spread_one = mean(one * one) - mean_one**2
    spread_other = mean(other * other) - mean_other**2
    both = mean(one * other) - mean_one * mean_other
    top = (2 * mean_one * mean_other + _C1) * (2 * both + _C2)
    return (top / ((mean_one**2 + mean_other**2 + _C1) * (spread_one + spread_other + _C2))).flatten(1).mean(1)


def by_mean(known: Tensor, truths: Tensor) -> Rebuilt:
    """Without seeing anything."""
    return rebuilt(known.mean(0, keepdim=True).expand_as(truths), truths)


def by_line(known: Tensor, inputs: Tensor, seen: Tensor, truths: Tensor) -> Rebuilt:
    """Ridge regression, its strength chosen on a fifth of what the attacker knows."""
    features, others = standardised(known, seen)
    wanted, held = inputs.flatten(1), max(1, len(features) // 5)
    maps = [_ridge(features[held:], wanted[held:], ridge) for ridge in RIDGES]
    errors = [float((_applied(found, features[:held]) - wanted[:held]).square().mean()) for found in maps]
    best = maps[min(range(len(maps)), key=errors.__getitem__)]
    return rebuilt(_applied(best, others), truths)


def _ridge(features: Tensor, wanted: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """In whichever of both forms is smaller."""
    middle = wanted.mean(0)
    x, y = features.double(), (wanted - middle).double()
    if x.shape[1] <= x.shape[0]:
        slope = torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)
    else:
        slope = x.T @ torch.linalg.solve(x @ x.T + ridge * torch.eye(x.shape[0], dtype=x.dtype), y)
    return slope.float(), middle


def _applied(found: tuple[Tensor, Tensor], features: Tensor) -> Tensor:
    slope, middle = found
    return features @ slope + middle


@torch.no_grad()
def _computed(model: torch.nn.Module, inputs: Tensor) -> Tensor:
    return model(inputs)


def by_network(
    known: Tensor, inputs: Tensor, seen: Tensor, truths: Tensor, seed: int, *, steps: int = STEPS
) -> Rebuilt:
    """A network with one hidden layer."""
    features, others = standardised(known, seen)
    wanted = inputs.flatten(1)
    model = network(features.shape[1], wanted.shape[1], seed, hidden=HIDDEN)
    return rebuilt(_computed(fitted(model, features, wanted, seed, steps=steps), others), truths)
