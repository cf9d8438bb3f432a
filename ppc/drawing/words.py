"""What a picture says about a node: its op with the attributes that matter, its shape, its bounds.

Shapes are written as in the language, without the batch. Knows nothing of boxes or places.
"""

from __future__ import annotations

from collections.abc import Callable

from ppc.ir.graph import Graph, Node
from ppc.ir.types import Interval

_PER_EXAMPLE = frozenset({"data", "label", "signal", "picture", "mask"})
# Ops that sum over the examples of a batch: their result has no batch.
_SUMMING = frozenset(
    {
        "softmax_cross_entropy",
        "mse",
        "conv2d_grad_weight",
        "sum_to_channel",
        "batch_mean",
        "batch_variance",
        "batch_norm_grad_scale",
    }
)


def per_example(graph: Graph) -> frozenset[str]:
    """The values whose shape starts with the batch; none before `infer_shapes` has put it there."""
    if graph.stage == "named":
        return frozenset()
    found: set[str] = set()
    for node in graph.nodes:
        if _has_batch(node, found):
            found.add(node.name)
    return frozenset(found)


def _has_batch(node: Node, found: set[str]) -> bool:
    if node.op == "input":
        return node.word("role") in _PER_EXAMPLE
    if node.op in _SUMMING:
        return False
    if node.op == "matmul":
        return not node.attrs["transpose_x"] and node.inputs[0] in found
    return not found.isdisjoint(node.inputs)


def batch_size(graph: Graph) -> int | None:
    """How many examples the graph works on at once, once shapes are known."""
    if graph.stage == "named":
        return None
    return next((node.shape[0] for node in graph.inputs if node.word("role") in _PER_EXAMPLE), None)


def number(value: float) -> str:
    """At most four digits, as short as possible."""
    return f"{value:.4g}"


def interval(bounds: Interval) -> str:
    return f"{number(bounds.low)}..{number(bounds.high)}"


def shape(node: Node, *, has_batch: bool) -> str:
    """`[32, 28, 28]`; nothing for a single number, or while the shape is not known."""
    if node.type is None:
        return ""
    sizes = node.type.shape[1:] if has_batch else node.type.shape
    return f"[{', '.join(map(str, sizes))}]" if sizes else ""


def type_of(node: Node, *, has_batch: bool) -> str:
    """`real[32, 28, 28] in 0..1`, as the language writes it."""
    if node.type is None:
        return ""
    bounds = f" in {interval(node.type.bounds)}" if node.type.bounds else ""
    return f"{node.type.element}{shape(node, has_batch=has_batch)}{bounds}"


def op(node: Node) -> str:
    """`conv2d 32 channels, 5×5, padding 2`: what a reader of the program would ask."""
    said = [ATTRIBUTES[key](node) for key in ATTRIBUTES if key in node.attrs]
    said += [f"{key} {value}" for key, value in node.attrs.items() if key not in ATTRIBUTES and key not in _UNSAID]
    return f"{node.op} {', '.join(filter(None, said))}".strip()


def _pair(node: Node, key: str) -> str:
    height, width = node.pair(key)
    return f"{height}×{width}"


def _short_pair(node: Node, key: str) -> str:
    height, width = node.pair(key)
    return str(height) if height == width else f"{height}×{width}"


def _stride(node: Node) -> str:
    usual = (1, 1) if "groups" in node.attrs else node.attrs.get("kernel")  # a pool moves by its window
    return "" if node.attrs["stride"] == usual else f"stride {_short_pair(node, 'stride')}"


def _padding(node: Node) -> str:
    return f"padding {_short_pair(node, 'padding')}" if any(node.pair("padding")) else ""


def _groups(node: Node) -> str:
    return f"{node.integer('groups')} groups" if node.integer("groups") > 1 else ""


# In the order in which they are said. An empty answer is a default, which nobody needs to read.
ATTRIBUTES: dict[str, Callable[[Node], str]] = {
    "channels": lambda node: f"{node.integer('channels')} channels",
    "features": lambda node: f"{node.integer('features')} features",
    "kernel": lambda node: _pair(node, "kernel"),
    "stride": _stride,
    "padding": _padding,
    "groups": _groups,
    "pool": lambda node: f"mean of {node.integer('pool')}×{node.integer('pool')}",
    "coefficients": lambda node: f"of degree {len(node.numbers('coefficients')) - 1}",
    "replaces": lambda node: f"for {node.word('replaces')}",
    "rate": lambda node: f"rate {number(node.number('rate'))}",
    "factor": lambda node: f"by {number(node.number('factor'))}",
    "classes": lambda node: f"{node.integer('classes')} classes",
    "how": lambda node: f"by {node.word('how')}",
    "start": lambda node: f"{node.integer('start')} to {node.integer('stop')}",
    "transpose_x": lambda node: "x transposed" if node.attrs["transpose_x"] else "",
    "transpose_y": lambda node: "y transposed" if node.attrs["transpose_y"] else "",
}
# Seen from the shape, from the box itself, or of no interest to who looks at a picture.
_UNSAID = frozenset({"role", "stop", "size", "shape", "epsilon", "momentum", "to", "grant"})
