"""What a dense layer read, rebuilt from its gradient.

With y = Wx + b, the gradient of a row of W is d·x and that of b is d: their ratio is x, exactly, for one example (Phong
and others 2018, section 3). Of several examples it is a mean, weighted by how large their d are. Where the bias was not
sent, the direction that the rows share is x but for its length.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ppc.audit.federated.exchanges import Seen
from ppc.audit.federated.victim import Victim, correlation
from ppc.ir.graph import Node


def rebuilt(victim: Victim, layer: Node, seen: Seen) -> Tensor:
    """Where nothing was sent, the mean of what the attacker's own examples make."""
    parts, sent = victim.layout.weights(seen.update), victim.layout.weights(seen.sent)
    usual = victim.reads(layer, victim.known).mean(0)
    _, weight, *rest = layer.inputs
    rows = parts[weight]
    bias = parts[rest[0]] if rest else torch.zeros(len(rows))
    if not bool(bias.any()):
        return _direction(rows, usual)
    if seen.setting.facts.upload.how == "largest":
        usual = _small(usual, float(seen.update[seen.sent].abs().min() / bias.abs().max()))
    below = (bias.square()[:, None] * sent[weight]).sum(0)
    return torch.where(below > 0, (bias[:, None] * rows).sum(0) / below.clamp_min(1e-30), usual)


def _small(usual: Tensor, bound: float) -> Tensor:
    """What was not among the largest is at most as large as the smallest that was sent."""
    return usual.clamp(-bound, bound)


def _direction(rows: Tensor, usual: Tensor) -> Tensor:
    if not bool(rows.any()):
        return usual
    found = torch.linalg.svd(rows, full_matrices=False).Vh[0]
    return found if float(found @ usual) >= 0 else -found


def scores(victim: Victim, layer: Node, seen: Seen) -> tuple[float, float]:
    """How like the most similar of the true inputs it is; and how like it is what anybody would have guessed."""
    truths, found = victim.reads(layer, seen.images), rebuilt(victim, layer, seen)
    guess = victim.reads(layer, victim.known).mean(0)
    return max(correlation(found, truth) for truth in truths), max(correlation(guess, truth) for truth in truths)
