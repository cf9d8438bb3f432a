"""What networkx is asked: the graph itself, levels, and what crosses from place to place."""

from __future__ import annotations

from networkx import is_directed_acyclic_graph

from ppc.drawing.cards import drawing
from ppc.drawing.networks import levels, networkx_graph
from ppc.drawing.rows import crossing_count, rows_of
from tests.drawing.pictures import many, placed


def test_network_has_every_value_with_its_facts() -> None:
    graph = placed("joint")
    network = networkx_graph(graph)

    assert list(network) == [node.name for node in graph.nodes]
    assert network.nodes["conv1"] == {
        "label": "conv1\nconv2d 4 channels, 3×3, stride 2\nreal[4, 3, 3] in -9.5..9.5",
        "op": "conv2d",
        "place": "joint",
    }
    assert network.edges["conv1.weight", "conv1"]["shape"] == "[4, 2, 3, 3]"
    assert network.edges["conv1", "relu1"]["shape"] == "[4, 3, 3]"
    assert is_directed_acyclic_graph(network)


def test_wires_lead_downwards() -> None:
    for graph in many().values():
        wires = drawing(graph).wires
        level = levels((card.key for card in drawing(graph).cards), ((w.tail, w.head) for w in wires))
        assert all(level[wire.tail] < level[wire.head] for wire in wires)


def test_what_waits_lies_near_its_reader() -> None:
    """An input that is read late is not at the top."""
    level = levels("abcdx", [("a", "b"), ("b", "c"), ("c", "d"), ("x", "d")])

    assert level == {"a": 0, "b": 1, "c": 2, "d": 3, "x": 2}


def test_a_chain_with_skips_has_no_crossing() -> None:
    rows = rows_of(drawing(many()["resnet_small-place"]))

    assert crossing_count(rows.rows, rows.links) == 0
