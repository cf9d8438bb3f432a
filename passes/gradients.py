"""The table GRADIENTS: for each operand of an op, how the gradient of the result becomes the gradient of the operand.

`differentiate` walks a graph backwards with it. A rule adds nodes to the builder and returns the last of them;
it is asked only for operands that need a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ppc.ir.graph import Attribute, Builder, Node
from ppc.ir.ops import OPS
from ppc.ir.typed import typed_node


@dataclass(frozen=True, kw_only=True)
class Backward:
    """One op on the way back: its node, its operands, and the gradient that reaches its result."""

    builder: Builder
    node: Node
    operands: Sequence[Node]
    index: int
    gradient: Node

    def make(
        self,
        op: str,
        *operands: Node,
        attrs: Mapping[str, Attribute] | None = None,
        name: str = "",
    ) -> Node:
        """A node of the backward graph. It is named after the layer; a parameter's gradient after the parameter."""
        trained = self.target.op == "parameter"
        named = name or (f"{self.target.name}.gradient" if trained else f"{self.node.name}.backward")
        return typed_node(self.builder, op, operands, name=named, attrs=attrs, span=self.node.span)

    @property
    def target(self) -> Node:
        return self.operands[self.index]

    def attrs(self, *names: str) -> dict[str, Attribute]:
        return {name: self.node.attrs[name] for name in names}

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of the image that the layer reads."""
        return self.operands[0].shape[2:]


Rule = Callable[[Backward], Node]


def _unchanged(step: Backward) -> Node:
    return step.gradient


def _channel_sum(step: Backward) -> Node:
    return step.make("sum_to_channel", step.gradient)


def _conv2d_input(step: Backward) -> Node:
    attrs = step.attrs("stride", "padding", "groups") | {"size": step.size}
    return step.make("conv2d_grad_input", step.gradient, step.operands[1], attrs=attrs)


def _conv2d_weight(step: Backward) -> Node:
    attrs = step.attrs("stride", "padding", "groups", "kernel")
    return step.make("conv2d_grad_weight", step.operands[0], step.gradient, attrs=attrs)


def _dense_input(step: Backward) -> Node:
    attrs = {"transpose_x": False, "transpose_y": False}
    return step.make("matmul", step.gradient, step.operands[1], attrs=attrs)


def _dense_weight(step: Backward) -> Node:
    attrs = {"transpose_x": True, "transpose_y": False}
    return step.make("matmul", step.gradient, step.operands[0], attrs=attrs)


def _avg_pool(step: Backward) -> Node:
    return step.make("avg_pool_grad", step.gradient, attrs={**step.node.window, "size": step.size})


def _max_pool(step: Backward) -> Node:
    return step.make("max_pool_grad", step.operands[0], step.gradient, attrs={**step.node.window})


def _global_avg_pool(step: Backward) -> Node:
    return step.make("global_avg_pool_grad", step.gradient, attrs={"size": step.size})


def _relu(step: Backward) -> Node:
    return step.make("relu_grad", step.operands[0], step.gradient)


def _of_result(op: str) -> Rule:
    """A derivative that is cheaper written in the layer's result than in its operand."""
    return lambda step: step.make(op, step.node, step.gradient)


def _polynomial(step: Backward) -> Node:
    """A line has one slope everywhere."""
    coefficients = step.node.numbers("coefficients")
    if len(coefficients) <= 2:
        return step.make("scale", step.gradient, attrs={"factor": float(sum(coefficients[1:]))})
    derivative = tuple(float(power * c) for power, c in enumerate(coefficients))[1:] or (0.0,)
    attrs: dict[str, Attribute] = {"coefficients": derivative, "replaces": step.node.word("replaces")}
    slope = step.make("polynomial", step.operands[0], attrs=attrs, name=f"{step.node.name}.slope")
    return step.make("multiply", slope, step.gradient)


def _reshaped(step: Backward) -> Node:
    return step.make("reshape", step.gradient, attrs={"shape": step.target.shape[1:]})


