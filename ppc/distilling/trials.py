"""What the trials of a lock share: samples as tensors, coins, parts of data, and what is counted as right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ppc.distilled import Samples, Target
from ppc.distilling.task import Data, as_tensor
from ppc.distilling.unroll import Parts
from ppc.learning import Network
from ppc.learning.network import Tensors

SEED = 0x10C  # of the attackers' own coins


def parts_of(samples: Samples) -> Parts:
    """Samples as tensors."""
    return Parts(images=as_tensor(samples.images), labels=as_tensor(samples.labels), rates=torch.tensor(samples.rates))


def coins_of(count: int) -> Iterator[torch.Generator]:
    """Coins for so many trials, the same whenever a lock is measured."""
    for number in range(count):
        yield torch.Generator().manual_seed(SEED + number)


def parted(data: Data, count: int) -> tuple[Data, Data]:
    """The first examples, or a half where there are not twice as many; and the rest."""
    count = min(count, len(data) // 2)
    first = Data(images=data.images[:count], classes=data.classes[:count])
    return first, Data(images=data.images[count:], classes=data.classes[count:])


def first_of(target: Target) -> tuple[Network, Tensors]:
    """Another network, with what does not depend on a key."""
    network = Network(target.typed(1))
    return network, network.initial(SEED)


def accuracy(network: Network, weights: Mapping[str, Tensor], data: Data) -> float:
    return network.accuracy(weights, data.images, data.classes)


def renamed_accuracy(scores: Tensor, classes: Tensor) -> float:
    """If each answer may be taken for another class, each for one: an attacker knows which way round things are.

    One exchange after the other, as long as one helps: near enough to the best assignment, from below.
    """
    count = scores.shape[1]
    table = torch.zeros(count, count).index_put_((scores.argmax(1), classes), torch.ones(()), accumulate=True)
    names = list(range(count))
    gain = 1.0
    while gain > 0:
        swaps = [
            (table[a, names[b]] + table[b, names[a]] - table[a, names[a]] - table[b, names[b]], a, b)
            for a in range(count)
            for b in range(a)
        ]
        best, a, b = max(swaps, key=lambda swap: float(swap[0]))
        gain = float(best)
        if gain > 0:
            names[a], names[b] = names[b], names[a]
    return float(sum(table[a, names[a]] for a in range(count))) / len(classes)
