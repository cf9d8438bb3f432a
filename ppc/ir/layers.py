"""Layers of a graph, as the language counts them: an op with weights and the weightless ops up to the next one.

`split at k` counts by it, reports group by it. Batch norm belongs to the layer whose values it normalises.
"""

from __future__ import annotations

from ppc.ir.graph import Graph, Node

WEIGHTED = ("conv2d", "dense")
LEARNED = ("weight", "bias", "scale", "shift")  # roles of what a training changes; running statistics are not


def layer_numbers(graph: Graph) -> dict[str, int]:
    """The layer of every node: 0 before the first weights, then 1, 2, … A parameter belongs to its reader's layer."""
    numbers: dict[str, int] = {}
    current = 0
    for node in graph.nodes:
        if node.op == "parameter":
            continue
        current += node.op in WEIGHTED
        numbers[node.name] = current
    for parameter in graph.parameters:
        numbers[parameter.name] = min((numbers[user.name] for user in graph.uses[parameter.name]), default=0)
    return numbers


def weighted(graph: Graph) -> tuple[Node, ...]:
    """The node that begins each layer."""
    return graph.with_op(*WEIGHTED)
