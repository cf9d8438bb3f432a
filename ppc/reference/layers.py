"""What each layer computes, in numpy: the forward half of the table `EVALUATE`.

A rule takes the node and its operands' values. Conventions are PyTorch's. Knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ppc.ir.graph import Node
from ppc.reference.windows import Array, windows

Rule = Callable[[Node, Sequence[Array]], Array]


def per_channel(vector: Array, like: Array) -> Array:
    """One value a channel, in a shape that broadcasts over `like`."""
    return vector.reshape(1, -1, *(1,) * (like.ndim - 2))


def node_windows(node: Node, x: Array, *, border: float = 0.0) -> Array:
    """The windows that a pooling or a convolution looks at."""
    kernel, stride, padding = (node.pair(key) for key in ("kernel", "stride", "padding"))
    return windows(x, kernel=kernel, stride=stride, padding=padding, border=border)


def columns(node: Node, x: Array) -> Array:
    """A convolution's windows as matrices: (batch, groups, values in a window, windows)."""
    cut = node_windows(node, x)
    batch, _, rows, across, *_ = cut.shape
    return cut.transpose(0, 1, 4, 5, 2, 3).reshape(batch, node.integer("groups"), -1, rows * across)


def averaged(x: Array, pool: int) -> Array:
    """Means over windows of pool×pool that do not overlap."""
    return windows(x, kernel=(pool, pool), stride=(pool, pool), padding=(0, 0)).mean(axis=(4, 5)) if pool > 1 else x


def conv2d(node: Node, values: Sequence[Array]) -> Array:
    x, weight, *bias = values
    groups, made = node.integer("groups"), weight.shape[0]
    rows, across = node_windows(node, x).shape[2:4]
    product = weight.reshape(groups, made // groups, -1) @ columns(node, x)
    result = averaged(product.reshape(x.shape[0], made, rows, across), node.integer("pool", 1))
    return result + per_channel(bias[0], result) if bias else result


def dense(_node: Node, values: Sequence[Array]) -> Array:
    x, weight, *bias = values
    product = x.reshape(x.shape[0], -1) @ weight.T  # as written, before `infer-shapes`, x may still be an image
    return product + bias[0] if bias else product


def avg_pool(node: Node, values: Sequence[Array]) -> Array:
    return node_windows(node, values[0]).mean(axis=(4, 5))


def max_pool(node: Node, values: Sequence[Array]) -> Array:
    """Place by place of the windows: numpy reduces short axes one element at a time, which takes ten times as long."""
    cut = node_windows(node, values[0], border=-np.inf)
    return reduce(np.maximum, (cut[..., row, column] for row, column in np.ndindex(cut.shape[4:])))


def global_avg_pool(_node: Node, values: Sequence[Array]) -> Array:
    return values[0].mean(axis=(2, 3))


def relu(_node: Node, values: Sequence[Array]) -> Array:
    return np.maximum(values[0], 0.0)


def polynomial(node: Node, values: Sequence[Array]) -> Array:
    x = values[0]
    result = np.zeros_like(x)
    for coefficient in reversed(node.numbers("coefficients")):
        result = result * x + coefficient
    return result


def sigmoid(_node: Node, values: Sequence[Array]) -> Array:
    return np.exp(-np.logaddexp(0.0, -values[0]))  # does not overflow, however negative x is


def tanh(_node: Node, values: Sequence[Array]) -> Array:
    return np.tanh(values[0])


def log_sum_exp(x: Array) -> Array:
    """Per example; the largest value is taken out first, so that no exponential overflows."""
    largest = x.max(axis=1, keepdims=True)
    return largest + np.log(np.exp(x - largest).sum(axis=1, keepdims=True))


def softmax(_node: Node, values: Sequence[Array]) -> Array:
    return np.exp(values[0] - log_sum_exp(values[0]))


def argmax(_node: Node, values: Sequence[Array]) -> Array:
    return values[0].argmax(axis=1).astype(np.int64)


def batch_norm(node: Node, values: Sequence[Array]) -> Array:
    x, scale, shift, mean, variance = (values[0], *(per_channel(v, values[0]) for v in values[1:]))
    return (x - mean) / np.sqrt(variance + node.number("epsilon")) * scale + shift


def norm_factor(node: Node, values: Sequence[Array]) -> Array:
    return values[0] / np.sqrt(values[1] + node.number("epsilon"))


def norm_shift(_node: Node, values: Sequence[Array]) -> Array:
    shift, mean, factor = values
    return shift - mean * factor


def multiply_channel(_node: Node, values: Sequence[Array]) -> Array:
    return values[0] * per_channel(values[1], values[0])


def add_channel(_node: Node, values: Sequence[Array]) -> Array:
    return values[0] + per_channel(values[1], values[0])


def scale_filters(_node: Node, values: Sequence[Array]) -> Array:
    weight, factor = values
    return weight * factor.reshape(-1, *(1,) * (weight.ndim - 1))


def flatten(_node: Node, values: Sequence[Array]) -> Array:
    return values[0].reshape(values[0].shape[0], -1)


def reshape(node: Node, values: Sequence[Array]) -> Array:
    return values[0].reshape(values[0].shape[0], *node.integers("shape"))


def add(_node: Node, values: Sequence[Array]) -> Array:
    return values[0] + values[1]


def concat(_node: Node, values: Sequence[Array]) -> Array:
    return np.concatenate(values, axis=1)


def same(_node: Node, values: Sequence[Array]) -> Array:
    return values[0]


def _whole(signal: Array) -> NDArray[np.int64]:
    """The signals of a batch as a column."""
    return np.asarray(signal, dtype=np.int64).reshape(len(signal), 1)


def signal_planes(node: Node, values: Sequence[Array]) -> Array:
    signal, classes = _whole(values[0]), node.integer("classes")
    marks = signal if classes == 2 else signal == np.arange(classes)
    size = node.integers("size")  # none for a layer that reads a row of numbers
    flat = marks.astype(float).reshape(*marks.shape, *(1,) * len(size))
    return np.broadcast_to(flat, (*marks.shape, *size))


def _nearness(old: int, new: int) -> Array:
    """How much each of `old` places counts for each of `new`: the two nearest, by their distances."""
    places = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(old)))


