"""Shape rules: what comes out of an op, and what shape its parameters must have.

Shapes here start with the batch. A rule raises `ShapeError` in the user's words; `infer_shapes` adds the places.
Follows PyTorch: windows floor, and rows that do not fill a window are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from ppc.ir.graph import Node

Shape = tuple[int, ...]
Rule = Callable[[Node, Sequence[Shape]], Shape]
LARGEST_VALUE = 2**34  # elements of one value; beyond it nothing here could hold it in memory


class ShapeError(Exception):
    """A shape rule does not hold. `operand` is the index of the value to blame, if one is."""

    def __init__(self, code: str, message: str, *, hint: str = "", operands: tuple[int, ...] = (0,)) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.operands = code, message, hint, operands


def shown(shape: Shape) -> str:
    """A shape as the user writes it, without the batch."""
    return f"real[{', '.join(map(str, shape[1:]))}]" if len(shape) > 1 else "real"


def _image(node: Node, shape: Shape) -> Shape:
    if len(shape) == 4:
        return shape
    raise ShapeError(
        "PPC204",
        f"`{node.op}` works on an image real[channels, height, width]; it receives {shown(shape)}.",
        hint="Put it before the `dense` or `flatten`, or give the value three sizes with `reshape([c, h, w])`.",
    )


def _vector(node: Node, shape: Shape) -> Shape:
    if len(shape) == 2:
        return shape
    raise ShapeError(
        "PPC215",
        f"`{node.op}` works on a row of classes real[n]; it receives {shown(shape)}.",
        hint="Put `flatten` or a `dense` layer before it.",
    )


def _channels(node: Node, shape: Shape) -> Shape:
    if len(shape) > 1:
        return shape
    raise ShapeError(
        "PPC204",
        f"`{node.op}` works along the channels of an image or a row; it receives {shown(shape)}, a single number.",
        hint="Give the value a channel with `reshape([1])`.",
    )


def window_count(size: int, kernel: int, stride: int, padding: int) -> int:
    """How many windows fit along one side."""
    return (size + 2 * padding - kernel) // stride + 1


def _windows(node: Node, shape: Shape) -> tuple[int, int]:
    kernel, stride, padding = node.pair("kernel"), node.pair("stride"), node.pair("padding")
    for size, window, pad in zip(shape[2:], kernel, padding, strict=True):
        if window > size + 2 * pad:
            raise ShapeError(
                "PPC203",
                f"The window of `{node.op}` is {kernel[0]}×{kernel[1]}, larger than its input "
                f"{shape[2]}×{shape[3]} with padding {padding[0]}×{padding[1]}.",
                hint="Use a smaller kernel, more padding, or fewer poolings before it.",
            )
    height, width = (window_count(*side) for side in zip(shape[2:], kernel, stride, padding, strict=True))
    return height, width


def _conv2d(node: Node, shapes: Sequence[Shape]) -> Shape:
    batch, channels, *_ = shape = _image(node, shapes[0])
    groups, made = node.integer("groups"), node.integer("channels")
    if channels % groups or made % groups:
        raise ShapeError(
            "PPC207",
            f"groups={groups} must divide the {channels} channels that come in and the {made} that go out.",
            hint=f"Use a divisor of both {channels} and {made}.",
        )
    return (batch, made, *(count // node.integer("pool", 1) for count in _windows(node, shape)))


def _dense(node: Node, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][0], node.integer("features"))


def _pool(node: Node, shapes: Sequence[Shape]) -> Shape:
    shape = _image(node, shapes[0])
    for window, pad in zip(node.pair("kernel"), node.pair("padding"), strict=True):
        if 2 * pad > window:
            raise ShapeError(
                "PPC217",
                f"padding={pad} is more than half of the window {window}: some windows would hold only padding.",
                hint=f"Use padding of at most {window // 2}.",
            )
    return (*shape[:2], *_windows(node, shape))


def _global_pool(node: Node, shapes: Sequence[Shape]) -> Shape:
    return _image(node, shapes[0])[:2]


def _same(_node: Node, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]


def _norm(node: Node, shapes: Sequence[Shape]) -> Shape:
    return _channels(node, shapes[0])


def _classes(node: Node, shapes: Sequence[Shape]) -> Shape:
    return _vector(node, shapes[0])


def _argmax(node: Node, shapes: Sequence[Shape]) -> Shape:
    return _vector(node, shapes[0])[:1]


def _flatten(_node: Node, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][0], prod(shapes[0][1:]))


def _reshape(node: Node, shapes: Sequence[Shape]) -> Shape:
    wanted = node.integers("shape")
    if prod(wanted) != prod(shapes[0][1:]):
        raise ShapeError(
            "PPC208",
            f"`reshape` to {shown((0, *wanted))} needs {prod(wanted)} values; "
            f"it receives {shown(shapes[0])}, which has {prod(shapes[0][1:])}.",
            hint="The sizes must multiply to the same number.",
        )
    return (shapes[0][0], *wanted)


def _alike(node: Node, shapes: Sequence[Shape]) -> Shape:
    first, second = shapes
    if first != second:
        raise ShapeError(
            "PPC201",
            f"`{node.op}` needs two values of one shape: {shown(first)} and {shown(second)} differ.",
            hint="Bring them to one shape with a `conv2d(…, kernel=1)`, a pooling or a `dense` layer on one side.",
            operands=(0, 1),
        )
    return first


def _concat(node: Node, shapes: Sequence[Shape]) -> Shape:
    first = _channels(node, shapes[0])
    for index, shape in enumerate(shapes):
        if len(shape) != len(first) or shape[2:] != first[2:]:
            raise ShapeError(
                "PPC202",
                f"`concat` joins along the channels, so the other sizes must agree: {shown(first)} and {shown(shape)}.",
                hint="Bring both to one height and width, or `flatten` both first.",
                operands=(0, index),
            )
    return (first[0], sum(shape[1] for shape in shapes), *first[2:])


def _signal_planes(node: Node, shapes: Sequence[Shape]) -> Shape:
    classes = node.integer("classes")
    return (shapes[0][0], 1 if classes == 2 else classes, *node.integers("size"))


def _resize(node: Node, shapes: Sequence[Shape]) -> Shape:
    return (*shapes[0][:2], *node.integers("size"))


def _scalar(_node: Node, _shapes: Sequence[Shape]) -> Shape:
    return ()


def _sum_to_channel(_node: Node, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][1],)


def _slice(node: Node, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][0], node.integer("stop") - node.integer("start"), *shapes[0][2:])


def _matmul(node: Node, shapes: Sequence[Shape]) -> Shape:
    x = shapes[0][::-1] if node.attrs["transpose_x"] else shapes[0]
    y = shapes[1][::-1] if node.attrs["transpose_y"] else shapes[1]
    if x[1] != y[0]:
        raise ShapeError("PPC201", f"A product of {x} and {y} does not fit.", operands=(0, 1))
    return (x[0], y[1])


def _conv_grad_input(node: Node, shapes: Sequence[Shape]) -> Shape:
    gradient, weight = shapes
    return (gradient[0], weight[1] * node.integer("groups"), *node.pair("size"))


def _conv_grad_weight(node: Node, shapes: Sequence[Shape]) -> Shape:
    x, gradient = shapes
    return (gradient[1], x[1] // node.integer("groups"), *node.pair("kernel"))


def _pool_grad(node: Node, shapes: Sequence[Shape]) -> Shape:
    return (*shapes[0][:2], *node.pair("size"))


def _per_channel(node: Node, shapes: Sequence[Shape]) -> Shape:
    x, y = shapes
    if x[1:2] != y:
        raise ShapeError("PPC201", f"`{node.op}` of {x} takes one value a channel; it receives {y}.", operands=(0, 1))
    return x


def _per_filter(node: Node, shapes: Sequence[Shape]) -> Shape:
    weight, factor = shapes
    if weight[:1] != factor:
        raise ShapeError(
            "PPC201", f"`{node.op}` of {weight} takes one value a filter; it receives {factor}.", operands=(0, 1)
        )
    return weight


SHAPES: dict[str, Rule] = {
    "conv2d": _conv2d,
    "dense": _dense,
    "avg_pool": _pool,
    "max_pool": _pool,
    "global_avg_pool": _global_pool,
    "relu": _same,
    "polynomial": _same,
    "sigmoid": _same,
    "tanh": _same,
    "softmax": _classes,
    "argmax": _argmax,
    "batch_norm": _norm,
    "flatten": _flatten,
    "reshape": _reshape,
    "add": _alike,
    "concat": _concat,
    "dropout": _same,
    "signal_planes": _signal_planes,
    "resize": _resize,
    "uncomplement": _same,
    "softmax_cross_entropy": _scalar,
    "softmax_cross_entropy_grad": _same,
    "mse": _scalar,
    "right_answers": _scalar,
    "mse_grad": _same,
    "subtract": _alike,
    "multiply": _alike,
    "scale": _same,
    "scale_by": _same,
    "sum_to_channel": _sum_to_channel,
    "slice_channels": _slice,
    "matmul": _matmul,
    "conv2d_grad_input": _conv_grad_input,
    "conv2d_grad_weight": _conv_grad_weight,
    "avg_pool_grad": _pool_grad,
    "max_pool_grad": _same,
    "global_avg_pool_grad": _pool_grad,
    "relu_grad": _same,
    "sigmoid_grad": _same,
    "tanh_grad": _same,
    "softmax_grad": _same,
    "batch_mean": _sum_to_channel,
    "batch_variance": _sum_to_channel,
    "batch_norm_grad_input": _same,
    "batch_norm_grad_scale": _sum_to_channel,
    "norm_factor": _alike,
    "norm_shift": _same,
    "multiply_channel": _per_channel,
    "add_channel": _per_channel,
    "scale_filters": _per_filter,
    "reveal": _same,
}


def parameter_shapes(node: Node, x: Shape) -> dict[str, Shape]:
    """The shapes that an op's parameters must have, by operand, once its input is known."""
    if node.op == "conv2d":
        made, x = node.integer("channels"), _image(node, x)
        shape = (made, x[1] // node.integer("groups"), *node.pair("kernel"))
        return {"weight": shape, "bias": (made,)}
    if node.op == "dense":
        features = node.integer("features")
        return {"weight": (features, x[1]), "bias": (features,)}
    if node.op == "batch_norm":
        return dict.fromkeys(("scale", "shift", "mean", "variance"), _channels(node, x)[1:2])
    return {}
