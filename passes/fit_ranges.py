"""fit-ranges: no joint product leaves the field, whatever the secrets are.

Assumes a placed graph. Every joint value must have bounds; a product of two values of `fraction` bits carries twice as
many until it is truncated, and truncation is exact only below a quarter of the field (|x| < 2^59 for mersenne61).
Changes nothing; raises an error at the first layer of each path that could overflow. Backward passes are not looked
at: gradients move with training, and are certified over its steps where they are lowered.
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
PRODUCTS = ("conv2d", "dense", "batch_norm", "polynomial", "multiply", "matmul", "avg_pool", "global_avg_pool")
DEFAULT_FRACTION = 16


@dataclass(frozen=True)
class FitRanges:
    """Fit the joint values into the field of `joint`; without joint layers, nothing to do."""

    name: ClassVar[str] = "fit-ranges"
    joint: Joint | None

    def run(self, graph: Graph) -> Graph:
        if self.joint is None:
            return graph
        wrong: dict[str, Diagnostic | None] = {}
        for node in graph.nodes:
            if node.place != JOINT or node.origin == "differentiate" or node.op in ("input", "parameter"):
                continue
            if any(name in wrong for name in node.inputs):
                wrong[node.name] = None  # follows from a mistake that is reported already
            elif mistake := self.problem(graph, node, self.joint):
                wrong[node.name] = mistake
        if mistakes := [mistake for mistake in wrong.values() if mistake]:
            raise PpcError(*mistakes)
        return graph

    def problem(self, graph: Graph, node: Node, joint: Joint) -> Diagnostic | None:
        unbounded = [operand for operand in graph.operands(node) if operand.typed.bounds is None]
        if unbounded:
            return _no_bounds(node, unbounded[0])
        fraction = DEFAULT_FRACTION if joint.fraction is None else joint.fraction
        if node.op not in PRODUCTS or node.typed.bounds is None:
            return None
        bits = range_bits(node.typed)
        needed = bits + 2 * fraction
        return None if needed <= ROOM[joint.field] else _overflow(node, joint, fraction, bits, needed)


def range_bits(type_: Type) -> int:
    """The bits before the point that a value of this type may need."""
    magnitude = type_.bounds.magnitude if type_.bounds else 0.0
    return max(0, ceil(log2(magnitude))) if magnitude > 0 else 0


def _no_bounds(node: Node, operand: Node) -> Diagnostic:
    return Diagnostic(
        code="PPC302",
        message=f"`{node.name}` is computed jointly, and nothing bounds its operand `{operand.name}`.",
        span=node.span,
        notes=(Note(text="this value has no bounds", span=operand.span),),
        hint="Bound the model's inputs (`image: real[1, 28, 28] in 0..1`): ranges are proved without seeing a secret.",
    )


def _overflow(node: Node, joint: Joint, fraction: int, bits: int, needed: int) -> Diagnostic:
    room = ROOM[joint.field]
    fits = (room - bits) // 2
    less = f", or `fraction = {fits}`" if fits >= 8 else ""
    wider = ", or `field = mersenne127`" if joint.field == "mersenne61" and needed <= ROOM["mersenne127"] else ""
    return Diagnostic(
        code="PPC303",
        message=f"`{node.name}` would overflow: it may reach 2^{bits}, with {fraction} fraction bits its products need "
        f"{bits} + 2·{fraction} = {needed} bits, and {joint.field} has room for {room}.",
        span=node.span,
        label=f"up to {node.typed.bounds.magnitude:.3g}" if node.typed.bounds else "",
        notes=(Note(text="the field is chosen here", span=joint.span),),
        hint=f"Use tighter bounds on the weights{less}{wider}.",
    )
