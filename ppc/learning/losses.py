"""Losses by the names that a `train` block gives them. Targets are rows of numbers for the classes, or classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.ir.policy import Loss


def _cross_entropy(result: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(result, targets)


def _mean_square(result: Tensor, targets: Tensor) -> Tensor:
    return F.mse_loss(result, targets)


LOSSES: Mapping[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "softmax_cross_entropy": _cross_entropy,
    "mse": _mean_square,
}


def loss_of(name: Loss, result: Tensor, targets: Tensor) -> Tensor:
    """The mean over the examples; whole numbers are classes."""
    if not targets.is_floating_point():
        targets = F.one_hot(targets, result.shape[1]).to(result.dtype)
    return LOSSES[name](result, targets)
