"""What each op of a model computes, said with PyTorch's functions: one row an op, as `ppc.reference` says it in numpy.

A test compares both tables on random models, values and gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.ir.graph import Node

Rule = Callable[[Node, Sequence[Tensor]], Tensor]


def _conv2d(node: Node, values: Sequence[Tensor]) -> Tensor:
    bias = values[2] if len(values) > 2 else None
    stride, padding = node.pair("stride"), node.pair("padding")
    return F.conv2d(values[0], values[1], bias, stride, padding, groups=node.integer("groups"))


def _pool(kind: Callable[..., Tensor]) -> Rule:
    return lambda node, values: kind(values[0], **node.window)


def _polynomial(node: Node, values: Sequence[Tensor]) -> Tensor:
    """Horner's scheme: the same number of products whatever the degree."""
    found = torch.zeros_like(values[0])
    for coefficient in reversed(node.numbers("coefficients")):
        found = found * values[0] + coefficient
    return found


def _batch_norm(node: Node, values: Sequence[Tensor], *, training: bool = False) -> Tensor:
    """In training the running statistics are updated in place, as PyTorch does."""
    x, scale, shift, mean, variance = values
    momentum = node.number("momentum") if training else 0.0
    return F.batch_norm(x, mean, variance, scale, shift, training, momentum, node.number("epsilon"))


def _signal_planes(node: Node, values: Sequence[Tensor]) -> Tensor:
    """A class becomes planes of zeros and ones, as large as the feature map that they join; or a few numbers."""
    classes = node.integer("classes")
    signal = values[0].long()
    marks = F.one_hot(signal, classes) if classes > 2 else signal[:, None]
    size = node.integers("size")  # none for a layer that reads a row of numbers
    flat = marks.reshape(*marks.shape, *(1,) * len(size))
    return flat.expand(-1, -1, *size).to(torch.get_default_dtype())


def _resize(node: Node, values: Sequence[Tensor]) -> Tensor:
    return F.interpolate(values[0], node.integers("size"), mode="bilinear", align_corners=False)


def _uncomplement(node: Node, values: Sequence[Tensor]) -> Tensor:
    answer, signal = values[0], values[1].long()
    match node.word("how"):
        case "roll":
            places = torch.arange(answer.shape[1], device=answer.device)
            return answer.gather(1, (places[None, :] + signal[:, None]) % answer.shape[1])
        case "flip":
            return torch.where(signal.bool()[:, None], 1 - answer, answer)
        case _:
            return torch.where(signal.bool()[:, None], -answer, answer)


RULES: Mapping[str, Rule] = {
    "conv2d": _conv2d,
    "dense": lambda _, values: F.linear(*values),
    "avg_pool": _pool(lambda x, kernel, stride, padding: F.avg_pool2d(x, kernel, stride, padding)),
    "max_pool": _pool(lambda x, kernel, stride, padding: F.max_pool2d(x, kernel, stride, padding)),
    "global_avg_pool": lambda _, values: values[0].mean((2, 3)),
    "relu": lambda _, values: F.relu(values[0]),
    "polynomial": _polynomial,
    "sigmoid": lambda _, values: torch.sigmoid(values[0]),
    "tanh": lambda _, values: torch.tanh(values[0]),
    "softmax": lambda _, values: F.softmax(values[0], dim=1),
    "argmax": lambda _, values: values[0].argmax(dim=1),
    "batch_norm": _batch_norm,
    "flatten": lambda _, values: values[0].flatten(1),
    "reshape": lambda node, values: values[0].reshape(len(values[0]), *node.integers("shape")),
    "add": lambda _, values: values[0] + values[1],
    "concat": lambda _, values: torch.cat(list(values), dim=1),
    "dropout": lambda _, values: values[0],
    "signal_planes": _signal_planes,
    "resize": _resize,
    "uncomplement": _uncomplement,
}


def _dropout(node: Node, values: Sequence[Tensor]) -> Tensor:
    return F.dropout(values[0], node.number("rate"), training=True)


# What differs while a model learns.
IN_TRAINING: Mapping[str, Rule] = {
    **RULES,
    "dropout": _dropout,
    "batch_norm": lambda node, values: _batch_norm(node, values, training=True),
}
