"""How each op of the graph runs on shares, in steps of the plan: linear layers, poolings, products, their gradients.

A rule is given the values of the node's operands and returns the value of its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ppc.ir.graph import Attribute, Node
from ppc.passes.lowering.context import Lowering, Rule, Value

_CONVOLUTION = ("stride", "padding", "groups")


def _attrs(node: Node, *names: str) -> dict[str, Attribute]:
    found = {name: node.attrs[name] for name in names}
    pool = node.attrs.get("pool", 1)
    return found | ({"pool": pool} if pool != 1 else {})


def _mean(lowering: Lowering, node: Node, value: Value) -> Value:
    """A convolution with a pool sums over its windows; the layer takes their mean."""
    pool = node.attrs.get("pool", 1)
    return lowering.times(value, 1.0 / (int(pool) ** 2)) if isinstance(pool, int) else value


def _biased(lowering: Lowering, value: Value, bias: Sequence[Value]) -> Value:
    return lowering.add("add_channel", value, *bias) if bias else value


def _conv2d(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    x, weight, *bias = operands
    product = lowering.product("conv2d", x, weight, **_attrs(node, *_CONVOLUTION))
    return _biased(lowering, _mean(lowering, node, product), bias)


def _conv2d_grad_weight(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    product = lowering.product("conv2d_grad_weight", *operands, **_attrs(node, *_CONVOLUTION, "kernel"))
    return _mean(lowering, node, product)


def _conv2d_grad_input(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    product = lowering.product("conv2d_grad_input", *operands, **_attrs(node, *_CONVOLUTION, "size"))
    return _mean(lowering, node, product)


def _dense(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    x, weight, *bias = operands
    return _biased(lowering, lowering.product("matmul", x, weight, transpose_x=False, transpose_y=True), bias)


def _matmul(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    return lowering.product("matmul", *operands, **_attrs(node, "transpose_x", "transpose_y"))


def _multiply(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    return lowering.product("multiply", *operands)


def _multiply_channel(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    return lowering.product("multiply_channel", *operands)


def _avg_pool(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    sums = lowering.add("pool_sums", *operands, attrs=node.window)
    return lowering.times(sums, 1.0 / prod(node.pair("kernel")))


def _global_avg_pool(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    size = lowering.shape(operands[0])[2:]
    whole: dict[str, Attribute] = {"kernel": size, "stride": (1, 1), "padding": (0, 0)}
    sums = lowering.add("reshape", lowering.add("pool_sums", *operands, attrs=whole), shape=node.shape)
    return lowering.times(sums, 1.0 / prod(size))


def _avg_pool_grad(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    spread = lowering.add("pool_spread", *operands, attrs={**node.window, "size": node.pair("size")})
    return lowering.times(spread, 1.0 / prod(node.pair("kernel")))


def _global_avg_pool_grad(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    size = node.pair("size")
    one = lowering.add("reshape", *operands, shape=(*node.shape[:2], 1, 1))
    attrs: dict[str, Attribute] = {"kernel": size, "stride": (1, 1), "padding": (0, 0), "size": size}
    return lowering.times(lowering.add("pool_spread", one, attrs=attrs), 1.0 / prod(size))


def _reshape(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    return lowering.add("reshape", *operands, shape=node.shape)


def _same_op(op: str) -> Rule:
    """The plan has a step of the same meaning."""
    return lambda lowering, _node, operands: lowering.add(op, *operands)


def _scale(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    """A factor of a factor is one: each has bits of its own, which are truncated away again."""
    source, by = lowering.unscaled(operands[0])
    return lowering.times(source, by * node.number("factor"))


def _scale_by(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    """What is constant of the factor is multiplied into the one that changes, which everybody knows."""
    source, by = lowering.unscaled(operands[0])
    return lowering.product("multiply_all", source, lowering.scaled_reals(operands[1], by))


def _slice(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    return lowering.add("slice", *operands, attrs={"start": node.integer("start"), "stop": node.integer("stop")})


def _sum_to_channel(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    """Of a gradient that came through a pool: the sum over the windows' values is that over all pixels."""
    return lowering.add("sum_to_channel", *operands)


def _relu(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    return lowering.chosen(lowering.above(operands[0], (0.0,)), operands[0])


def _relu_grad(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    return lowering.chosen(lowering.above(operands[0], (0.0,)), operands[1])


def _polynomial(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    """A line needs no powers, so no opening."""
    coefficients = node.numbers("coefficients")
    if len(coefficients) == 2:
        return lowering.add("offset", lowering.times(operands[0], coefficients[1]), attrs={"by": coefficients[0]})
    return lowering.add("polynomial", *operands, attrs={"coefficients": coefficients})


def _slope_of(*coefficients: float) -> Rule:
    """A gradient times a polynomial in the layer's result."""

    def rule(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
        y, gradient = operands
        slope = lowering.add("polynomial", y, attrs={"coefficients": coefficients})
        return lowering.product("multiply", slope, gradient)

    return rule


def _mse_grad(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    return lowering.times(lowering.add("subtract", *operands), 2.0 / prod(node.shape))


PLAIN: dict[str, Rule] = {
    "conv2d": _conv2d,
    "dense": _dense,
    "matmul": _matmul,
    "conv2d_grad_weight": _conv2d_grad_weight,
    "conv2d_grad_input": _conv2d_grad_input,
    "multiply": _multiply,
    "multiply_channel": _multiply_channel,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global_avg_pool,
    "avg_pool_grad": _avg_pool_grad,
    "global_avg_pool_grad": _global_avg_pool_grad,
    "flatten": _reshape,
    "reshape": _reshape,
    "add": _same_op("add"),
    "add_channel": _same_op("add_channel"),
    "subtract": _same_op("subtract"),
    "concat": _same_op("concat"),
    "scale": _scale,
    "scale_by": _scale_by,
    "slice_channels": _slice,
    "sum_to_channel": _sum_to_channel,
    "relu": _relu,
    "relu_grad": _relu_grad,
    "polynomial": _polynomial,
    "sigmoid_grad": _slope_of(0.0, 1.0, -1.0),
    "tanh_grad": _slope_of(1.0, 0.0, -1.0),
    "mse_grad": _mse_grad,
}
