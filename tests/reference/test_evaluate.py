"""What an evaluation asks of the values it is given, and that stages agree."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from ppc.errors import Diagnostic, PpcError, render
from ppc.ir.graph import Graph, Node, Output
from ppc.ir.types import Interval, Type
from ppc.passes.infer_shapes import InferShapes
from ppc.reference import EVALUATE, evaluate, trace
from ppc.source import Source, Span
from tests.nets import Net
from tests.random_models import random_model
from tests.random_values import random_values

GRAPH = Net((4,)).dense(3).typed(batch=2)
GOOD: dict[str, object] = {
    "image": np.full((2, 4), 0.5),
    "dense1.weight": np.ones((3, 4)),
    "dense1.bias": np.zeros(3),
}


def refusal(values: dict[str, object], graph: Graph = GRAPH) -> list[Diagnostic]:
    with pytest.raises(PpcError) as caught:
        evaluate(graph, values)
    assert all(diagnostic.hint or diagnostic.code == "PPC508" for diagnostic in caught.value.diagnostics)
    return list(caught.value.diagnostics)


def as_written(graph: Graph) -> Graph:
    """A typed graph of batch 1, back at stage `named`: only the inputs have a type, and without the batch."""

    def untyped(node: Node) -> Node:
        if node.op == "input":
            return replace(node, type=replace(node.typed, shape=node.shape[1:]))
        return replace(node, type=None)

    return replace(graph, stage="named", nodes=tuple(untyped(node) for node in graph.nodes))


def test_outputs_have_their_names() -> None:
    """And are float64, whatever was given."""
    found = evaluate(GRAPH, {**GOOD, "image": np.full((2, 4), 1, dtype=np.uint8)})

    assert set(found) == {"result"}
    assert found["result"].dtype == np.float64
    np.testing.assert_array_equal(found["result"], np.full((2, 3), 4.0))


def test_nested_lists_are_arrays_too() -> None:
    """A caller need not know numpy."""
    found = evaluate(GRAPH, {**GOOD, "image": [[0, 0, 0, 1], [1, 0, 0, 0]]})

    np.testing.assert_array_equal(found["result"], np.ones((2, 3)))


def test_values_without_a_use_are_left_out() -> None:
    """So that one weights file serves a graph and a part of it."""
    assert set(trace(GRAPH, {**GOOD, "other": np.ones(3)})) == {node.name for node in GRAPH.nodes}


@pytest.mark.parametrize("seed", range(12))
def test_graph_as_written_agrees_with_the_typed_one(seed: int) -> None:
    """The oracle works before `infer-shapes` too, and takes any batch there."""
    named = random_model(Random(seed))
    typed = InferShapes(batch=3).run(named)
    values = random_values(typed, np.random.default_rng(seed))

    np.testing.assert_allclose(evaluate(named, values)["result"], evaluate(typed, values)["result"], rtol=1e-12)


def test_missing_value_names_the_nearest() -> None:
    """A typing mistake in a name is the most common one."""
    values = {name: value for name, value in GOOD.items() if name != "dense1.bias"}
    (found,) = refusal({**values, "dense1.bais": np.zeros(3)})

    assert (found.code, found.message) == ("PPC508", "The parameter `dense1.bias` has no value.")
    assert "dense1.bais" in found.hint


def test_all_mistakes_at_once() -> None:
    """Missing, misshapen and out of bounds."""
    found = refusal({"image": np.full((2, 4), 2.0), "dense1.weight": np.ones((3, 5))})

    assert sorted(diagnostic.code for diagnostic in found) == ["PPC307", "PPC508", "PPC508"]


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 4, 1), ()])
def test_wrong_shape_shows_both(shape: tuple[int, ...]) -> None:
    """What was needed and what was given."""
    (found,) = refusal({**GOOD, "image": np.zeros(shape)})

    assert found.code == "PPC508"
    assert "[2, 4]" in found.message
    assert f"[{', '.join(map(str, shape))}]" in found.message


@pytest.mark.parametrize("value", [["a", "b"], [[1.0], [1.0, 2.0]], None, np.ones((2, 4), dtype=complex)])
def test_no_array_of_numbers(value: object) -> None:
    """Words, ragged rows, nothing, complex numbers."""
    (found,) = refusal({**GOOD, "image": value})

    assert found.code == "PPC508"


@pytest.mark.parametrize(("value", "count"), [(1.5, 2), (-0.5, 2), (np.nan, 2), (np.inf, 2)])
def test_input_outside_its_bounds(value: float, count: int) -> None:
    """The message names the input, the count, the first place, and the bounds."""
    image = np.full((2, 4), 0.5)
    image[1, 2:] = value
    (found,) = refusal({**GOOD, "image": image})

    assert found.code == "PPC307"
    assert f"{count} of 8 values of `image`" in found.message
    assert "[1, 2]" in found.message
    assert "0..1" in found.label


def test_ends_of_the_bounds_are_inside() -> None:
    """0..1 means both."""
    evaluate(GRAPH, {**GOOD, "image": [[0, 0, 0, 0], [1, 1, 1, 1]]})


def test_parameter_that_is_no_number() -> None:
    """Weights have bounds that only their own check enforces; but they must be finite."""
    (found,) = refusal({**GOOD, "dense1.bias": [0.0, np.nan, 0.0]})

    assert (found.code, found.label) == ("PPC307", "every value is a finite number")


def test_signal_is_a_whole_number() -> None:
    """Half a class cannot be meant."""
    signal = Node(
        name="s",
        op="input",
        attrs={"role": "signal"},
        type=Type(shape=(2,), element="index", bounds=Interval(0.0, 2.0)),
    )
    graph = Graph(name="g", stage="typed", nodes=(signal,), outputs=(Output(name="result", value="s"),))

    assert evaluate(graph, {"s": [0, 2]})["result"].dtype == np.int64
    (found,) = refusal({"s": [0.5, 1.0]}, graph)
    assert (found.code, found.label) == ("PPC307", "every value is within 0..2, and whole")


def test_message_points_at_the_declaration() -> None:
    """With the source at hand the line of the input is shown."""
    source = Source("net.pnn", "model net(image: real[4] in 0..1) -> real[3] {")
    nodes = tuple(replace(node, span=Span(1, 11, 1, 33)) if node.op == "input" else node for node in GRAPH.nodes)
    with pytest.raises(PpcError) as caught:
        evaluate(replace(GRAPH, nodes=nodes), {**GOOD, "image": np.full((2, 4), 2.0)})

    assert "^^^^^^^^^^^^^^^^^^^^^^ every value is within 0..1" in render(caught.value.located(source))


def test_as_written_parameters_are_checked_by_their_layer() -> None:
    """Before `infer-shapes` nobody else knows their shape."""
    with pytest.raises(PpcError, match=r"`dense1.weight` must have shape \[3, 4\]; the value given has \[4, 3\]"):
        evaluate(as_written(GRAPH), {**GOOD, "dense1.weight": np.ones((4, 3))})


def test_as_written_inputs_share_one_batch() -> None:
    """Two images and three masks of them do not go together."""
    net = Net((4,))
    net.builder.add("input", name="other", attrs={"role": "data"}, type_=Type(shape=(4,)))
    net.layer("add", "other")
    graph = as_written(net.typed())

    assert evaluate(graph, {"image": np.ones((5, 4)), "other": np.ones((5, 4))})["result"].shape == (5, 4)
    with pytest.raises(PpcError, match="`other` holds 3 examples, `image` holds 2"):
        evaluate(graph, {"image": np.ones((2, 4)), "other": np.ones((3, 4))})
    with pytest.raises(PpcError, match=r"must have shape \[batch, 4\]; the value given has \[\]"):
        evaluate(graph, {"image": 1.0, "other": np.ones((3, 4))})


@pytest.mark.parametrize("op", ["sigmoid", "tanh", "softmax"])
def test_large_values_do_not_overflow(op: str) -> None:
    """Scores of a thousand are common before training; warnings are errors here."""
    value = EVALUATE[op](Node(name="n", op=op), [np.array([[-1e4, 0.0, 1e4]])])

    assert np.isfinite(value).all()


def test_reveal_changes_no_value() -> None:
    """It changes who knows it."""
    x = np.arange(3.0)

    np.testing.assert_array_equal(EVALUATE["reveal"](Node(name="n", op="reveal"), [x]), x)
