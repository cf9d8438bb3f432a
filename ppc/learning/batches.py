"""The order of examples in an epoch: seeded, so that a training can be repeated; each epoch has its own."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def batches(examples: int, size: int, *, seed: int, epoch: int, shuffled: bool = True) -> Iterator[Tensor]:
    """The places of each batch; the last one may be smaller."""
    coins = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    order = torch.randperm(examples, generator=coins) if shuffled else torch.arange(examples)
    yield from order.split(size)
