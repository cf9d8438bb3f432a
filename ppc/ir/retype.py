"""Shapes and bounds of a changed graph, worked out again from its inputs and parameters.

For passes that insert or merge nodes: they say what changed, and everything after it follows.
"""

from __future__ import annotations

from dataclasses import replace

from ppc.ir.bounds import bounds_of
from ppc.ir.graph import Graph, Node
from ppc.ir.shapes import SHAPES
from ppc.ir.types import Type


def type_of(node: Node, operands: list[Type]) -> Type:
    """What the rules give for one node; its readers stay as they are."""
    shape = SHAPES[node.op](node, [operand.shape for operand in operands])
    bounds = bounds_of(node, [o.bounds for o in operands], [o.shape for o in operands])
    element = "index" if node.op == "argmax" else "real"
    readers = node.type.readers if node.type else None
    return Type(shape=shape, element=element, bounds=bounds, readers=readers)


def retyped(graph: Graph) -> Graph:
    """The graph with the type of every computed value worked out again."""
    types: dict[str, Type] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op not in ("input", "parameter"):
            node = replace(node, type=type_of(node, [types[name] for name in node.inputs]))
        types[node.name] = node.typed
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))
