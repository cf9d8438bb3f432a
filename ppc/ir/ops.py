"""Every op of the graph, one row each: operands, attributes, and from which stage on it is legal.

The meanings are tables of their own, one row per op: `shapes`, `bounds`, `ppc.reference`, `ppc.cost`,
`ppc.passes.gradients`. A test holds that they all cover this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["named", "typed", "ready", "placed"]
# named   as written, names resolved; no types
# typed   every value has shape and bounds; layer k and the complement are in
# ready   prepared for inference, or differentiated for training
# placed  every value has a place and readers; every opening is a node
STAGES: tuple[Stage, ...] = ("named", "typed", "ready", "placed")

AttributeKind = Literal["int", "float", "word", "flag", "pair", "ints", "floats"]


@dataclass(frozen=True, kw_only=True)
class Op:
    """One row of the table."""

    name: str
    operands: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    variadic: bool = False
    attrs: Mapping[str, AttributeKind] = field(default_factory=dict[str, AttributeKind])
    options: Mapping[str, AttributeKind] = field(default_factory=dict[str, AttributeKind])  # not always there
    since: Stage = "named"
    until: Stage = "placed"

    @property
    def fewest(self) -> int:
        return len(self.operands)

    @property
    def most(self) -> float:
        return float("inf") if self.variadic else len(self.operands) + len(self.optional)

    def legal_in(self, stage: Stage) -> bool:
        return STAGES.index(self.since) <= STAGES.index(stage) <= STAGES.index(self.until)


_WINDOW: dict[str, AttributeKind] = {"kernel": "pair", "stride": "pair", "padding": "pair"}
_CONVOLUTION: dict[str, AttributeKind] = {"stride": "pair", "padding": "pair", "groups": "int"}
# The result is the mean over windows of pool×pool that do not overlap, or the gradient that comes in is that of it.
_POOLED: dict[str, AttributeKind] = {"pool": "int"}

_SOURCES = (
    # role: data, label, signal, picture, mask, momentum, rate. What a run must be given; of a rate the program says it
    # itself: its part in each of the epochs, in units of 2^-16, `once` where it is 1 but in an epoch's first iteration.
    Op(name="input", attrs={"role": "word"}, options={"epochs": "ints", "once": "flag"}),
    # role: weight, bias, scale, shift, mean, variance. What a weights file holds.
    Op(name="parameter", attrs={"role": "word"}),
)

_LAYERS = (
    Op(
        name="conv2d",
        operands=("x", "weight"),
        optional=("bias",),
        attrs={"channels": "int", "kernel": "pair", **_CONVOLUTION},
        options=_POOLED,
    ),
    Op(name="dense", operands=("x", "weight"), optional=("bias",), attrs={"features": "int"}),
    Op(name="avg_pool", operands=("x",), attrs=_WINDOW),
    Op(name="max_pool", operands=("x",), attrs=_WINDOW),
    Op(name="global_avg_pool", operands=("x",)),
    Op(name="relu", operands=("x",)),
    Op(name="polynomial", operands=("x",), attrs={"coefficients": "floats", "replaces": "word"}),
    Op(name="sigmoid", operands=("x",)),
    Op(name="tanh", operands=("x",)),
    Op(name="softmax", operands=("x",)),
    Op(name="argmax", operands=("x",)),
    Op(
        name="batch_norm",
        operands=("x", "scale", "shift", "mean", "variance"),
        attrs={"epsilon": "float", "momentum": "float"},
    ),
    Op(name="flatten", operands=("x",)),
    Op(name="reshape", operands=("x",), attrs={"shape": "ints"}),
    Op(name="add", operands=("x", "y")),
    Op(name="concat", operands=("x",), variadic=True),
    Op(name="dropout", operands=("x",), attrs={"rate": "float"}, until="typed"),
)

_COMPLEMENT = (
    # A per-example signal as planes of the size of a feature map: one plane for a bit, one-hot planes for an offset.
    Op(name="signal_planes", operands=("signal",), attrs={"classes": "int", "size": "ints"}, since="typed"),
    # A picture as large as a feature map, its pixels weighed by nearness; as PyTorch's `interpolate` does.
    Op(name="resize", operands=("x",), attrs={"size": "ints"}, since="typed"),
    # how: roll (classes shift back by the signal), flip (p becomes 1-p), negate (z becomes -z).
    Op(name="uncomplement", operands=("x", "signal"), attrs={"how": "word"}, since="typed"),
)

_TRAINING = (
    Op(name="softmax_cross_entropy", operands=("logits", "labels"), since="ready"),
    Op(name="softmax_cross_entropy_grad", operands=("logits", "labels"), since="ready"),
    Op(name="mse", operands=("x", "labels"), since="ready"),
    Op(name="right_answers", operands=("scores", "labels"), since="ready"),  # how many rows are largest at their label
    Op(name="mse_grad", operands=("x", "labels"), since="ready"),
    Op(name="subtract", operands=("x", "y"), since="ready"),
    Op(name="multiply", operands=("x", "y"), since="ready"),
    Op(name="scale", operands=("x",), attrs={"factor": "float"}, since="ready"),
    Op(name="scale_by", operands=("x", "factor"), since="ready"),  # by one number, another one in each iteration
    Op(name="sum_to_channel", operands=("x",), since="ready"),
    Op(name="slice_channels", operands=("x",), attrs={"start": "int", "stop": "int"}, since="ready"),
    Op(
        name="matmul",
        operands=("x", "y"),
        attrs={"transpose_x": "flag", "transpose_y": "flag"},
        since="ready",
    ),
    Op(
        name="conv2d_grad_input",
        operands=("gradient", "weight"),
        attrs={**_CONVOLUTION, "size": "pair"},
        options=_POOLED,
        since="ready",
    ),
    Op(
        name="conv2d_grad_weight",
        operands=("x", "gradient"),
        attrs={**_CONVOLUTION, "kernel": "pair"},
        options=_POOLED,
        since="ready",
    ),
    Op(name="avg_pool_grad", operands=("gradient",), attrs={**_WINDOW, "size": "pair"}, since="ready"),
    Op(name="max_pool_grad", operands=("x", "gradient"), attrs=_WINDOW, since="ready"),
    Op(name="global_avg_pool_grad", operands=("gradient",), attrs={"size": "pair"}, since="ready"),
    Op(name="relu_grad", operands=("x", "gradient"), since="ready"),
    Op(name="sigmoid_grad", operands=("y", "gradient"), since="ready"),
    Op(name="tanh_grad", operands=("y", "gradient"), since="ready"),
    Op(name="softmax_grad", operands=("y", "gradient"), since="ready"),
    Op(name="batch_mean", operands=("x",), since="ready"),
    Op(name="batch_variance", operands=("x",), since="ready"),
    # The statistics are functions of x: their share of the gradient is inside.
    Op(
        name="batch_norm_grad_input",
        operands=("x", "scale", "mean", "variance", "gradient"),
        attrs={"epsilon": "float"},
        since="ready",
    ),
    Op(
        name="batch_norm_grad_scale",
        operands=("x", "mean", "variance", "gradient"),
        attrs={"epsilon": "float"},
        since="ready",
    ),
)

_FOLDED_NORMS = (
    # What a batch norm is on shares, where one party holds all of its parameters: x·factor + shift, channel by channel.
    Op(name="norm_factor", operands=("scale", "variance"), attrs={"epsilon": "float"}, since="placed"),
    Op(name="norm_shift", operands=("shift", "mean", "factor"), since="placed"),  # shift - mean·factor
    Op(name="multiply_channel", operands=("x", "y"), since="placed"),  # x[n, c, …]·y[c]
    Op(name="add_channel", operands=("x", "y"), since="placed"),  # x[n, c, …] + y[c]
    Op(name="scale_filters", operands=("weight", "factor"), since="placed"),  # weight[o, …]·factor[o]
)

_OPENINGS = (
    # A declassification: the value becomes visible to one more party. The source line that allows it is the span.
    Op(name="reveal", operands=("x",), attrs={"to": "word", "grant": "word"}, since="placed"),
)

OPS: dict[str, Op] = {op.name: op for op in (*_SOURCES, *_LAYERS, *_COMPLEMENT, *_TRAINING, *_FOLDED_NORMS, *_OPENINGS)}
# Given from outside: no table of meanings has a row for them.
SOURCES = tuple(op.name for op in _SOURCES)
