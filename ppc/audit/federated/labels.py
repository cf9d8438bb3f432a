"""How often each class occurs among the examples behind an update, from the gradient of the last layer.

The gradient of the last bias is the mean of p - y: of one example, the only negative entry is at its class (Zhao and
others 2020, iDLG). Of several, the sum of p - y with the p that the model gives on the attacker's own examples tells
how many there are of each class (Wainakh and others 2022).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ppc.audit.federated.exchanges import Seen
from ppc.audit.federated.victim import Victim
from ppc.ir.graph import Node


def recovered(victim: Victim, layer: Node, seen: Seen) -> Tensor:
    """As many labels as there are examples, sorted."""
    facts, count = seen.setting.facts, len(seen.labels)
    batch = min(facts.batch, seen.setting.own)
    pushed = _pushed(victim, layer, seen) * seen.setting.group * batch / facts.rate
    usual = victim.network.answers(victim.weights, victim.known).softmax(1).mean(0)
    if count == 1:
        return pushed.argmax()[None]
    return apportioned((count * usual + pushed).clamp_min(0), count)


def _pushed(victim: Victim, layer: Node, seen: Seen) -> Tensor:
    """The update of the bias, or what the weights' update says of it: each row is that number times what was read."""
    parts = victim.layout.weights(seen.update)
    _, weight, *rest = layer.inputs
    if rest and seen.setting.facts.noise.kind == "none":
        bias = parts[rest[0]]
        if bool((bias != 0).all()):
            return bias
    rows, usual = parts[weight], victim.reads(layer, victim.known).mean(0)
    there = victim.layout.weights(seen.sent)[weight].float()
    return (rows @ usual) / (there @ usual.square()).clamp_min(1e-12)


def apportioned(weights: Tensor, count: int) -> Tensor:
    """So many labels in proportion: whole parts first, then the largest remainders."""
    total = float(weights.sum())
    parts = weights * (count / total) if total > 0 else torch.full_like(weights, count / len(weights))
    whole = parts.floor().long()
    rest = (parts - whole).argsort(descending=True)[: count - int(whole.sum())]
    whole[rest] += 1
    return torch.arange(len(weights)).repeat_interleave(whole)


def hits(found: Tensor, truth: Tensor, classes: int) -> int:
    """How many are in both."""
    counts = [torch.bincount(one, minlength=classes) for one in (found, truth)]
    return int(torch.minimum(*counts).sum())


def guessed(victim: Victim, count: int) -> Tensor:
    """By how often the attacker's own examples have each class."""
    return apportioned(torch.bincount(victim.known_labels, minlength=victim.network.classes).float(), count)
