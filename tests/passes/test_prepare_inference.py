"""prepare-inference and `fold` together compute what the model computed before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ppc.errors import PpcError
from ppc.ir.bounds import bounds_of
from ppc.ir.graph import Graph, Output
from ppc.ir.text import show
from ppc.ir.types import Interval
from ppc.ir.verify import verify
from ppc.passes.prepare_inference import PrepareInference
from ppc.reference import evaluate
from ppc.weights import expected, fold, initial
from tests.nets import Net, random_weights


def prepared(graph: Graph) -> Graph:
    return verify(PrepareInference().run(graph), after=PrepareInference.name)


def random_net(generator: np.random.Generator) -> Net:
    """A chain with batch norms, dropouts, skips and poolings at random places; the result reads all of them."""
    net = Net((2, 9, 9))
    channels = 2
    for _ in range(generator.integers(2, 7)):
        match int(generator.integers(6)):
            case 0 | 1:
                channels = int(generator.choice([2, 4, 6]))
                net.conv(channels, padding=1, bias=bool(generator.integers(2)), groups=int(generator.choice([1, 2])))
            case 2 | 3:
                net.norm(epsilon=float(generator.choice([1e-5, 1e-3])))
            case 4:
                net.dropout()
            case _:
                skip = net.last
                net.layer("relu").layer("add", skip)
    if generator.integers(2):
        net.dense(5, bias=bool(generator.integers(2))).norm()
    return net


@pytest.mark.parametrize("seed", range(60))
def test_answers_stay(seed: int) -> None:
    generator = np.random.default_rng(seed)
    typed = random_net(generator).typed(batch=2)
    weights = random_weights(typed, generator)
    image = generator.uniform(0.0, 1.0, (2, 2, 9, 9))
    ready = prepared(typed)

    before = evaluate(typed, {"image": image, **weights})["result"]
    folded = fold(typed, weights)
    after = evaluate(ready, {"image": image, **folded})["result"]

    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)
    assert set(folded) == {parameter.name for parameter in expected(ready)}
    assert not ready.with_op("dropout")
    assert prepared(ready) == ready


def test_a_layer_without_bias_gets_one_and_keeps_its_name_and_place() -> None:
    typed = Net((1, 6, 6)).conv(3, bias=False).norm().layer("relu").typed(weights=Interval(-2.0, 2.0))
    ready = prepared(typed)
    bias = ready["conv1.bias"]

    assert [node.name for node in ready.nodes] == ["image", "conv1.weight", "conv1.bias", "conv1", "relu1"]
    assert bias.word("role") == "bias"
    assert bias.typed == replace(typed["conv1.weight"].typed, shape=(3,))
    assert (bias.span, bias.origin) == (typed["conv1"].span, "prepare-inference")
    assert ready["conv1"].span == typed["conv1"].span


def test_bounds_follow_the_folded_layer() -> None:
    typed = Net((1, 6, 6)).conv(3, bias=False).norm().layer("relu").typed(weights=Interval(-2.0, 2.0))
    ready = prepared(typed)

    assert ready["conv1"].typed.bounds == Interval(-20.0, 20.0)
    for node in ready.nodes[3:]:
        operands = ready.operands(node)
        assert node.typed.bounds == bounds_of(node, [o.typed.bounds for o in operands], [o.shape for o in operands])


def test_nothing_to_fold_changes_the_stage_alone() -> None:
    typed = Net((1, 6, 6)).conv(3).layer("relu").norm().pool().dense(4).typed(weights=Interval(-1.0, 1.0))
    ready = prepared(typed)
    weights = initial(typed, 1)

    assert show(ready) == show(replace(typed, stage="ready"))
    assert fold(typed, weights) == weights


def test_a_chain_of_batch_norms_goes_into_one_layer() -> None:
    ready = prepared(Net((1, 6, 6)).conv(3).norm().dropout().norm().typed())

    assert [node.op for node in ready.nodes if node.op != "parameter"] == ["input", "conv2d"]
    assert ready.output("result").value == "conv1"


def test_a_value_that_others_read_stays_as_it_is() -> None:
    typed = Net((1, 6, 6)).conv(3, name="skip").norm().layer("add", "skip").typed()

    assert prepared(typed)["batch_norm1"].inputs[0] == "skip"


def test_a_value_that_leaves_the_graph_stays_as_it_is() -> None:
    typed = Net((1, 6, 6)).conv(3).norm().typed()
    typed = replace(typed, outputs=(*typed.outputs, Output(name="features", value="conv1")))

    assert prepared(typed) == replace(typed, stage="ready")


def test_a_dropout_that_is_the_result_passes_its_input_on() -> None:
    ready = prepared(Net((1, 6, 6)).layer("relu").dropout().dropout().typed())

    assert ready.output("result").value == "relu1"
    assert [node.name for node in ready.nodes] == ["image", "relu1"]


def test_folded_weights_must_keep_the_declared_bounds() -> None:
    typed = Net((1, 6, 6)).conv(2).norm().dense(3).norm(name="last").typed(weights=Interval(-2.0, 2.0))
    weights = initial(typed, 3)
    weights["batch_norm1.variance"][1] = 1e-4
    weights["last.scale"][:] = 2.0
    weights["last.mean"][:] = 2.0

    with pytest.raises(PpcError) as caught:
        fold(typed, weights)

    (mistake,) = caught.value.diagnostics
    assert mistake.code == "PPC505"
    assert [note.text.partition(":")[0] for note in mistake.notes] == [
        "conv1.weight",
        "conv1.bias",
        "dense1.bias",
    ]
    assert "after its batch norm was folded in" in mistake.notes[0].text
    assert "Widen the bounds" in mistake.hint


def test_a_variance_of_zero_is_reported_not_divided_by() -> None:
    typed = Net((1, 6, 6)).conv(2).norm(epsilon=0.0).typed()
    weights = initial(typed, 3)
    weights["batch_norm1.variance"][0] = 0.0

    with pytest.raises(PpcError, match="PPC506"):
        fold(typed, weights)


def test_weights_given_to_fold_are_not_changed() -> None:
    typed = Net((1, 6, 6)).conv(2).norm().typed()
    weights = initial(typed, 3)
    before = {name: values.copy() for name, values in weights.items()}

    fold(typed, weights)

    assert weights.keys() == before.keys()
    assert all(np.array_equal(weights[name], before[name]) for name in before)
