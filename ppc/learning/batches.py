"""What chance decides in a training: the order of examples in an epoch, and what dropout drops. Seeded, with coins of
its own for each place, so that a training can be repeated, and gone on with.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def batches(examples: int, size: int, *, seed: int, epoch: int, shuffled: bool = True) -> Iterator[Tensor]:
    """The places of each batch; the last one may be smaller."""
    coins = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    order = torch.randperm(examples, generator=coins) if shuffled else torch.arange(examples)
    yield from order.split(size)


def coins(seed: int, *place: int) -> torch.Generator:
    """The coins of one place: a generator of its own for each."""
    mixed = seed
    for number in place:
        mixed = (mixed * 1_000_003 + number + 1) % 2**62
    return torch.Generator().manual_seed(mixed)


@contextmanager
def dropping(seed: int, *place: int) -> Generator[None]:
    """Dropout draws from PyTorch's one generator of the process: here from the coins of a place."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(coins(seed, *place).initial_seed())
        yield
