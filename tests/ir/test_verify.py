"""Every rule of the verifier has a graph that breaks it, and one that does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from ppc.errors import InternalError
from ppc.ir.graph import Attribute, Graph, Node, Output
from ppc.ir.ops import Stage
from ppc.ir.types import EVERYONE, Type
from ppc.ir.verify import problems, verify
from tests.ir.random_graphs import graphs

IMAGE = Type(shape=(1, 2, 4, 4))
X = Node(name="x", op="input", attrs={"role": "data"}, type=IMAGE)
RELU = Node(name="r", op="relu", inputs=("x",), type=IMAGE)
WINDOW: dict[str, Attribute] = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
POOL = Node(name="p", op="avg_pool", inputs=("r",), attrs=WINDOW, type=Type(shape=(1, 2, 2, 2)))
RESULT = Output(name="result", value="p", to=("lab",))
GOOD = Graph(name="g", stage="typed", parties=("lab",), nodes=(X, RELU, POOL), outputs=(RESULT,))


def with_node(old: Node, new: Node) -> Graph:
    """The good graph with one node exchanged."""
    return replace(GOOD, nodes=tuple(new if node is old else node for node in GOOD.nodes))


def with_pool(**attrs: Attribute) -> Graph:
    return with_node(POOL, replace(POOL, attrs=WINDOW | attrs))


def with_attribute(op: str, **attrs: Attribute) -> Graph:
    """A graph with one more node, to give every kind of attribute a wrong value."""
    return replace(GOOD, nodes=(*GOOD.nodes, Node(name="n", op=op, inputs=("x",), attrs=attrs, type=IMAGE)))


def placed(**facts: object) -> Graph:
    seen = [replace(node, place="lab", type=node.typed.seen_by(EVERYONE)) for node in GOOD.nodes]
    seen[1] = replace(seen[1], **facts)  # pyright: ignore[reportArgumentType] (place or type, as a test needs)
    return replace(GOOD, stage="placed", nodes=tuple(seen))


BROKEN: dict[str, tuple[Graph, str]] = {
    "unknown stage": (replace(GOOD, stage="late"), "unknown stage 'late'"),
    "two definitions": (replace(GOOD, nodes=(X, RELU, RELU, POOL)), "r is defined twice"),
    "use before definition": (replace(GOOD, nodes=(RELU, X, POOL)), "r uses x before"),
    "unknown output value": (replace(GOOD, outputs=(replace(RESULT, value="z"),)), "output result names z"),
    "unknown receiver": (replace(GOOD, outputs=(replace(RESULT, to=("bank",)),)), "unknown party bank"),
    "outputs of one name": (replace(GOOD, outputs=(RESULT, RESULT)), "two outputs have one name"),
    "unknown op": (with_node(RELU, replace(RELU, op="gelu")), "r has the unknown op gelu"),
    "no name": (replace(GOOD, nodes=(*GOOD.nodes, replace(RELU, name="a b"))), "'a b' is no name"),
    "op too early": (with_attribute("scale", factor=1.0), "scale is legal from stage ready"),
    "op too late": (replace(with_attribute("dropout", rate=0.5), stage="ready"), "dropout is legal from stage named"),
    "too few operands": (with_node(RELU, replace(RELU, inputs=())), "relu takes x; found 0 operands"),
    "too many operands": (with_node(RELU, replace(RELU, inputs=("x", "x"))), "relu takes x; found 2 operands"),
    "wrong kind of an attribute that may be absent": (
        with_attribute("conv2d", pool=2.0),
        "pool must be of kind int; found 2.0",
    ),
    "missing attribute": (with_node(X, replace(X, attrs={})), "input has attributes ['role']; found []"),
    "unknown attribute": (with_pool(dilation=1), "found ['dilation', 'kernel', 'padding', 'stride']"),
    "pair that is an int": (with_pool(kernel=2), "kernel must be of kind pair; found 2"),
    "pair of three": (with_pool(kernel=(2, 2, 2)), "kernel must be of kind pair"),
    "pair of reals": (with_pool(kernel=(2.0, 2.0)), "kernel must be of kind pair"),
    "int that is a flag": (with_attribute("dense", features=True), "features must be of kind int; found True"),
    "float that is an int": (with_attribute("dropout", rate=1), "rate must be of kind float; found 1"),
    "word that is an int": (with_node(X, replace(X, attrs={"role": 1})), "role must be of kind word; found 1"),
    "ints that are reals": (with_attribute("reshape", shape=(1.0, 32.0)), "shape must be of kind ints"),
    "floats that are ints": (
        with_attribute("polynomial", coefficients=(1, 2), replaces="relu"),
        "coefficients must be of kind floats",
    ),
    "flag that is a word": (
        with_attribute("matmul", transpose_x="no", transpose_y=False),
        "transpose_x must be of kind flag; found 'no'",
    ),
    "unknown place": (with_node(RELU, replace(RELU, place="bank")), "r is placed at bank"),
    "no type": (with_node(RELU, replace(RELU, type=None)), "r has no type"),
    "wrong shape": (with_node(RELU, replace(RELU, type=Type(shape=(1,)))), "r has shape (1,); relu of its operands"),
    "shapes that do not fit": (with_pool(kernel=(9, 9)), "larger than its input"),
    "operand of the wrong rank": (
        replace(GOOD, stage="ready", nodes=(replace(X, type=Type(shape=())), replace(RELU, op="sum_to_channel"), POOL)),
        "r: sum_to_channel has no rule for operands of shape ()",
    ),
    "no place": (placed(place=None), "r has no place or no readers"),
    "no readers": (placed(type=IMAGE), "r has no place or no readers"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_graph_is_refused(name: str) -> None:
    """The message says which node and which rule."""
    graph, message = BROKEN[name]

    assert message in "\n".join(problems(graph))
    with pytest.raises(InternalError, match=r"graph g: .*\(in a-pass\)"):
        verify(graph, after="a-pass")


@pytest.mark.parametrize("graph", [GOOD, replace(GOOD, stage="ready"), placed()], ids=["typed", "ready", "placed"])
def test_good_graph_passes(graph: Graph) -> None:
    """It comes back as it is."""
    assert list(problems(graph)) == []
    assert verify(graph) is graph


def test_an_optional_attribute_may_be_there_or_not() -> None:
    """`pool` on a convolution."""
    weight = Node(name="w", op="parameter", attrs={"role": "weight"}, type=Type(shape=(3, 2, 2, 2)))
    attrs: dict[str, Attribute] = {"channels": 3, "kernel": (2, 2), "stride": (1, 1), "padding": (0, 0), "groups": 1}
    layer = Node(name="c", op="conv2d", inputs=("x", "w"), attrs=attrs, type=Type(shape=(1, 3, 3, 3)))
    pooled = replace(layer, attrs={**attrs, "pool": 3}, type=Type(shape=(1, 3, 1, 1)))

    for node in (layer, pooled):
        assert list(problems(replace(GOOD, nodes=(*GOOD.nodes, weight, node)))) == []


def test_as_written_there_are_no_types() -> None:
    """Before `infer-shapes` only the frame of a graph is checked."""
    stage: Stage = "named"
    bare = tuple(replace(node, type=None) for node in GOOD.nodes)

    assert list(problems(replace(GOOD, stage=stage, nodes=bare))) == []


@given(graphs)
def test_no_graph_breaks_the_verifier(graph: Graph) -> None:
    """Whatever a text held: problems, or none."""
    list(problems(graph))


def test_every_broken_rule_is_named() -> None:
    """Not only the first."""
    both = replace(GOOD, nodes=(X, RELU, RELU, POOL), outputs=(RESULT, RESULT))

    assert len(list(problems(both))) == 2
