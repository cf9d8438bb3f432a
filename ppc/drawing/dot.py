"""A graph in the DOT language of Graphviz, for who wants to lay it out or process it further.

Every value is a node, parameters too; every output is one more. Written by hand: the language is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ppc.drawing.cards import opening_line, output_key
from ppc.drawing.networks import networkx_graph
from ppc.drawing.palette import PALETTE, kind_of
from ppc.ir.graph import Graph, Node, Output

_SHAPES = {"input": "oval", "parameter": "oval", "reveal": "octagon"}


def dot(graph: Graph) -> str:
    """The graph as DOT, one node or edge a line."""
    return "\n".join(_lines(graph)) + "\n"


def quoted(text: str) -> str:
    """A DOT string: only quotes and backslashes have a meaning in it; a line end is written `\\n`."""
    text = text.replace("\0", "\ufffd").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "\\n".join(text.splitlines()) + '"'


def _lines(graph: Graph) -> Iterator[str]:
    yield f"digraph {quoted(graph.name)} {{"
    yield '  graph [rankdir=TB, bgcolor="#ffffff"];'
    yield '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];'
    yield '  edge [fontname="Helvetica", fontsize=9];'
    network = networkx_graph(graph)
    for name, facts in network.nodes.items():
        yield f"  {quoted(name)} [{_attributes(_node(graph, graph[name], str(facts['label'])))}];"
    for (tail, head), facts in network.edges.items():
        yield f"  {quoted(tail)} -> {quoted(head)} [{_attributes({'label': str(facts['shape'])})}];"
    for output in graph.outputs:
        yield from _output(output)
    yield "}"


def _node(graph: Graph, node: Node, label: str) -> dict[str, str]:
    opening = node.op == "reveal"
    colours = PALETTE["opening" if opening else kind_of(node.place, graph.parties)]
    label += f"\nopened to {node.word('to')} {opening_line(node)}" if opening else ""
    label += f"\n{node.place}" if node.place and not opening else ""
    facts = {"label": label, "fillcolor": colours.fill, "color": colours.line, "fontcolor": colours.ink}
    return facts | ({"shape": _SHAPES[node.op]} if node.op in _SHAPES else {})


def _output(output: Output) -> Iterator[str]:
    to = f"\nto {' and '.join(output.to)}" if output.to else ""
    facts = {"label": f"output {output.name}{to}", "shape": "oval", "fillcolor": "#ffffff"}
    yield f"  {quoted(output_key(output))} [{_attributes(facts)}];"
    yield f"  {quoted(output.value)} -> {quoted(output_key(output))};"


def _attributes(facts: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={quoted(value)}" for key, value in facts.items())
