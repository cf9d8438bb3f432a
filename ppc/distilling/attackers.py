"""What somebody does with samples that were meant for another: who has the package and not the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.distilled import Key, Samples
from ppc.distilled.device import opened
from ppc.distilled.package import name_in
from ppc.distilling.task import Data
from ppc.distilling.unroll import SOFT, Parts, learning_result
from ppc.ir.graph import Graph
from ppc.ir.policy import Loss
from ppc.learning import Network
from ppc.learning.network import Tensors

LONG = 300  # steps of an attacker who takes time
RATE = 0.01  # of Adam
RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
GUESSED_BITS = 16

Objective = Callable[[Mapping[str, Tensor]], tuple[Tensor, Tensors]]  # a loss, and running statistics behind it


def by_adam(network: Network, start: Mapping[str, Tensor], objective: Objective) -> Tensors:
    """Weights after a long training with Adam."""
    weights = {name: values.clone() for name, values in start.items()}
    learned = [weights[name].requires_grad_() for name in network.learned]
    optimizer = torch.optim.Adam(learned, lr=RATE)
    for _ in range(LONG):
        optimizer.zero_grad()
        loss, running = objective(weights)
        loss.backward()
        optimizer.step()
        weights |= {name: values.detach() for name, values in running.items()}
    return {name: values.detach() for name, values in weights.items()}


def on_samples(network: Network, parts: Parts, loss: Loss) -> Objective:
    """Learn the samples by heart."""

    def objective(weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensors]:
        scores, running = learning_result(network, weights, parts.images)
        return SOFT[loss](scores, parts.labels), running

    return objective


def on_public(network: Network, public: Data) -> Objective:
    """Learn a few examples that everybody has."""

    def objective(weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensors]:
        scores, running = learning_result(network, weights, public.images)
        return F.cross_entropy(scores, public.classes), running

    return objective


def by_ridge(parts: Parts, images: Tensor, ridge: float) -> Tensor:
    """Scores of images without any network: ridge regression of labels on pixels, by the samples' linear kernel.

    The ridge is in units of the kernel's mean diagonal; the 1 that is added to products stands for a bias.
    """
    known, asked = (values.flatten(1).double() for values in (parts.images, images))
    kernel = known @ known.T + 1
    within = ridge * kernel.diagonal().mean() * torch.eye(len(known), dtype=kernel.dtype)
    return (asked @ known.T + 1) @ torch.linalg.solve(kernel + within, parts.labels.double())


@dataclass(frozen=True, kw_only=True)
class Guessed:
    """A search through all keys of a few bits, and the samples of the package that it opened."""

    bits: int
    guesses: int
    seconds: float
    samples: Samples | None

    @property
    def rate(self) -> float:
        return self.guesses / self.seconds


def short_key(number: int) -> Key:
    """What becomes of a seed of a few bits that somebody took for a key."""
    return Key(number.to_bytes(32, "big"))


def cracked(package: bytes, graph: Graph, bits: int = GUESSED_BITS) -> Guessed:
    """Try all keys of so many bits on a package, as whoever has it and the program can.

    The name in its head is compared first, since that is quickest; where it fits, the package is opened as a device
    opens it: decrypted, and its network and first weights checked.
    """
    began, name = perf_counter(), name_in(package)
    for number in range(1 << bits):
        key = short_key(number)
        if key.name == name:
            samples = opened(package, key, graph)[0].samples
            return Guessed(bits=bits, guesses=number + 1, seconds=perf_counter() - began, samples=samples)
    return Guessed(bits=bits, guesses=1 << bits, seconds=perf_counter() - began, samples=None)