def _concat(step: Backward) -> Node:
    start = sum(operand.shape[1] for operand in step.operands[: step.index])
    attrs: dict[str, Attribute] = {"start": start, "stop": start + step.target.shape[1]}
    return step.make("slice_channels", step.gradient, attrs=attrs)


def _multiply(step: Backward) -> Node:
    return step.make("multiply", step.gradient, step.operands[1 - step.index])


def _batch_norm_input(step: Backward) -> Node:
    x, scale, _, mean, variance = step.operands
    if mean.op == "batch_mean":
        operands = (x, scale, mean, variance, step.gradient)
        return step.make("batch_norm_grad_input", *operands, attrs=step.attrs("epsilon"))
    # The statistics are constants here: the layer is linear in x, so its gradient is the layer without its shifts.
    zero = step.make("scale", mean, attrs={"factor": 0.0}, name=f"{step.node.name}.zero")
    return step.make("batch_norm", step.gradient, scale, zero, zero, variance, attrs=dict(step.node.attrs))


def _batch_norm_scale(step: Backward) -> Node:
    x, _, _, mean, variance = step.operands
    return step.make("batch_norm_grad_scale", x, mean, variance, step.gradient, attrs=step.attrs("epsilon"))


# One rule per operand; the last stands for all further ones of an op that takes any number. An operand beyond the
# rules passes nothing on: what the statistics of `batch_norm` pass on is part of the rule for its x.
GRADIENTS: dict[str, tuple[Rule, ...]] = {
    "conv2d": (_conv2d_input, _conv2d_weight, _channel_sum),
    "dense": (_dense_input, _dense_weight, _channel_sum),
    "avg_pool": (_avg_pool,),
    "max_pool": (_max_pool,),
    "global_avg_pool": (_global_avg_pool,),
    "relu": (_relu,),
    "polynomial": (_polynomial,),
    "sigmoid": (_of_result("sigmoid_grad"),),
    "tanh": (_of_result("tanh_grad"),),
    "softmax": (_of_result("softmax_grad"),),
    "batch_norm": (_batch_norm_input, _batch_norm_scale, _channel_sum),
    "flatten": (_reshaped,),
    "reshape": (_reshaped,),
    "add": (_unchanged, _unchanged),
    "concat": (_concat,),
    "multiply": (_multiply, _multiply),
}


def rule_for(op: str, index: int) -> Rule | None:
    """The rule for an operand of an op, if anything flows back to it."""
    rules = GRADIENTS.get(op, ())
    if OPS[op].variadic:
        index = min(index, len(rules) - 1)
    return rules[index] if index < len(rules) else None


# Why an op has no rule, in words that can stand in a message.
NO_GRADIENT: dict[str, str] = {
    "argmax": "a class number does not change when the scores change a little",
    "signal_planes": "a signal is given, not learned",
    "resize": "a picture of a signal is given, not learned",
    "right_answers": "answers are counted, not learned",
    "uncomplement": "the answer is turned back at the client, after the part that is trained",
    "dropout": "in training it is a product with a mask, which has a rule",
    **dict.fromkeys(
        ("norm_factor", "norm_shift", "multiply_channel", "add_channel", "scale_filters"),
        "batch norms are folded after the backward graph is made",
    ),
    "reveal": "openings are placed after the backward graph is made",
    **dict.fromkeys(("softmax_cross_entropy", "mse"), "the walk back starts at the loss"),
    **dict.fromkeys(("batch_mean", "batch_variance"), "its share is inside of the rule of batch_norm"),
    **dict.fromkeys(
        (
            "softmax_cross_entropy_grad",
            "mse_grad",
            "subtract",
            "scale",
            "scale_by",
            "sum_to_channel",
            "slice_channels",
            "matmul",
            "conv2d_grad_input",
            "conv2d_grad_weight",
            "avg_pool_grad",
            "max_pool_grad",
            "global_avg_pool_grad",
            "relu_grad",
            "sigmoid_grad",
            "tanh_grad",
            "softmax_grad",
            "batch_norm_grad_input",
            "batch_norm_grad_scale",
        ),
        "it is made by differentiation; there are no second derivatives here",
    ),
}
