"""fit-ranges: no joint product leaves the field, whatever the secrets are.

Assumes a placed graph. Every joint value and what it is made of must have bounds, and room for `fraction` bits behind
the point; a product carries twice as many until it is truncated, and truncation is exact only below a quarter of the
field (|x| < 2^59 for mersenne61). Changes nothing; raises an error at the first layer of each path that could overflow.

What is not looked at here: the backward pass and the update, whose ranges move with the steps, and the powers inside
a polynomial, which depend on where it is truncated. Both are certified where they are lowered.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import ClassVar

from ppc.errors import Diagnostic, Note, PpcError
from ppc.ir.graph import JOINT, Graph, Node
from ppc.ir.policy import Joint
from ppc.ir.types import Type

# bits below which a truncated value must stay, with its sign apart: B <= 2^59 and 2^125
ROOM = {"mersenne61": 59, "mersenne127": 125}
WIDEST = "mersenne127"
PRODUCTS = (
    *("conv2d", "dense", "batch_norm", "polynomial", "multiply", "multiply_channel", "matmul"),
    *("avg_pool", "global_avg_pool"),
)
DEFAULT_FRACTION = 16


@dataclass(frozen=True)
class FitRanges:
    """Fit the joint values into the field of `joint`, the widest where it names none; without it, nothing to do."""

    name: ClassVar[str] = "fit-ranges"
    joint: Joint | None

    def run(self, graph: Graph) -> Graph:
        if self.joint is None:
            return graph
        wrong: dict[str, Diagnostic | None] = {}
        forward = _forward(graph)
        for node in graph.nodes:
            if node.place != JOINT or node.name not in forward or node.op in ("input", "parameter"):
                continue
            if any(name in wrong for name in node.inputs):
                wrong[node.name] = None  # follows from a mistake that is reported already
            elif mistake := self.problem(graph, node, self.joint):
                wrong[node.name] = mistake
        if mistakes := [mistake for mistake in wrong.values() if mistake]:
            raise PpcError(*mistakes)
        return graph

    def problem(self, graph: Graph, node: Node, joint: Joint) -> Diagnostic | None:
        for value in (*graph.operands(node), node):
            if value.typed.bounds is None and value.typed.element == "real":
                return _no_bounds(node, value)
        fraction = DEFAULT_FRACTION if joint.fraction is None else joint.fraction
        for value in (*graph.operands(node), node):
            scales = 2 if value is node and node.op in PRODUCTS else 1
            bits = range_bits(value.typed)
            if bits + scales * fraction > ROOM[joint.field or WIDEST]:
                return _overflow(node, value, joint, fraction, scales)
        return None


def _forward(graph: Graph) -> set[str]:
    """What the result is computed from; in a training step the rest is the backward pass and the update."""
    needed = {graph.output("result").value}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return needed


def range_bits(type_: Type) -> int:
    """The bits before the point that a value of this type may need."""
    magnitude = type_.bounds.magnitude if type_.bounds else 0.0
    return max(0, ceil(log2(magnitude))) if magnitude > 0 else 0


def _no_bounds(node: Node, value: Node) -> Diagnostic:
    what = "it" if value is node else f"its operand `{value.name}`"
    return Diagnostic(
        code="PPC302",
        message=f"`{node.name}` is computed jointly, and nothing bounds {what}.",
        span=node.span,
        notes=() if value is node else (Note(text="this value has no bounds", span=value.span),),
        hint="Bound the model's inputs (`image: real[1, 28, 28] in 0..1`): ranges are proved without seeing a secret.",
    )


def _overflow(node: Node, value: Node, joint: Joint, fraction: int, scales: int) -> Diagnostic:
    field = joint.field or WIDEST
    room, bits = ROOM[field], range_bits(value.typed)
    needed = bits + scales * fraction
    wider = ", or `field = mersenne127`" if field == "mersenne61" and needed <= ROOM["mersenne127"] else ""
    sum_ = f"{bits} + {'2·' if scales == 2 else ''}{fraction} = {needed} bits"
    whose = "it" if value is node else f"its operand `{value.name}`"
    return Diagnostic(
        code="PPC303",
        message=f"`{node.name}` would overflow: {whose} may reach 2^{bits}, with {fraction} fraction bits "
        f"{'its products need' if scales == 2 else 'it needs'} {sum_}, and {field} has room for {room}.",
        span=node.span,
        label=f"up to {node.typed.bounds.magnitude:.3g}" if node.typed.bounds else "",
        notes=(Note(text="the field is chosen here", span=joint.span),),
        hint=f"Use tighter bounds on inputs and weights{wider}.",
    )
