"""fuse-pools: the same values with a quarter of the products, forward and back."""

from __future__ import annotations

import numpy as np
import pytest

from ppc.cost import total
from ppc.ir.bounds import bounds_of
from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.passes.fuse_pools import FusePools
from ppc.reference import evaluate, trace
from tests.nets import Net
from tests.passes.joint import TRAINING, checked, inference, training
from tests.random_values import random_values


def fused(graph: Graph) -> Graph:
    return checked(FusePools().run(graph), TRAINING if graph.with_op("mse") else None)


def random_net(generator: np.random.Generator) -> Net:
    """Two convolutions, each with its pooling; sizes are odd and even, and some rows fill no window."""
    net = Net((4, int(generator.integers(9, 14)), int(generator.integers(9, 14))))
    for channels, pool in ((4, int(generator.choice([2, 3]))), (6, 2)):
        net.conv(
            channels,
            kernel=int(generator.choice([2, 3])),
            stride=int(generator.choice([1, 2])) if pool == 2 and channels == 4 else 1,
            padding=int(generator.choice([1, 2])),
            groups=int(generator.choice([1, 2])),
            bias=bool(generator.integers(2)),
        )
        net.pool("avg_pool", pool).layer("relu")
    return net.dense(3)


@pytest.mark.parametrize("seed", range(30))
def test_every_output_of_a_step_stays(seed: int) -> None:
    generator = np.random.default_rng(seed)
    before = training(random_net(generator))
    after = fused(before)
    values = random_values(before, generator)
    expected, found = evaluate(before, values), evaluate(after, values)

    assert not after.with_op("avg_pool", "avg_pool_grad")
    assert total(after).multiply_adds < total(before).multiply_adds / 2
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_types_and_bounds_are_those_of_the_tables(seed: int) -> None:
    """What is bounded stays within; who may see a value does not change."""
    generator = np.random.default_rng(seed)
    graph = fused(training(random_net(generator)))
    computed = trace(graph, random_values(graph, generator))
    for node in graph.nodes:
        operands = graph.operands(node)
        if node.inputs:
            assert node.typed.bounds == bounds_of(
                node, [operand.typed.bounds for operand in operands], [operand.shape for operand in operands]
            )
        assert computed[node.name].shape == node.shape


def test_shallow_net_counts() -> None:
    """Forward: a quarter of the products, and the bias is added to means."""
    net = Net((1, 28, 28)).conv(32, padding=1).pool("avg_pool").layer("relu").dense(10)
    graph = fused(inference(net))
    layer = graph["conv1"]

    assert (layer.attrs["pool"], layer.shape, layer.origin) == (2, (2, 32, 14, 14), "fuse-pools")
    assert graph["relu1"].inputs == ("conv1",)
    assert layer.typed.bounds == Interval(-9 * 1.0 - 1.0, 9 * 1.5 + 1.5)


def test_the_bias_reads_the_sum_alone() -> None:
    """The copy is not made at all: three ops read the gradient behind the relu."""
    graph = fused(training(Net((2, 7, 7)).conv(3).conv(2).pool("avg_pool").layer("relu").dense(2)))
    gradient = graph["relu1.backward"]

    readers = {node.op: node.attrs.get("pool") for node in graph.uses[gradient.name]}
    assert readers == {"conv2d_grad_weight": 2, "conv2d_grad_input": 2, "sum_to_channel": None}


def test_a_copy_that_others_need_stays() -> None:
    """A skip adds the gradient to its own."""
    net = Net((2, 6, 6)).conv(2, padding=1, name="a")
    net.conv(2, padding=1, name="b").layer("add", "a").pool("avg_pool").dense(2)
    before = training(net)
    after = fused(before)
    values = random_values(before, np.random.default_rng(1))

    assert len(after.with_op("avg_pool_grad")) == 1
    assert after["b.weight.gradient"].attrs["pool"] == 2
    for name, value in evaluate(after, values).items():
        np.testing.assert_allclose(value, evaluate(before, values)[name], rtol=1e-12, atol=1e-12)


def test_a_second_pooling_stays_behind_the_first() -> None:
    before = training(Net((1, 11, 10)).conv(2).pool("avg_pool").pool("avg_pool").dense(2))
    after = fused(before)
    values = random_values(before, np.random.default_rng(1))

    assert [node.inputs for node in after.with_op("avg_pool")] == [("conv1",)]
    for name, value in evaluate(after, values).items():
        np.testing.assert_allclose(value, evaluate(before, values)[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", ["relu between", "read twice", "overlapping", "padded", "maximum"])
def test_what_does_not_fit_stays(case: str) -> None:
    net = Net((1, 8, 8)).conv(2)
    windows = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    match case:
        case "relu between":
            net.layer("relu").pool("avg_pool")
        case "read twice":
            net.layer("avg_pool", attrs=windows, name="p").layer("flatten", name="f")
            net.layer("flatten", after="conv1").layer("concat", "f")
        case "overlapping":
            net.layer("avg_pool", attrs={**windows, "kernel": (3, 3)})
        case "padded":
            net.layer("avg_pool", attrs={**windows, "padding": (1, 1)})
        case _:
            net.pool("max_pool")
    graph = inference(net)

    assert fused(graph) == graph