def resize(node: Node, values: Sequence[Array]) -> Array:
    height, width = node.integers("size")
    down, across = _nearness(values[0].shape[2], height), _nearness(values[0].shape[3], width)
    return down @ values[0] @ across.T


def uncomplement(node: Node, values: Sequence[Array]) -> Array:
    x, signal = values[0], _whole(values[1])
    if node.word("how") == "roll":  # class c was taught as class c + signal
        count = int(x.shape[1])
        return np.take_along_axis(x, (np.arange(count) + signal) % count, axis=1)
    flipped = 1.0 - x if node.word("how") == "flip" else -x
    return np.where(signal == 1, flipped, x)


LAYERS: dict[str, Rule] = {
    "conv2d": conv2d,
    "dense": dense,
    "avg_pool": avg_pool,
    "max_pool": max_pool,
    "global_avg_pool": global_avg_pool,
    "relu": relu,
    "polynomial": polynomial,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softmax": softmax,
    "argmax": argmax,
    "batch_norm": batch_norm,
    "flatten": flatten,
    "reshape": reshape,
    "add": add,
    "concat": concat,
    "dropout": same,  # in inference nothing is dropped
    "signal_planes": signal_planes,
    "resize": resize,
    "uncomplement": uncomplement,
    "norm_factor": norm_factor,
    "norm_shift": norm_shift,
    "multiply_channel": multiply_channel,
    "add_channel": add_channel,
    "scale_filters": scale_filters,
    "reveal": same,  # an opening changes who knows a value, not the value
}
