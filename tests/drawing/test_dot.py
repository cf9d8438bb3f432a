"""The DOT text: it reads back as the graph that was written."""

from __future__ import annotations

import re

import pytest

from ppc.drawing.dot import dot, quoted
from ppc.ir.graph import Graph, Node, Output
from ppc.ir.types import Type
from tests.drawing.pictures import many, placed
from tests.golden import Golden

STRING = r'"(?:[^"\\\n]|\\.)*"'
ATTRIBUTES = rf"\[(?:\w+={STRING}|\w+=\w+)(?:, (?:\w+={STRING}|\w+=\w+))*\]"
HEAD = re.compile(rf"digraph {STRING} \{{")
DEFAULTS = re.compile(rf"  (?:graph|node|edge) {ATTRIBUTES};")
NODE = re.compile(rf"  ({STRING}) {ATTRIBUTES};")
EDGE = re.compile(rf"  ({STRING}) -> ({STRING})(?: {ATTRIBUTES})?;")


def read(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The nodes and edges of a DOT text, names as written; any line of another form is refused."""
    first, *lines, last = text.splitlines()
    assert HEAD.fullmatch(first)
    assert last == "}"
    nodes: list[str] = []
    edges: list[tuple[str, str]] = []
    for line in lines:
        if edge := EDGE.fullmatch(line):
            edges.append((edge[1], edge[2]))
        elif node := NODE.fullmatch(line):
            nodes.append(node[1])
        else:
            assert DEFAULTS.fullmatch(line), line
    return nodes, edges


@pytest.mark.parametrize("name", many())
def test_every_node_and_edge_is_there_once(name: str) -> None:
    """Parameters and outputs too."""
    graph = many()[name]
    nodes, edges = read(dot(graph))

    outputs = [(quoted(o.value), quoted(f"output {o.name}")) for o in graph.outputs]
    assert sorted(nodes) == sorted([*(quoted(n.name) for n in graph.nodes), *(key for _, key in outputs)])
    reads = {(quoted(name), quoted(node.name)) for node in graph.nodes for name in node.inputs}
    assert sorted(edges) == sorted([*reads, *outputs])


def test_hostile_names_are_only_text() -> None:
    """Quotes, backslashes and line ends stay inside their string."""
    evil = 'a"]; b -> c [label="\\\n}\0'
    node = Node(name=evil, op="input", attrs={"role": "data"}, type=Type(shape=(1, 2)))
    graph = Graph(name=evil, stage="typed", nodes=(node,), outputs=(Output(name=evil, value=evil, to=(evil,)),))

    nodes, edges = read(dot(graph))

    assert len(nodes) == 2
    assert len(edges) == 1


def test_small_net_looks_as_it_was_read(golden: Golden) -> None:
    golden.check(dot(placed("split at 1", "joint")))
