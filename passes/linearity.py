"""Which ops of the backward graph are linear in some of their operands. Called by `fold_rate`."""

from __future__ import annotations

from collections.abc import Sequence

from ppc.ir.graph import Node

# Linear in one operand while the others stay: which one. Those that are linear in all operands together stand apart.
LINEAR_IN = {
    "conv2d_grad_input": 0,
    "conv2d_grad_weight": 1,
    "avg_pool_grad": 0,
    "max_pool_grad": 1,
    "global_avg_pool_grad": 0,
    "relu_grad": 1,
    "sigmoid_grad": 1,
    "tanh_grad": 1,
    "softmax_grad": 1,
    "batch_norm_grad_input": 4,
    "batch_norm_grad_scale": 3,
    "sum_to_channel": 0,
    "slice_channels": 0,
    "reshape": 0,
    "scale": 0,
    "multiply_channel": 0,
}
LINEAR_IN_ALL = ("add", "subtract", "concat")
LINEAR_IN_EITHER = ("multiply", "matmul")


def is_linear(node: Node, touched: Sequence[bool]) -> bool:
    """Is the result multiplied by a number when the touched operands are?"""
    if node.op in LINEAR_IN:
        return list(touched).index(True) == LINEAR_IN[node.op] and list(touched).count(True) == 1
    if node.op in LINEAR_IN_EITHER:
        return list(touched).count(True) == 1
    return node.op in LINEAR_IN_ALL and all(touched)
