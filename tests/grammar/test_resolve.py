"""The resolver: names become edges, and each private block becomes a policy."""

from __future__ import annotations

import pytest

from ppc.grammar.parse import parse_all
from ppc.grammar.resolve import Resolved, resolve
from ppc.ir.policy import Complement
from ppc.ir.types import Interval
from ppc.source import Source


def meaning(body: str, *, inputs: str = "x: real[4] in 0..1", blocks: str = "") -> Resolved:
    text = f"party a, b\nmodel m({inputs}) -> real[2] {{\n{body}\n}}\n{blocks}"
    parsed = parse_all(Source("t.pnn", text))
    assert not parsed.mistakes
    return resolve(parsed.program, source="t.pnn")


def edges(resolved: Resolved) -> dict[str, tuple[str, ...]]:
    """The layers and what they read, parameters left out."""
    graph = resolved.bodies["m"].graph
    layers = (node for node in graph.nodes if node.op not in ("input", "parameter"))
    return {node.name: tuple(n for n in node.inputs if graph[n].op != "parameter") for node in layers}


def test_a_line_works_on_the_line_before() -> None:
    """Layers are named by their op and number."""
    assert edges(meaning("dense(8)\nrelu\ndense(2)")) == {
        "dense1": ("x",),
        "relu1": ("dense1",),
        "dense2": ("relu1",),
    }


def test_names_make_skips_and_branches() -> None:
    """A name binds a value; a line may start from it, and `add` and `concat` join others."""
    body = """
    first = dense(4)
    relu
    both = add(first)
    side = first -> dense(4) -> relu
    both -> concat(side)
    dense(2)
    """
    found = edges(meaning(body))

    assert found["both"] == ("relu1", "first")
    assert found["dense2"] == ("first",)
    assert found["side"] == ("dense2",)
    assert found["concat1"] == ("both", "side")


def test_a_second_input_needs_a_start() -> None:
    """Where there are several inputs, no line is about `the` input."""
    two = "x: real[4] in 0..1, y: real[4] in 0..1"

    assert edges(meaning("x -> add(y)\ndense(2)", inputs=two))["add1"] == ("x", "y")
    assert [m.code for m in meaning("dense(2)\nadd(y)", inputs=two).mistakes] == ["PPC126"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("dens(2)", "PPC120"),
        ("dense(units=2)", "PPC105"),
        ("dense", "PPC107"),
        ("relu(3, 0..1, 2)\ndense(2)", "PPC108"),
        ("dense(2, features=2)", "PPC109"),
        ("dense(big)", "PPC110"),
        ("dense(0)", "PPC111"),
        ("first = dense(2)\nfirst = relu", "PPC116"),
        ("relu = dense(2)", "PPC117"),
        ("dense(2)\nadd(later)", "PPC118"),
        ("first = dense(2)\nrelu -> first", "PPC125"),
        ("left = x -> dense(2)\nx -> dense(2)", "PPC127"),
        ("", "PPC124"),
    ],
)
def test_mistakes_of_a_body(body: str, code: str) -> None:
    """Each has its own code."""
    assert code in [mistake.code for mistake in meaning(body).mistakes]


def test_a_private_block_becomes_a_policy() -> None:
    """Every line is a fact of it."""
    block = """private m as split {
        x from client
        weights from b in -2..2
        result to a, b
        split at 1
        complement offset
        server clear
    }"""
    (policy,) = meaning("dense(8)\nrelu\ndense(2)", blocks=block).policies

    assert (policy.name, policy.client, policy.server) == ("split", "a", "b")
    assert policy.owners["x"].party == "a"
    assert policy.weight_bounds == Interval(-2.0, 2.0)
    assert policy.grants[0].to == ("a", "b")
    assert policy.cut is not None
    assert policy.cut.layer == 1
    assert policy.complement == Complement(
        offset=True, span=policy.complement.span if policy.complement else policy.span
    )
    assert policy.joint is None


def test_all_mistakes_of_a_block_come_at_once() -> None:
    """What is missing, unknown, twice and contradictory."""
    block = """private m {
        x from c
        weights from b in 3..1
        result to a
        result to b
        server clear
        joint { fild = mersenne61 }
    }"""

    assert [m.code for m in meaning("dense(2)", blocks=block).mistakes] == [
        "PPC119",
        "PPC301",
        "PPC113",
        "PPC404",
        "PPC112",
    ]


def test_a_layer_may_have_bounds_of_its_own() -> None:
    """It stays with the owner of the weights; who else is named, or no bounds, is a mistake."""
    block = "private m {{\nx from a\nweights from b in -0.1..0.1\nlast from {}\nresult to a\njoint\n}}"
    (policy,) = meaning("dense(8)\nrelu\nlast = dense(2)", blocks=block.format("b in -2..2")).policies

    assert policy.layer_bounds == {"last": Interval(-2.0, 2.0)}
    assert policy.weights.party == "b"
    for wrong, code in (
        ("a in -2..2", "PPC112"),
        ("b", "PPC112"),
        ("b in 2..1", "PPC301"),
        ("b in -1..1\nlast public in -1..1", "PPC113"),
    ):
        found = meaning("dense(8)\nrelu\nlast = dense(2)", blocks=block.format(wrong)).mistakes
        assert [mistake.code for mistake in found] == [code], wrong


def test_layers_may_be_public() -> None:
    """Each by its name, with bounds of its own or those of the weights; if all are, nobody holds `the weights`."""
    lines = "x from a\ndense1 public in -1..1\nlast public in -2..2\nresult to a\njoint"
    (policy,) = meaning("dense(8)\nrelu\nlast = dense(2)", blocks=f"private m {{\n{lines}\n}}").policies

    assert {name: layer.bounds for name, layer in policy.public_layers.items()} == {
        "dense1": Interval(-1.0, 1.0),
        "last": Interval(-2.0, 2.0),
    }
    assert policy.weights.party == "public"
    assert policy.is_public("last.bias")
