"""fold-norms: the same answers, with every division at the owner of the weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ppc.ir.bounds import bounds_of
from ppc.ir.graph import JOINT, Graph
from ppc.ir.types import EVERYONE, only
from ppc.passes.differentiate import Differentiate
from ppc.passes.fold_norms import FoldNorms
from ppc.passes.fold_rate import FoldRate
from ppc.passes.fuse_pools import FusePools
from ppc.passes.place import Place
from ppc.reference import evaluate
from tests.nets import Net
from tests.passes.joint import POLICY, TRAINING, checked, inference, training, typed
from tests.random_values import random_values


def folded(graph: Graph) -> Graph:
    return checked(FoldNorms().run(graph))


def assert_same(before: Graph, after: Graph) -> None:
    values = random_values(before, np.random.default_rng(3))
    expected, found = evaluate(before, values), evaluate(after, values)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-12)


NETS = {
    "behind a relu": Net((2, 6, 6)).conv(3).layer("relu").norm().dense(2),
    "of a row": Net((5,)).dense(4).layer("relu").norm().dense(2),
    "first of all": Net((2, 6, 6)).norm(epsilon=1e-3).conv(3),
    "behind a pooling": Net((2, 7, 7)).conv(4, groups=2).pool("avg_pool").norm().layer("relu").dense(2),
    "without bias": Net((2, 7, 7)).conv(4, bias=False).pool("avg_pool").norm().layer("relu").dense(2),
    "twice": Net((2, 7, 7)).conv(4).pool("avg_pool").norm().norm().layer("relu").norm().norm(),
}


@pytest.mark.parametrize("net", NETS.values(), ids=list(NETS))
@pytest.mark.parametrize("pools", [False, True])
def test_answers_stay(net: Net, pools: bool) -> None:
    before = inference(net)
    graph = FusePools().run(before) if pools else before
    after = folded(graph)

    assert not after.with_op("batch_norm")
    assert_same(before, after)
    for node in after.nodes:
        operands = after.operands(node)
        if node.inputs:
            bounds = [operand.typed.bounds for operand in operands]
            assert node.typed.bounds == bounds_of(node, bounds, [operand.shape for operand in operands])
            assert node.typed.bounds is not None


def test_the_owner_divides_and_shares_multiply() -> None:
    """Two steps on shares: one product with a factor that the owner knows, one addition."""
    graph = folded(inference(NETS["behind a relu"]))
    places = {name: graph[name].place for name in graph.by_name if name.startswith("batch_norm1")}

    assert {name for name, place in places.items() if place == JOINT} == {"batch_norm1", "batch_norm1.scaled"}
    assert graph["batch_norm1.factor"].typed.readers == only("server")
    assert graph["batch_norm1"].op == "add_channel"


def test_a_layer_before_the_pooling_carries_it() -> None:
    """Nothing is left on shares, and the layer keeps its name."""
    before = FusePools().run(inference(NETS["behind a pooling"]))
    after = folded(before)

    assert after["relu1"].inputs == ("conv1",)
    assert after["conv1"].inputs == ("image", "batch_norm1.weight", "batch_norm1.bias")
    assert after["conv1"].attrs["pool"] == 2
    assert {node.place for node in after.with_op("scale_filters", "norm_factor", "norm_shift")} == {"server"}
    assert not after.with_op("multiply_channel", "add_channel")


def test_a_value_that_others_read_is_not_changed() -> None:
    """The skip adds what the convolution made."""
    net = Net((2, 6, 6)).conv(2, padding=1).norm().layer("add", "conv1").dense(2)
    before = inference(net)
    after = folded(before)

    assert after.with_op("multiply_channel")
    assert_same(before, after)


def test_public_parameters_are_folded_by_whom_they_lie_at() -> None:
    graph = inference(NETS["behind a relu"])
    public = tuple(
        replace(node, type=node.typed.seen_by(EVERYONE), place="client")
        if node.op == "parameter" and node.name.startswith("batch_norm1")
        else node
        for node in graph.nodes
    )
    after = FoldNorms().run(replace(graph, nodes=public))

    assert (after["batch_norm1.factor"].place, after["batch_norm1.factor"].typed.readers) == ("client", EVERYONE)


def test_what_is_on_shares_or_in_the_clear_stays() -> None:
    """In training by both parties nobody knows the parameters; what one party computes alone it computes as it is."""
    statistics = frozenset({"batch_norm1.mean", "batch_norm1.variance"})
    net = NETS["behind a relu"]
    shared = Place(POLICY, TRAINING).run(Differentiate(training=TRAINING, frozen=statistics).run(typed(net)))
    clear = inference(net)
    clear = replace(clear, nodes=tuple(replace(n, place="server") if n.op == "batch_norm" else n for n in clear.nodes))

    assert FoldNorms().run(shared) is shared
    assert FoldNorms().run(clear) is clear


def test_frozen_norms_at_one_party_are_folded_on_the_way_back_too() -> None:
    """The way back has a factor and no shift; it stays linear, so that the rate can be folded behind it."""
    frozen = frozenset(f"batch_norm1.{role}" for role in ("scale", "shift", "mean", "variance"))
    net = NETS["behind a relu"]
    graph = Place(POLICY, TRAINING).run(Differentiate(training=TRAINING, frozen=frozen).run(typed(net)))
    kept = tuple(
        replace(n, type=n.typed.seen_by(only("server")), place="server")
        if n.name in frozen or n.name.endswith("batch_norm1.zero")
        else n
        for n in graph.nodes
    )
    before = replace(graph, nodes=kept)
    after = FoldNorms().run(before)

    assert_same(before, after)
    assert [node.op for node in after.nodes].count("multiply_channel") == 2
    assert [node.op for node in after.nodes].count("add_channel") == 1
    assert_same(before, FoldRate().run(after))
    assert FoldRate().run(after) is not after


def test_training_without_batch_norms_does_not_change() -> None:
    graph = training(Net((3,)).dense(2))

    assert FoldNorms().run(graph) is graph
