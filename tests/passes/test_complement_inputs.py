"""complement-inputs: the signal joins layer k's input, and the client takes the answer back by it."""

from __future__ import annotations

import numpy as np
import pytest

from ppc.ir.graph import Graph
from ppc.ir.types import only
from ppc.reference import evaluate
from ppc.weights import fold, initial
from tests.programs import compiled, mistakes, program

SPLIT = ("split at 2", "server clear")


def answer(graph: Graph, how_many: int, signal: list[int]) -> np.ndarray:
    """The result for random images and a given signal, with seeded weights."""
    images = np.random.default_rng(1).uniform(size=(how_many, 2, 8, 8))
    values = {"image": images, "signal": np.array(signal), **fold(graph, initial(graph, 3))}
    return evaluate(graph, values)["result"]


@pytest.mark.parametrize(("classes", "fact", "planes"), [(2, "complement", 1), (10, "complement offset", 10)])
def test_layer_k_reads_the_signal_as_planes_of_its_feature_map(classes: int, fact: str, planes: int) -> None:
    """A bit is one plane, an offset is one plane a class; the weights of layer k grow by as many channels."""
    graph = compiled(program(*SPLIT, fact, classes=classes)).graph

    assert graph["signal_planes"].shape == (1, planes, 8, 8)
    assert graph["conv2.joined"].shape == (1, 4 + planes, 8, 8)
    assert graph["conv2.weight"].shape == (6, 4 + planes, 3, 3)
    assert graph["conv1.weight"].shape == (4, 2, 3, 3)


def test_the_client_draws_the_signal_and_takes_it_back() -> None:
    """The server sees neither the signal nor the answer without it."""
    graph = compiled(program(*SPLIT, "complement", classes=2)).graph

    for name in ("signal", "signal_planes", "conv2.joined", "answer"):
        assert graph[name].place == "hospital"
        assert graph[name].typed.readers == only("hospital")


def test_the_answer_is_rolled_back_by_the_offset() -> None:
    """Class c was taught as class c + signal: position (c + signal) mod n of the logits answers for c."""
    graph = compiled(program(*SPLIT, "complement offset"), batch=2).graph
    raw = graph["answer"].inputs[0]
    images = np.random.default_rng(1).uniform(size=(2, 2, 8, 8))
    values = {"image": images, "signal": np.array([0, 3]), **initial(graph, 3)}
    from ppc.reference import trace

    found = trace(graph, values)

    np.testing.assert_array_equal(found["answer"][0], found[raw][0])
    np.testing.assert_array_equal(found["answer"][1], np.roll(found[raw][1], -3))


def test_whoever_else_gets_the_result_gets_it_with_the_signal() -> None:
    """On shares: the answer that is opened to the lab is that which only the hospital can turn back."""
    text = program("split at 2", "joint", "complement offset", "result to hospital, lab")
    graph = compiled(text, batch=2).graph
    images = np.random.default_rng(1).uniform(size=(2, 2, 8, 8))
    found = evaluate(graph, {"image": images, "signal": np.array([0, 3]), **initial(graph, 3)})

    assert [(output.name, output.to) for output in graph.outputs] == [
        ("result", ("hospital",)),
        ("complemented", ("lab",)),
    ]
    np.testing.assert_array_equal(found["result"][0], found["complemented"][0])
    np.testing.assert_array_equal(found["result"][1], np.roll(found["complemented"][1], -3))


@pytest.mark.parametrize(
    ("end", "how"),
    [("dense(1)\n", "negate"), ("dense(1)\n sigmoid\n", "flip"), ("dense(2)\n", "roll")],
)
def test_how_an_answer_of_two_classes_is_taken_back(end: str, how: str) -> None:
    """One logit changes its sign, a probability becomes its complement, two logits change places."""
    classes = 2 if "2" in end else 1
    text = program(*SPLIT, "complement", classes=classes, body=f"\nconv2d(4, kernel=3)\ndense(5)\nrelu\n{end}")

    assert compiled(text).graph["answer"].word("how") == how


def test_a_dense_layer_takes_the_signal_as_features() -> None:
    """Layer k may read a row; the signal then has no height and width."""
    graph = compiled(program("split at 3", "server clear", "complement", classes=2)).graph

    assert graph["dense1.weight"].shape == (8, 54 + 1)


def test_without_a_complement_nothing_changes() -> None:
    """No clause, no change."""
    steps = compiled(program(*SPLIT))

    assert steps.after("complement-inputs") is steps.after("split-at-layer")


def test_answers_that_cannot_be_complemented() -> None:
    """More than two classes need an offset, an offset needs more than two, groups would hide the signal."""
    assert [m.code for m in mistakes(program(*SPLIT, "complement"))] == ["PPC212"]
    grouped = "\nconv2d(4, kernel=3)\nrelu\nconv2d(4, kernel=3, groups=2)\ndense({classes})\n"
    assert [m.code for m in mistakes(program(*SPLIT, "complement", classes=2, body=grouped))] == ["PPC214"]


def test_a_picture_of_the_signal_is_resized_to_the_feature_map() -> None:
    """One more channel, whatever the number of classes; the picture is the client's own."""
    graph = compiled(program(*SPLIT, "complement offset picture [28, 20]")).graph

    assert graph["signal.picture"].shape == (1, 1, 28, 20)
    assert graph["signal.picture"].typed.readers == only("hospital")
    assert graph["signal_planes"].op == "resize"
    assert graph["conv2.joined"].shape == (1, 5, 8, 8)


def test_the_signal_joins_an_earlier_layer() -> None:
    graph = compiled(program(*SPLIT, "complement at 1", classes=2)).graph

    assert graph["conv1.joined"].shape == (1, 3, 8, 8)
    assert graph["conv2"].place == "hospital"
