"""A graph as networkx sees it: for orders, levels and cuts. The types stay in the graph.

The only door to networkx.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import networkx

from ppc.drawing import words
from ppc.ir.graph import Graph


def networkx_graph(graph: Graph) -> networkx.DiGraph[str]:
    """Nodes with `label`, `op` and `place`; edges with `shape`, from a value to each of its readers."""
    network: networkx.DiGraph[str] = networkx.DiGraph(name=graph.name)
    per_example = words.per_example(graph)
    for node in graph.nodes:
        label = "\n".join(filter(None, (node.name, words.op(node), _type(graph, node.name, per_example))))
        network.add_node(node.name, label=label, op=node.op, place=node.place)
    for node in graph.nodes:
        for name in node.inputs:
            shape = words.shape(graph[name], has_batch=name in per_example)
            network.add_edge(name, node.name, shape=shape)
    return network


def _type(graph: Graph, name: str, per_example: frozenset[str]) -> str:
    return words.type_of(graph[name], has_batch=name in per_example)


def groups(graph: Graph, members: Iterable[str]) -> dict[str, str]:
    """Which of the values may be drawn as one: neighbours at one place, under the name of the last of them."""
    wanted = set(members)
    network: networkx.Graph[str] = networkx.Graph()
    for node in graph.nodes:
        near = [name for name in node.inputs if {name, node.name} <= wanted and graph[name].place == node.place]
        network.add_edges_from((name, node.name) for name in near)
    order = {node.name: place for place, node in enumerate(graph.nodes)}
    found = {
        name: max(component, key=lambda member: order[member])
        for component in networkx.connected_components(network)
        for name in component
    }
    return found if _still_leads_downwards(graph, found) else {}


def _still_leads_downwards(graph: Graph, found: Mapping[str, str]) -> bool:
    """A wire that leaves a group and comes back to it could not be drawn from top to bottom."""
    merged: networkx.DiGraph[str] = networkx.DiGraph()
    for node in graph.nodes:
        ends = [(found.get(name, name), found.get(node.name, node.name)) for name in node.inputs]
        merged.add_edges_from((tail, head) for tail, head in ends if tail != head)
    return networkx.is_directed_acyclic_graph(merged)


def levels(keys: Iterable[str], wires: Iterable[tuple[str, str]]) -> dict[str, int]:
    """A level for every key, so that wires lead downwards: as high as possible, but near to what reads it."""
    network: networkx.DiGraph[str] = networkx.DiGraph()
    network.add_nodes_from(keys)
    network.add_edges_from(wires)
    found = {key: level for level, row in enumerate(networkx.topological_generations(network)) for key in row}
    for key in reversed(list(networkx.topological_sort(network))):
        readers = list(network.successors(key))
        # Moving what reads one value or none makes no wire longer.
        if readers and len(list(network.predecessors(key))) <= 1:
            found[key] = min(found[reader] for reader in readers) - 1
    return found
