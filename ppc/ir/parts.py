"""A part of a graph as a graph of its own: from some of its values to another one.

What stands before the values that it starts from is not in it; they become inputs. Trainers keep the values that frozen
layers make, and attackers look at one half of a model that is split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ppc.ir.graph import Graph, Node, Output

PART = "result"


def part(graph: Graph, starts: Sequence[str], end: str) -> Graph:
    """What leads from `starts` to `end`, with the inputs and parameters that it needs beside."""
    needed, begun = {end}, set(starts)
    for node in reversed(graph.nodes):
        if node.name in needed and node.name not in begun:
            needed.update(node.inputs)
    nodes = tuple(_begun(node) if node.name in begun else node for node in graph.nodes if node.name in needed)
    result = graph[end]
    return replace(graph, nodes=nodes, outputs=(Output(name=PART, value=end, span=result.span),))


def _begun(node: Node) -> Node:
    """An input of the part; one of the whole stays what it is."""
    if node.op == "input":
        return node
    return replace(node, op="input", inputs=(), attrs={"role": "data"})
