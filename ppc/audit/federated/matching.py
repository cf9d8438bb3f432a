"""Gradient matching: images are changed until their gradient points where the one that was seen points.

Zhu, Liu and Han 2019, with the distance of Geiping and others 2020 (one minus the cosine) over the coordinates that
were sent. It works better the smoother a network is: its control is one with a single hidden layer of tanh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.audit.federated.victim import Victim, correlation
from ppc.ir.policy import Loss
from ppc.learning import loss_of

STEPS = 200
SPEED = 0.05  # of the range of the inputs, a step
HIDDEN = 32
Gradient = Callable[[Tensor, Tensor], Tensor]  # of images and their labels, as one vector


def gradient_of(victim: Victim, loss: Loss) -> Gradient:
    """Of the network that the participants train."""
    network = victim.network
    learned = [victim.weights[name].detach().clone().requires_grad_() for name in network.learned]
    weights = {**victim.weights, **dict(zip(network.learned, learned, strict=True))}

    def gradient(images: Tensor, labels: Tensor) -> Tensor:
        found = network.forward(weights, {network.data: images})
        return _flat(loss_of(loss, found, labels), learned)

    return gradient


def smooth(victim: Victim, seed: int) -> Gradient:
    """Of the control's network, with drawn weights."""
    coins, inputs = torch.Generator().manual_seed(seed), victim.images[0].numel()
    first, last = (
        torch.randn(size, generator=coins) / size[1] ** 0.5
        for size in ((HIDDEN, inputs), (victim.network.classes, HIDDEN))
    )
    learned = [first.requires_grad_(), last.requires_grad_()]

    def gradient(images: Tensor, labels: Tensor) -> Tensor:
        found = torch.tanh(images.flatten(1) @ learned[0].T) @ learned[1].T
        return _flat(F.cross_entropy(found, labels), learned)

    return gradient


def _flat(loss: Tensor, learned: list[Tensor]) -> Tensor:
    return torch.cat([one.flatten() for one in torch.autograd.grad(loss, learned, create_graph=True)])


@dataclass(frozen=True)
class Aim:
    """What is matched: a direction of which the coordinates that were sent are known, and the labels."""

    direction: Tensor
    sent: Tensor
    labels: Tensor


def matched(victim: Victim, gradient: Gradient, aim: Aim, seed: int, steps: int = STEPS) -> Tensor:
    """Images whose gradient points as the one that was seen."""
    (low, high), coins = victim.range, torch.Generator().manual_seed(seed)
    sent, wanted, labels = aim.sent, aim.direction[aim.sent], aim.labels
    shape = (len(labels), *victim.images.shape[1:])
    images = victim.known.mean(0) + 0.1 * (high - low) * torch.randn(shape, generator=coins)
    images = images.clamp(low, high).requires_grad_()
    rule = torch.optim.Adam([images], lr=SPEED * (high - low))
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(rule, steps)
    for _ in range(steps):
        rule.zero_grad()
        loss = 1 - F.cosine_similarity(gradient(images, labels)[sent], wanted, dim=0)
        (images.grad,) = torch.autograd.grad(loss, [images])
        rule.step()
        falling.step()
        with torch.no_grad():
            images.clamp_(low, high)
    return images.detach()


def likeness(found: Tensor, truths: Tensor) -> list[float]:
    """Of each true image to one of those that were found, the best pair first."""
    table = torch.tensor([[correlation(one, truth) for one in found] for truth in truths])
    scores: list[float] = []
    for _ in range(len(truths)):
        row, column = divmod(int(table.argmax()), table.shape[1])
        scores.append(float(table[row, column]))
        table[row], table[:, column] = -2.0, -2.0
    return scores
