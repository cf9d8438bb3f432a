"""Pictures: complete, without overlaps, the same every time, and harmless whatever a graph is called."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from ppc.drawing.lettering import width
from ppc.drawing.svg import svg
from ppc.ir.graph import Graph, Node, Output
from ppc.ir.text import show
from ppc.ir.types import Type
from tests.drawing.pictures import SVG, boxes, drawn, example, many, names, overlapping, placed, rectangle, texts
from tests.golden import Golden


@pytest.mark.parametrize("name", many())
def test_every_value_and_every_output_is_shown(name: str) -> None:
    """Parameters too: on the cards of those who read them."""
    graph = many()[name]
    picture = drawn(graph)
    words = " ".join(texts(picture))

    assert {node.name for node in graph.nodes} <= names(picture)
    assert all(output.name in words for output in graph.outputs)


@pytest.mark.parametrize("name", many())
def test_no_two_boxes_overlap(name: str) -> None:
    """And none lies outside of the picture."""
    picture = drawn(many()[name])

    assert overlapping(boxes(picture)) == []
    assert min(box.left for box in boxes(picture)) >= 0


@pytest.mark.parametrize("name", many())
def test_text_stays_in_its_box(name: str) -> None:
    """By a careful estimate of its width."""
    for card in (g for g in drawn(many()[name]).iter(f"{SVG}g") if g.get("class") == "card"):
        box = rectangle(next(card.iter(f"{SVG}rect")))
        for line in card.iter(f"{SVG}text"):
            size = 14 if "title" in line.get("class", "") else 11 if line.get("class") else 12
            wide = width("".join(line.itertext()), size)
            left = float(line.attrib["x"]) - (wide if line.get("text-anchor") == "end" else 0)
            assert box.left <= left
            assert left + wide <= box.right
            assert box.top < float(line.attrib["y"]) < box.bottom


def test_openings_say_to_whom_and_by_which_line() -> None:
    """The result of a joint computation, and the client's layers of a split."""
    graph = placed("split at 1", "joint", body="conv2d(4, kernel=3)\n relu\n dense({classes})\n")
    words = texts(drawn(graph))

    openings = graph.with_op("reveal")
    assert len(openings) == 3
    assert words.count("opened to hospital") == 3
    for opening in openings:
        assert f"allowed by line {opening.span.line}: {opening.word('grant')}" in words


def test_legend_names_the_parties_and_only_what_is_there() -> None:
    """A net whose parties are called otherwise says so."""
    joint, clear = texts(drawn(example("shallow"), block="shallow")), texts(drawn(many()["random-1"]))

    assert {"at hospital (the client)", "at lab (the server)"} <= set(joint)
    assert "joint: computed on shares held by hospital and lab" in joint
    assert "in the clear" in clear
    assert not any("joint" in line for line in clear)


def test_heading_says_model_block_and_stage() -> None:
    words = texts(drawn(example("shallow"), block="shallow"))

    assert words[0] == "shallow"
    assert words[1] == "private block shallow · with places and openings · batch 1 · 11 values · shallow.pnn"


def test_updates_are_one_card_for_each_parameter() -> None:
    """The arithmetic of SGD stands line by line on one card, which names what leaves there."""
    graph = placed("joint { field = mersenne127 }", train=True)
    picture = drawn(graph)
    card = next(group for group in picture.iter(f"{SVG}g") if group.get("data-name") == "conv1.weight.updated")

    assert card.get("data-members", "").split() == [
        f"conv1.weight.{part}" for part in ("decay", "decayed", "kept", "change", "step", "updated")
    ]
    assert "output conv1.weight to lab" in texts(card)


def test_groups_never_close_a_circle() -> None:
    """a leaves a group and comes back to it: drawn one by one."""
    type_ = Type(shape=(2,))

    def node(name: str, op: str, *inputs: str) -> Node:
        return Node(name=name, op=op, inputs=inputs, type=type_)

    nodes = (
        node("w", "parameter"),
        node("a", "scale", "w"),
        node("b", "relu", "a"),
        node("c", "add", "a", "b"),
    )
    nodes = tuple(replace(n, attrs={"role": "weight"} if n.op == "parameter" else n.attrs) for n in nodes)
    graph = Graph(name="circle", stage="ready", nodes=nodes, outputs=(Output(name="out", value="c"),))

    assert {"a", "b", "c"} <= {group.get("data-name") for group in drawn(graph).iter(f"{SVG}g")}


def test_hostile_names_are_only_text() -> None:
    """Markup, quotes and characters that XML cannot hold."""
    evil = '</text><script>alert("1")</script>&\x00\x1b\ud800'
    node = Node(name=evil, op="input", attrs={"role": "data"}, type=Type(shape=(1, 2)), place=evil)
    output = Output(name=evil, value=evil, to=(evil,))
    graph = Graph(name=evil, stage="typed", source=evil, parties=(evil, "b"), nodes=(node,), outputs=(output,))
    text = svg(graph, block=evil)

    text.encode("utf-8")
    picture = fromstring(text)
    assert not list(picture.iter(f"{SVG}script"))
    assert any("<script>" in line for line in texts(picture))


def test_long_names_are_cut_and_kept_in_the_hint() -> None:
    graph = placed("joint", body=f"{'very_' * 40}long = relu\n dense({{classes}})\n")
    picture = drawn(graph)

    assert max(len(line) for line in texts(picture)) < 130
    assert any("very_" * 40 in "".join(hint.itertext()) for hint in picture.iter(f"{SVG}title"))


def test_empty_graph_is_a_picture() -> None:
    assert boxes(drawn(Graph(name="nothing", stage="named"))) == []


def test_same_bytes_in_every_process() -> None:
    """Whatever the seed of hashes is."""
    graph = many()["resnet_small-place"]
    imports = "import sys; from ppc.ir.text import parse; from ppc.drawing.svg import svg"
    program = f"{imports}; print(svg(parse(sys.stdin.read())), end='')"

    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program],
            input=show(graph).encode(),
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        )
        assert run.stdout.decode() == svg(graph)


def test_small_net_looks_as_it_was_read(golden: Golden) -> None:
    golden.check(svg(placed("split at 1", "joint"), block="net"))
