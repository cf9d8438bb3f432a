"""What the ops of a training step compute: losses, gradients, updates, batch statistics.

The other half of the table `EVALUATE`. Each gradient rule is the exact derivative of the layer it names.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppc.ir.graph import Node
from ppc.ir.shapes import window_count
from ppc.reference.layers import Rule, columns, log_sum_exp, node_windows, per_channel, softmax
from ppc.reference.windows import Array, Pair, add_windows


def softmax_cross_entropy(_node: Node, values: Sequence[Array]) -> Array:
    """The mean over the batch, for labels that sum to 1 in every example (then it equals PyTorch's)."""
    logits, labels = values
    losses: Array = log_sum_exp(logits)[:, 0] - (logits * labels).sum(axis=1)
    return np.asarray(losses.mean())


def softmax_cross_entropy_grad(node: Node, values: Sequence[Array]) -> Array:
    logits, labels = values
    return (softmax(node, [logits]) - labels) / logits.shape[0]


def mse(_node: Node, values: Sequence[Array]) -> Array:
    return np.asarray(((values[0] - values[1]) ** 2).mean())


def right_answers(_node: Node, values: Sequence[Array]) -> Array:
    """How many rows have no score above that of their label; a row without a label is not right."""
    scores, labels = values[0], np.rint(values[1])
    own = (scores * labels).sum(axis=1, keepdims=True)
    better = (scores > own).sum(axis=1) + 1.0 - labels.sum(axis=1)
    return np.asarray((better <= 0).sum(), np.float64)


def mse_grad(_node: Node, values: Sequence[Array]) -> Array:
    return 2.0 * (values[0] - values[1]) / values[0].size


def subtract(_node: Node, values: Sequence[Array]) -> Array:
    return values[0] - values[1]


def multiply(_node: Node, values: Sequence[Array]) -> Array:
    return values[0] * values[1]


def scale(node: Node, values: Sequence[Array]) -> Array:
    return values[0] * node.number("factor")


def slice_channels(node: Node, values: Sequence[Array]) -> Array:
    return values[0][:, node.integer("start") : node.integer("stop")]


def matmul(node: Node, values: Sequence[Array]) -> Array:
    x = values[0].T if node.attrs["transpose_x"] else values[0]
    y = values[1].T if node.attrs["transpose_y"] else values[1]
    return x @ y


def conv2d_grad_input(node: Node, values: Sequence[Array]) -> Array:
    weight = values[1]
    groups, kernel = node.integer("groups"), weight.shape[2:]
    gradient = _before_pool(node, values[0], node.pair("size"), kernel)
    batch, made, rows, across = gradient.shape
    matrix = weight.reshape(groups, made // groups, -1).transpose(0, 2, 1)
    parts = matrix @ gradient.reshape(batch, groups, made // groups, rows * across)
    parts = parts.reshape(batch, -1, *kernel, rows, across).transpose(0, 1, 4, 5, 2, 3)
    return add_windows(parts, size=node.pair("size"), stride=node.pair("stride"), padding=node.pair("padding"))


def conv2d_grad_weight(node: Node, values: Sequence[Array]) -> Array:
    x, groups, kernel = values[0], node.integer("groups"), node.pair("kernel")
    gradient = _before_pool(node, values[1], x.shape[2:], kernel)
    batch, made = gradient.shape[:2]
    given = gradient.reshape(batch, groups, made // groups, -1)
    product = (given @ columns(node, x).transpose(0, 1, 3, 2)).sum(axis=0)
    return product.reshape(made, x.shape[1] // groups, *kernel)


def _mean_grad(gradient: Array, *, size: Pair, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    """Every place of a window receives its share of what reaches the window's mean."""
    shares = (gradient / (kernel[0] * kernel[1]))[..., None, None]
    parts = np.broadcast_to(shares, (*gradient.shape, *kernel))
    return add_windows(parts, size=size, stride=stride, padding=padding)


def _before_pool(node: Node, gradient: Array, size: Sequence[int], kernel: Sequence[int]) -> Array:
    """What reaches the convolution's own values, where `pool` says that the gradient is that of their means."""
    pool = node.integer("pool", 1)
    if pool == 1:
        return gradient
    sides = zip(size, kernel, node.pair("stride"), node.pair("padding"), strict=True)
    rows, across = (window_count(*side) for side in sides)
    return _mean_grad(gradient, size=(rows, across), kernel=(pool, pool), stride=(pool, pool), padding=(0, 0))


def avg_pool_grad(node: Node, values: Sequence[Array]) -> Array:
    return _mean_grad(values[0], size=node.pair("size"), **node.window)


def max_pool_grad(node: Node, values: Sequence[Array]) -> Array:
    """The gradient goes to the first of the largest values, as in PyTorch."""
    x, gradient = values
    cut = node_windows(node, x, border=-np.inf)
    first = cut.reshape(*cut.shape[:4], -1).argmax(axis=-1)[..., None]
    parts = np.zeros((*cut.shape[:4], cut.shape[4] * cut.shape[5]))
    np.put_along_axis(parts, first, gradient[..., None], axis=-1)
    size = (x.shape[2], x.shape[3])
    return add_windows(parts.reshape(cut.shape), size=size, stride=node.pair("stride"), padding=node.pair("padding"))


def global_avg_pool_grad(node: Node, values: Sequence[Array]) -> Array:
    height, width = node.pair("size")
    shares = (values[0] / (height * width))[..., None, None]
    return np.broadcast_to(shares, (*values[0].shape, height, width))


def relu_grad(_node: Node, values: Sequence[Array]) -> Array:
    return np.where(values[0] > 0.0, values[1], 0.0)


def sigmoid_grad(_node: Node, values: Sequence[Array]) -> Array:
    y, gradient = values
    return gradient * y * (1.0 - y)


def tanh_grad(_node: Node, values: Sequence[Array]) -> Array:
    y, gradient = values
    return gradient * (1.0 - y * y)


def softmax_grad(_node: Node, values: Sequence[Array]) -> Array:
    y, gradient = values
    return y * (gradient - (gradient * y).sum(axis=1, keepdims=True))


def _not_channels(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def sum_to_channel(_node: Node, values: Sequence[Array]) -> Array:
    return values[0].sum(axis=_not_channels(values[0]))


def batch_mean(_node: Node, values: Sequence[Array]) -> Array:
    return values[0].mean(axis=_not_channels(values[0]))


def batch_variance(_node: Node, values: Sequence[Array]) -> Array:
    """The biased one, which normalises; running statistics keep the unbiased one."""
    return values[0].var(axis=_not_channels(values[0]))


def _normalised(node: Node, x: Array, mean: Array, variance: Array) -> Array:
    return (x - per_channel(mean, x)) / np.sqrt(per_channel(variance, x) + node.number("epsilon"))


def batch_norm_grad_input(node: Node, values: Sequence[Array]) -> Array:
    """With mean and variance as functions of x: what they pass on is taken off, channel by channel."""
    x, scale_, mean, variance, gradient = values
    axes = _not_channels(x)
    hat = _normalised(node, x, mean, variance)
    centred = gradient - gradient.mean(axis=axes, keepdims=True) - hat * (gradient * hat).mean(axis=axes, keepdims=True)
    return centred * per_channel(scale_ / np.sqrt(variance + node.number("epsilon")), x)


def batch_norm_grad_scale(node: Node, values: Sequence[Array]) -> Array:
    x, mean, variance, gradient = values
    return (gradient * _normalised(node, x, mean, variance)).sum(axis=_not_channels(x))


TRAINING: dict[str, Rule] = {
    "softmax_cross_entropy": softmax_cross_entropy,
    "softmax_cross_entropy_grad": softmax_cross_entropy_grad,
    "mse": mse,
    "right_answers": right_answers,
    "mse_grad": mse_grad,
    "subtract": subtract,
    "multiply": multiply,
    "scale": scale,
    "scale_by": multiply,
    "slice_channels": slice_channels,
    "matmul": matmul,
    "conv2d_grad_input": conv2d_grad_input,
    "conv2d_grad_weight": conv2d_grad_weight,
    "avg_pool_grad": avg_pool_grad,
    "max_pool_grad": max_pool_grad,
    "global_avg_pool_grad": global_avg_pool_grad,
    "relu_grad": relu_grad,
    "sigmoid_grad": sigmoid_grad,
    "tanh_grad": tanh_grad,
    "softmax_grad": softmax_grad,
    "sum_to_channel": sum_to_channel,
    "batch_mean": batch_mean,
    "batch_variance": batch_variance,
    "batch_norm_grad_input": batch_norm_grad_input,
    "batch_norm_grad_scale": batch_norm_grad_scale,
}
