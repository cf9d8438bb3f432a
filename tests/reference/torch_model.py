"""The same models in PyTorch: layer by layer from its functions, gradients from its autograd, updates from its SGD.

Shares nothing with the code it checks but the graph as `infer-shapes` leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.ir.graph import Graph, Node
from ppc.ir.policy import Training
from ppc.reference.windows import Array

Rule = Callable[[Node, Sequence[Tensor]], Tensor]


def _conv2d(node: Node, values: Sequence[Tensor]) -> Tensor:
    bias = values[2] if len(values) > 2 else None
    groups = node.integer("groups")
    return F.conv2d(values[0], values[1], bias, node.pair("stride"), node.pair("padding"), groups=groups)


def _dense(_node: Node, values: Sequence[Tensor]) -> Tensor:
    return F.linear(*values)


def _avg_pool(node: Node, values: Sequence[Tensor]) -> Tensor:
    return F.avg_pool2d(values[0], node.pair("kernel"), node.pair("stride"), node.pair("padding"))


def _max_pool(node: Node, values: Sequence[Tensor]) -> Tensor:
    return F.max_pool2d(values[0], node.pair("kernel"), node.pair("stride"), node.pair("padding"))


def _polynomial(node: Node, values: Sequence[Tensor]) -> Tensor:
    terms = [coefficient * values[0] ** power for power, coefficient in enumerate(node.numbers("coefficients"))]
    return torch.stack(terms).sum(0)


def _batch_norm(node: Node, values: Sequence[Tensor]) -> Tensor:
    x, scale, shift, mean, variance = values
    return F.batch_norm(x, mean, variance, scale, shift, training=False, eps=node.number("epsilon"))


def _reshape(node: Node, values: Sequence[Tensor]) -> Tensor:
    return values[0].reshape(values[0].shape[0], *node.integers("shape"))


def _signal_planes(node: Node, values: Sequence[Tensor]) -> Tensor:
    classes = node.integer("classes")
    marks = F.one_hot(values[0], classes).double() if classes > 2 else values[0].double()[:, None]
    size = node.integers("size")
    return marks.reshape(*marks.shape, *(1,) * len(size)).expand(-1, -1, *size)


def _uncomplement(node: Node, values: Sequence[Tensor]) -> Tensor:
    """Example by example, as one would say it."""
    rows: list[Tensor] = []
    for row, one in zip(values[0], values[1], strict=True):
        signal = int(one)
        turned = {"roll": row.roll(-signal), "flip": 1 - row if signal else row, "negate": -row if signal else row}
        rows.append(turned[node.word("how")])
    return torch.stack(rows)


FORWARD: dict[str, Rule] = {
    "conv2d": _conv2d,
    "dense": _dense,
    "avg_pool": _avg_pool,
    "max_pool": _max_pool,
    "global_avg_pool": lambda _, values: F.adaptive_avg_pool2d(values[0], 1).flatten(1),
    "relu": lambda _, values: F.relu(values[0]),
    "polynomial": _polynomial,
    "sigmoid": lambda _, values: torch.sigmoid(values[0]),
    "tanh": lambda _, values: torch.tanh(values[0]),
    "softmax": lambda _, values: F.softmax(values[0], dim=1),
    "argmax": lambda _, values: values[0].argmax(dim=1),
    "batch_norm": _batch_norm,
    "flatten": lambda _, values: values[0].flatten(1),
    "reshape": _reshape,
    "add": lambda _, values: values[0] + values[1],
    "concat": lambda _, values: torch.cat(list(values), dim=1),
    "dropout": lambda _, values: values[0],
    "signal_planes": _signal_planes,
    "resize": lambda node, values: F.interpolate(values[0], node.integers("size"), mode="bilinear"),
    "uncomplement": _uncomplement,
}


@dataclass
class TorchModel:
    """One model with its values. Running statistics are updated in place, as PyTorch does it."""

    graph: Graph
    values: Mapping[str, Array]
    tensors: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    def forward(self, *, training: bool = False) -> Tensor:
        """The result; every value on the way stays in `tensors`."""
        self.tensors = {name: torch.tensor(value) for name, value in self.values.items()}
        for name in self.learned() if training else ():
            self.tensors[name].requires_grad_()
        for node in self.graph.nodes:
            if node.inputs:
                rule = self.trained_rule(node) if training else FORWARD[node.op]
                self.tensors[node.name] = rule(node, [self.tensors[name] for name in node.inputs])
        return self.tensors[self.graph.output("result").value]

    def learned(self) -> list[str]:
        roles = ("weight", "bias", "scale", "shift")
        return [node.name for node in self.graph.parameters if node.word("role") in roles]

    def trained_rule(self, node: Node) -> Rule:
        """What differs while a model learns."""
        if node.op == "dropout":
            return lambda node, values: values[0] * self.tensors[f"{node.name}.mask"]
        if node.op == "batch_norm":
            return _batch_norm_in_training
        return FORWARD[node.op]

    def step(self, training: Training) -> dict[str, Array]:
        """One step of SGD: the loss, and every parameter, statistic and momentum after it."""
        result, labels = self.forward(training=True), self.tensors["labels"]
        loss = F.mse_loss(result, labels) if training.loss == "mse" else F.cross_entropy(result, labels)
        weights = {name: self.tensors[name] for name in self.learned()}
        rate = training.rate * float(self.values.get("rate", 1.0))
        optimizer = torch.optim.SGD(
            weights.values(), lr=rate, momentum=training.momentum, weight_decay=training.weight_decay
        )
        for name, weight in weights.items() if training.momentum else ():
            optimizer.state[weight]["momentum_buffer"] = self.tensors[f"{name}.momentum"].clone()
        loss.backward()  # pyright: ignore[reportUnknownMemberType] (PyTorch leaves it half annotated)
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        found = {"loss": loss, "result": result}
        found |= {node.name: self.tensors[node.name] for node in self.graph.parameters}
        for name, weight in weights.items() if training.momentum else ():
            found[f"{name}.momentum"] = optimizer.state[weight]["momentum_buffer"]
        return {name: tensor.detach().numpy() for name, tensor in found.items()}


def _batch_norm_in_training(node: Node, values: Sequence[Tensor]) -> Tensor:
    x, scale, shift, mean, variance = values
    momentum, epsilon = node.number("momentum"), node.number("epsilon")
    return F.batch_norm(x, mean, variance, scale, shift, training=True, momentum=momentum, eps=epsilon)
