"""The device's steps in PyTorch, as one function of the samples that can be differentiated.

Every op of a model has its rule in `ppc.learning`; what differs in these steps is the batch norm: its running
statistics are values like others, not changed in place, because the owner differentiates through them. Dropout drops
nothing, so that the steps are the same every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.ir.graph import Node
from ppc.ir.policy import Loss
from ppc.learning import Network
from ppc.learning.network import Tensors
from ppc.learning.table import RULES, Rule


def _cross_entropy(result: Tensor, labels: Tensor) -> Tensor:
    """Its gradient is softmax minus label, whatever numbers a label holds, as in `ppc.reference`."""
    return (torch.logsumexp(result, 1) - (result * labels).sum(1)).mean()


SOFT: Mapping[Loss, Callable[[Tensor, Tensor], Tensor]] = {"softmax_cross_entropy": _cross_entropy, "mse": F.mse_loss}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Samples as tensors: what is learned among them carries gradients."""

    images: Tensor
    labels: Tensor
    rates: Tensor


def steps(
    network: Network, start: Mapping[str, Tensor], parts: Parts, loss: Loss, *, differentiable: bool = False
) -> Iterator[Tensors]:
    """The weights after each step."""
    weights = dict(start)
    for rate in parts.rates:
        learned = {name: weights[name].detach().requires_grad_() for name in network.learned}
        if differentiable:
            learned = {name: _tracked(weights[name]) for name in network.learned}
        result, running = learning_result(network, {**weights, **learned}, parts.images)
        gradients = torch.autograd.grad(
            SOFT[loss](result, parts.labels), tuple(learned.values()), create_graph=differentiable
        )
        stepped = {
            name: values - rate * gradient for (name, values), gradient in zip(learned.items(), gradients, strict=True)
        }
        weights = {**weights, **running, **stepped}
        if not differentiable:
            weights = {name: values.detach() for name, values in weights.items()}
        yield weights


def after(
    network: Network, start: Mapping[str, Tensor], parts: Parts, loss: Loss, *, differentiable: bool = False
) -> Tensors:
    """The weights after the last step."""
    *_, last = steps(network, start, parts, loss, differentiable=differentiable)
    return last


def _tracked(values: Tensor) -> Tensor:
    return values if values.requires_grad else values.detach().requires_grad_()


def learning_result(network: Network, weights: Mapping[str, Tensor], images: Tensor) -> tuple[Tensor, Tensors]:
    """What a model computes while it learns, and its running statistics behind this batch."""
    running: Tensors = {}

    def by_batch(node: Node, values: Sequence[Tensor]) -> Tensor:
        x, scale, shift, mean, variance = values
        axes = [axis for axis in range(x.dim()) if axis != 1]
        now, spread = x.mean(axes), x.var(axes, correction=0)
        share, count = node.number("momentum"), x.numel() // x.shape[1]
        running[node.inputs[3]] = (1 - share) * mean + share * now
        running[node.inputs[4]] = (1 - share) * variance + share * count / (count - 1) * spread  # the unbiased one
        return _normalised(node, [x, scale, shift, now, spread])

    return _result(network, weights, images, by_batch), running


def result(network: Network, weights: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """What a trained model computes; through the running statistics too."""
    return _result(network, weights, images, _normalised)


def _result(network: Network, weights: Mapping[str, Tensor], images: Tensor, norm: Rule) -> Tensor:
    rules = {**RULES, "batch_norm": norm}
    found: Tensors = {**weights, network.data: images}
    for node in network.graph.nodes:
        if node.inputs:
            found[node.name] = rules[node.op](node, [found[name] for name in node.inputs])
    return found[network.graph.output("result").value]


def _normalised(node: Node, values: Sequence[Tensor]) -> Tensor:
    """PyTorch's own function passes no gradient to the statistics that it is given."""
    x, scale, shift, mean, variance = values
    shape = [1, -1, *[1] * (x.dim() - 2)]
    factor = scale / torch.sqrt(variance + node.number("epsilon"))
    return (x - mean.view(shape)) * factor.view(shape) + shift.view(shape)
