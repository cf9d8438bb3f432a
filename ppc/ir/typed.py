"""Nodes together with their types: what passes use that work after `infer_shapes`.

A type comes from the tables of shapes and bounds alone, so that no pass can state a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ppc.ir.bounds import bounds_of
from ppc.ir.graph import Attribute, Builder, Graph, Node
from ppc.ir.shapes import SHAPES
from ppc.ir.types import Type, common_readers
from ppc.source import Span


def result_type(node: Node, operands: Sequence[Node]) -> Type:
    """Shape, element and bounds of what `node` computes from `operands`."""
    shapes = [operand.shape for operand in operands]
    return Type(
        shape=SHAPES[node.op](node, shapes),
        element=operands[0].typed.element if node.op == "reveal" else "index" if node.op == "argmax" else "real",
        bounds=bounds_of(node, [operand.typed.bounds for operand in operands], shapes),
    )


def typed_node(
    builder: Builder,
    op: str,
    operands: Sequence[Node],
    *,
    name: str,
    attrs: Mapping[str, Attribute] | None = None,
    span: Span,
    place: str | None = None,
) -> Node:
    """A new node at the end of `builder`, under the first free name that starts like `name`.

    Where its operands' readers are known, those who may see all of them may see it.
    """
    inputs = tuple(operand.name for operand in operands)
    bare = Node(
        name=builder.fresh(name),
        op=op,
        inputs=inputs,
        attrs=dict(attrs or {}),
        place=place,
        span=span,
        origin=builder.origin,
    )
    return builder.keep(replace(bare, type=_with_readers(result_type(bare, operands), operands)))


def _with_readers(type_: Type, operands: Sequence[Node]) -> Type:
    known = [operand.typed.readers for operand in operands if operand.typed.readers is not None]
    return type_.seen_by(common_readers(known)) if len(known) == len(operands) else type_


def retyped(node: Node, operands: Sequence[Node]) -> Node:
    """The node with the type that its operands give it; who may see it stays."""
    readers = node.type.readers if node.type else None
    return replace(node, type=replace(result_type(node, operands), readers=readers))


def retyped_graph(graph: Graph) -> Graph:
    """The graph with the type of every computed value worked out again from inputs and parameters."""
    known: dict[str, Node] = {}
    for node in graph.nodes:
        if node.op not in ("input", "parameter"):
            node = retyped(node, [known[name] for name in node.inputs])
        known[node.name] = node
    return replace(graph, nodes=tuple(known.values()))
