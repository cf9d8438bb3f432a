"""What the cost table counts, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppc.cost import Cost, by_layer, cost, total
from ppc.ir.policy import Owner, Training
from ppc.ir.typed import retyped
from ppc.passes.differentiate import Differentiate
from ppc.reference import trace
from tests.nets import Net
from tests.random_values import random_values

TRAINING = Training(model="net", labels=Owner(party="client"), loss="mse", rate=0.1, batch=2)


def test_layers_of_alexnet() -> None:
    """conv1 of AlexNet: 64 filters of 11×11 over three colours at 55×55 places."""
    graph = Net((3, 224, 224)).conv(64, kernel=11, stride=4, padding=2).typed()
    found = by_layer(graph)["conv1"]

    assert found.parameters == 64 * 3 * 11 * 11 + 64 == 23_296
    assert found.multiply_adds == 64 * 55 * 55 * 3 * 11 * 11


def test_groups_divide_the_work() -> None:
    """A filter sees only the channels of its group."""
    whole, halves = (total(Net((4, 8, 8)).conv(6, groups=groups).typed()) for groups in (1, 2))

    assert whole.multiply_adds == 2 * halves.multiply_adds == 6 * 36 * 4 * 9


def test_a_pooled_convolution_costs_a_quarter() -> None:
    """One filter and one division for every mean, where there were four filters."""
    graph = Net((1, 8, 8)).conv(2, bias=False).typed()
    layer = graph["conv1"]
    pooled = retyped(replace(layer, attrs={**layer.attrs, "pool": 2}), graph.operands(layer))
    operands = [operand.typed for operand in graph.operands(layer)]

    assert pooled.shape == (1, 2, 3, 3)
    assert cost(layer, operands).multiply_adds == 2 * 36 * 9
    assert cost(pooled, operands).multiply_adds == 2 * 9 * (9 + 1)


def test_batch_multiplies_work_but_not_parameters() -> None:
    """Parameters are there once."""
    one, five = (total(Net((4,)).dense(3).typed(batch=batch)) for batch in (1, 5))

    assert five.multiply_adds == 5 * one.multiply_adds == 60
    assert five.parameters == one.parameters == 15


def test_backward_costs_what_forward_costs_per_gradient() -> None:
    """The gradients of a product's two operands are one product of the same size each."""
    net = Net((2, 6, 6)).conv(3, stride=2, padding=1).conv(4)
    graph = Differentiate(training=TRAINING).run(net.typed(batch=2))

    def products(name: str) -> int:
        return cost(graph[name], [operand.typed for operand in graph.operands(graph[name])]).multiply_adds

    assert products("conv2.weight.gradient") == products("conv2.backward") == products("conv2")
    assert products("conv1.weight.gradient") == products("conv1")


def test_layer_counts_what_was_made_for_it() -> None:
    """Its backward half and its update stand under its own name; nothing is lost."""
    graph = Differentiate(training=TRAINING).run(Net((4,)).dense(3).layer("relu").dense(2).typed(batch=2))
    layers = by_layer(graph)

    assert set(layers) == {"image", "dense1", "relu1", "dense2", "labels", "loss"}
    assert sum(layers.values(), Cost()) == total(graph)
    assert layers["dense1"].multiply_adds == 2 * (2 * 3 * 4) + 15  # forward, weight gradient, and the rate


def test_values_are_those_of_the_evaluation() -> None:
    """Elements of all that is computed, given or held."""
    graph = Net((4,)).dense(3).layer("softmax").typed(batch=2)
    values = random_values(graph, np.random.default_rng(0))

    assert total(graph).values == sum(value.size for value in trace(graph, values).values())
