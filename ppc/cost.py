"""What an op costs in the clear: products with their additions, values made, parameters held.

Reports and choices read it. Counts products of values and by constants; comparisons, sums and exponentials are not
products, and show only in the number of values. What the joint protocol costs is another table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from ppc.ir.graph import Graph, Node
from ppc.ir.types import Type

Rule = Callable[[Node, Sequence[Type]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Costs add up."""

    multiply_adds: int = 0
    values: int = 0
    parameters: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            multiply_adds=self.multiply_adds + other.multiply_adds,
            values=self.values + other.values,
            parameters=self.parameters + other.parameters,
        )


def cost(node: Node, operands: Sequence[Type]) -> Cost:
    """The cost of one typed node."""
    size = node.typed.size
    if node.op not in COST:
        return Cost(values=size, parameters=size if node.op == "parameter" else 0)
    return Cost(multiply_adds=COST[node.op](node, operands), values=size)


def total(graph: Graph) -> Cost:
    """The cost of a typed graph."""
    return sum(by_layer(graph).values(), Cost())


def by_layer(graph: Graph) -> dict[str, Cost]:
    """Costs by the name under which a layer was written; parameters and what passes made for it count with it."""
    found: dict[str, Cost] = {}
    for node in graph.nodes:
        layer = node.name.split(".", 1)[0]
        found[layer] = found.get(layer, Cost()) + cost(node, [operand.typed for operand in graph.operands(node)])
    return found


def _each(products: int) -> Rule:
    """So many products for each value of the result."""
    return lambda node, _operands: products * node.typed.size


def _filters(node: Node, pooled: int, weight: Sequence[int]) -> int:
    """A filter for each value behind the pooling, if there is one; the mean is one product more."""
    return pooled * (prod(weight[1:]) + ("pool" in node.attrs))


def _conv2d(node: Node, operands: Sequence[Type]) -> int:
    return _filters(node, node.typed.size, operands[1].shape)


def _conv2d_grad_input(node: Node, operands: Sequence[Type]) -> int:
    gradient, weight = operands
    return _filters(node, gradient.size, weight.shape)


def _conv2d_grad_weight(node: Node, operands: Sequence[Type]) -> int:
    return _filters(node, operands[1].size, node.shape)


def _dense(node: Node, operands: Sequence[Type]) -> int:
    return node.typed.size * operands[1].shape[1]


def _matmul(node: Node, operands: Sequence[Type]) -> int:
    return node.typed.size * operands[0].shape[0 if node.attrs["transpose_x"] else 1]


def _horner(node: Node, _operands: Sequence[Type]) -> int:
    return node.typed.size * max(0, len(node.numbers("coefficients")) - 1)


def _each_operand(products: int) -> Rule:
    """So many products for each value of the first operand."""
    return lambda _node, operands: products * operands[0].size


_FREE = _each(0)
_ONE = _each(1)
_TWO = _each(2)

COST: dict[str, Rule] = {
    "conv2d": _conv2d,
    "dense": _dense,
    "avg_pool": _ONE,
    "max_pool": _FREE,
    "global_avg_pool": _ONE,
    "relu": _FREE,
    "polynomial": _horner,
    "sigmoid": _FREE,
    "tanh": _FREE,
    "softmax": _ONE,
    "argmax": _FREE,
    "batch_norm": _ONE,
    "flatten": _FREE,
    "reshape": _FREE,
    "add": _FREE,
    "concat": _FREE,
    "dropout": _FREE,
    "signal_planes": _FREE,
    "resize": _each(4),
    "uncomplement": _FREE,
    "softmax_cross_entropy": _each_operand(1),
    "softmax_cross_entropy_grad": _ONE,
    "mse": _each_operand(1),
    "mse_grad": _ONE,
    "right_answers": _each_operand(1),
    "subtract": _FREE,
    "multiply": _ONE,
    "scale": _ONE,
    "scale_by": _ONE,
    "sum_to_channel": _FREE,
    "slice_channels": _FREE,
    "matmul": _matmul,
    "conv2d_grad_input": _conv2d_grad_input,
    "conv2d_grad_weight": _conv2d_grad_weight,
    "avg_pool_grad": _each_operand(1),
    "max_pool_grad": _FREE,
    "global_avg_pool_grad": _each_operand(1),
    "relu_grad": _FREE,
    "sigmoid_grad": _TWO,
    "tanh_grad": _TWO,
    "softmax_grad": _TWO,
    "batch_mean": _ONE,
    "batch_variance": _each_operand(1),
    "batch_norm_grad_input": _each_operand(3),
    "batch_norm_grad_scale": _each_operand(2),
    "norm_factor": _ONE,
    "norm_shift": _ONE,
    "multiply_channel": _ONE,
    "add_channel": _FREE,
    "scale_filters": _ONE,
    "reveal": _FREE,
}
