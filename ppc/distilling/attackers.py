"""What somebody does with samples that were meant for another: who has the package and not the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.distilled import Key
from ppc.distilling.task import Data
from ppc.distilling.unroll import SOFT, Parts, learning_result
from ppc.ir.policy import Loss
from ppc.learning import Network
from ppc.learning.network import Tensors

LONG = 300  # steps of an attacker who takes time
RATE = 0.01  # of Adam
GUESSED_BITS = 16

Objective = Callable[[Mapping[str, Tensor]], Tensor]


def by_adam(network: Network, start: Mapping[str, Tensor], objective: Objective) -> Tensors:
    """Weights after a long training with Adam."""
    weights = {name: values.clone() for name, values in start.items()}
    learned = [weights[name].requires_grad_() for name in network.learned]
    optimizer = torch.optim.Adam(learned, lr=RATE)
    for _ in range(LONG):
        optimizer.zero_grad()
        objective(weights).backward()
        optimizer.step()
    return {name: values.detach() for name, values in weights.items()}


def on_samples(network: Network, parts: Parts, loss: Loss) -> Objective:
    """Learn the samples by heart."""
    return lambda weights: SOFT[loss](learning_result(network, weights, parts.images)[0], parts.labels)


def on_public(network: Network, public: Data) -> Objective:
    """Learn a few examples that everybody has."""
    return lambda weights: F.cross_entropy(learning_result(network, weights, public.images)[0], public.classes)


@dataclass(frozen=True, kw_only=True)
class Guessed:
    """A search through all keys of a few bits."""

    bits: int
    found: bool
    guesses: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.guesses / self.seconds


def short_key(number: int) -> Key:
    """What becomes of a seed of a few bits that somebody took for a key."""
    return Key(number.to_bytes(32, "big"))


def search(name: str, bits: int = GUESSED_BITS) -> Guessed:
    """Try all keys of so many bits against the name that a package carries."""
    began = perf_counter()
    for number in range(1 << bits):
        if short_key(number).name == name:
            return Guessed(bits=bits, found=True, guesses=number + 1, seconds=perf_counter() - began)
    return Guessed(bits=bits, found=False, guesses=1 << bits, seconds=perf_counter() - began)
