"""split-at-layer gives layers 1..k to the client, and changes nothing else."""

from __future__ import annotations

import pytest

from ppc.ir.graph import Graph
from tests.programs import compiled, mistakes, program


def head(graph: Graph) -> list[str]:
    """What the split placed at the client."""
    return [node.name for node in graph.nodes if node.place == "hospital"]


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (1, ["conv1", "relu1"]),
        (2, ["conv1", "relu1", "conv2", "relu2", "avg_pool1", "dense1.flatten"]),
        (
            3,
            ["conv1", "relu1", "conv2", "relu2", "avg_pool1", "dense1.flatten", "dense1", "relu3"],
        ),
    ],
)
def test_a_layer_ends_where_the_next_weights_begin(k: int, expected: list[str]) -> None:
    """The weightless lines after a layer belong to it."""
    graph = compiled(program(f"split at {k}", "server clear")).after("split-at-layer")

    assert head(graph) == expected


def test_after_a_name_is_the_layer_that_the_name_belongs_to() -> None:
    """`split after relu2` says the same as `split at 2`."""
    by_name = compiled(program("split after relu2", "server clear")).after("split-at-layer")
    by_number = compiled(program("split at 2", "server clear")).after("split-at-layer")

    assert head(by_name) == head(by_number)


def test_without_a_split_nothing_changes() -> None:
    """No clause, no change: the very same graph comes out."""
    steps = compiled(program("joint"))

    assert steps.after("split-at-layer") is steps.after("infer-shapes")


@pytest.mark.parametrize("k", [-1, 0, 4, 9])
def test_both_sides_need_a_layer(k: int) -> None:
    """The message names the layers there are."""
    (mistake,) = mistakes(program(f"split at {k}", "complement offset", "server clear"))

    assert mistake.code == "PPC210"
    assert "1 conv1, 2 conv2, 3 dense1, 4 dense2" in mistake.hint


def test_an_unknown_name_is_no_place_to_split() -> None:
    """Inputs and misspelt names are refused."""
    assert [m.code for m in mistakes(program("split after image", "server clear"))] == ["PPC211"]
    assert [m.code for m in mistakes(program("split after relu9", "server clear"))] == ["PPC211"]
