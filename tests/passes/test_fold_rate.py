"""fold-rate: the same new weights, with the rate in the gradient of the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ppc.ir.graph import JOINT, Graph, Output
from ppc.ir.policy import Grant, Training
from ppc.passes.fold_rate import FoldRate
from ppc.passes.fuse_pools import FusePools
from ppc.reference import evaluate
from tests.nets import Net
from tests.passes.joint import TRAINING, checked, inference, training
from tests.random_values import random_values

CROSS_ENTROPY = replace(TRAINING, loss="softmax_cross_entropy", grants=(Grant(what="logits", to=("client",)),))
WAYS: dict[str, Training] = {
    "plain": TRAINING,
    "momentum": replace(TRAINING, momentum=0.9),
    "decay": replace(TRAINING, weight_decay=0.05),
    "both": replace(CROSS_ENTROPY, momentum=0.9, weight_decay=0.05, rate=0.3),
    "logits opened": CROSS_ENTROPY,
}


def every_layer() -> Net:
    """A net whose way back goes through most of the rules, with a skip."""
    net = Net((2, 9, 8)).conv(4, padding=1).pool("avg_pool").layer("relu").pool("max_pool")
    net.conv(4, padding=1, name="inner").layer("tanh").layer("add", "max_pool1")
    net.layer("polynomial", attrs={"coefficients": (0.1, 0.5, 0.2), "replaces": "relu"}).dropout()
    return net.dense(5).layer("sigmoid").dense(3)


def folded(graph: Graph, how: Training = TRAINING) -> Graph:
    return checked(FoldRate().run(graph), how)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pools", [False, True])
def test_outputs_stay_and_momenta_carry_the_rate(way: str, pools: bool) -> None:
    how = WAYS[way]
    before = training(every_layer(), how)
    after = folded(FusePools().run(before) if pools else before, how)
    values = random_values(before, np.random.default_rng(0))
    momenta = {node.name for node in before.inputs if node.word("role") == "momentum"}
    scaled = {name: value * how.rate if name in momenta else value for name, value in values.items()}
    expected, found = evaluate(before, values), evaluate(after, scaled)

    assert not [node for node in after.nodes if node.name.endswith(".step") and node.name != "loss.step"]
    assert found.keys() == expected.keys()
    for name, value in found.items():
        wanted = expected[name] * how.rate if name in momenta else expected[name]
        np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12, err_msg=name)


def test_the_rate_stands_where_the_loss_is() -> None:
    """The owner of the labels multiplies in the clear; what is on shares is left with one subtraction."""
    graph = folded(training(Net((3,)).dense(2), CROSS_ENTROPY), CROSS_ENTROPY)
    gradient, step = graph["loss.gradient"], graph["loss.step"]

    assert (step.place, step.typed.readers) == (gradient.place, gradient.typed.readers)
    assert (step.place, step.attrs) == ("client", {"factor": 0.1})
    assert [node.name for node in graph.with_op("scale")] == ["loss.step"]
    assert graph["dense1.weight.updated"].inputs == ("dense1.weight", "dense1.weight.gradient")
    assert graph["dense1.bias.gradient"].inputs == ("loss.step",)


def test_bounds_follow() -> None:
    """Two examples, a difference of at most 1 halved, times the rate, times x: the weights move by at most 0.1."""
    graph = folded(training(Net((3,)).dense(2), CROSS_ENTROPY), CROSS_ENTROPY)
    bounds = graph["dense1.weight.gradient"].typed.bounds

    assert bounds is not None
    assert bounds.high == pytest.approx(0.1)
    assert graph["dense1.weight.updated"].typed.bounds is not None


def test_decay_and_momentum_take_the_rate_once() -> None:
    graph = folded(training(Net((3,)).dense(2, bias=False), WAYS["both"]), WAYS["both"])

    factors = {node.name: node.number("factor") for node in graph.with_op("scale")}
    assert factors == {
        "loss.step": 0.3,
        "dense1.weight.decay": pytest.approx(0.05 * 0.3),
        "dense1.weight.kept": 0.9,
    }


def in_the_clear() -> Graph:
    """A trainer that holds everything has nothing to gain."""
    graph = training(Net((3,)).dense(2))
    return replace(graph, nodes=tuple(replace(n, place="server") if n.place == JOINT else n for n in graph.nodes))


def gradient_leaves() -> Graph:
    """Somebody asks for a gradient as it is."""
    graph = training(Net((3,)).dense(2))
    extra = Output(name="gradient", value="dense1.weight.gradient")
    return replace(graph, outputs=(*graph.outputs, extra))


def momentum_is_given() -> Graph:
    """Somebody receives a momentum, and expects it as PyTorch has it."""
    graph = training(Net((3,)).dense(2), WAYS["momentum"])
    outputs = (replace(o, to=("client",)) if o.name.endswith(".momentum") else o for o in graph.outputs)
    return replace(graph, outputs=tuple(outputs))


def two_rates() -> Graph:
    """One gradient of the loss cannot carry both."""
    graph = training(Net((3,)).dense(2))
    nodes = (replace(n, attrs={"factor": 0.2}) if n.name == "dense1.bias.step" else n for n in graph.nodes)
    return replace(graph, nodes=tuple(nodes))


def squared_gradient() -> Graph:
    """An update that is not linear in the gradient."""
    graph = training(Net((3,)).dense(2))
    square = replace(graph["dense1.bias.gradient"], name="square", op="multiply", inputs=("dense1.bias.gradient",) * 2)
    kept = tuple(replace(n, inputs=("square",)) if n.name == "dense1.bias.step" else n for n in graph.nodes)
    index = next(i for i, n in enumerate(kept) if n.name == "dense1.bias.step")
    return replace(graph, nodes=(*kept[:index], square, *kept[index:]))


def no_training() -> Graph:
    return inference(Net((3,)).dense(2))


CASES = (in_the_clear, gradient_leaves, momentum_is_given, two_rates, squared_gradient, no_training)


@pytest.mark.parametrize("make", CASES)
def test_what_cannot_be_folded_stays(make: Callable[[], Graph]) -> None:
    graph = make()

    assert FoldRate().run(graph) is graph
