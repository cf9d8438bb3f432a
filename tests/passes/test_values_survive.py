"""What a model computes is the same after every pass that is not meant to change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from ppc.ir.graph import Graph
from ppc.ir.layers import weighted
from ppc.ir.policy import Cut, Grant, Joint, Owner, Policy, Training
from ppc.ir.types import Interval
from ppc.passes.base import Pass, steps
from ppc.passes.check_flow import CheckFlow
from ppc.passes.differentiate import Differentiate
from ppc.passes.fold_norms import FoldNorms
from ppc.passes.fold_rate import FoldRate
from ppc.passes.fuse_pools import FusePools
from ppc.passes.infer_shapes import InferShapes
from ppc.passes.place import Place
from ppc.passes.prepare_inference import PrepareInference
from ppc.passes.split_at_layer import SplitAtLayer
from ppc.reference import evaluate
from ppc.reference.windows import Array
from ppc.weights import fold
from tests.random_models import random_model
from tests.random_values import random_values

OWNER = Owner(party="hospital")
POLICY = Policy(
    name="random",
    model="random",
    parties=("hospital", "lab"),
    owners={"x": OWNER, "y": OWNER, **{f"y_{number}": OWNER for number in range(2, 13)}},
    weights=Owner(party="lab"),
    weight_bounds=Interval(-1e4, 1e4),
    grants=(Grant(what="result", to=("hospital",)),),
    joint=Joint(),
)
TRAINING = Training(model="random", by="clear", labels=OWNER, loss="mse", rate=0.1, batch=2, momentum=0.9)


def typed_model(seed: int) -> Graph:
    model = replace(random_model(Random(seed)), parties=POLICY.parties)
    return InferShapes(batch=2, weight_bounds=POLICY.weight_bounds).run(model)


TRAINABLE = [seed for seed in range(40) if typed_model(seed).parameters]


def assert_same(
    graph: Graph, passes: Sequence[Pass], values: Mapping[str, Array], expected: Mapping[str, Array]
) -> None:
    """After each pass, not only after the last."""
    for step in steps(graph, passes):
        found = evaluate(step.graph, values)
        assert set(found) == set(expected)
        for name, value in found.items():
            np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=1e-9, err_msg=f"{step.name}, {name}")


@pytest.mark.parametrize("seed", range(30))
def test_inference(seed: int) -> None:
    """Typed, split, prepared (with the weights folded as the graph was), placed."""
    typed = typed_model(seed)
    values = random_values(typed, np.random.default_rng(seed))
    expected = evaluate(typed, values)
    cut = Cut(layer=1) if len(weighted(typed)) > 1 else None

    assert_same(typed, [SplitAtLayer(cut, "hospital")], values, expected)
    weights = {node.name: values[node.name] for node in typed.parameters}
    folded = {**{node.name: values[node.name] for node in typed.inputs}, **fold(typed, weights)}
    joint = (FusePools(), FoldNorms(), CheckFlow(POLICY))
    assert_same(typed, [PrepareInference(), Place(POLICY), *joint], folded, expected)


@pytest.mark.parametrize("seed", TRAINABLE)
def test_training(seed: int) -> None:
    """A step of training, placed."""
    step = Differentiate(training=TRAINING).run(typed_model(seed))
    values = random_values(step, np.random.default_rng(seed))

    assert_same(step, [Place(POLICY, TRAINING)], values, evaluate(step, values))


@pytest.mark.parametrize("seed", [seed for seed in TRAINABLE if not typed_model(seed).with_op("batch_norm")])
def test_joint_training(seed: int) -> None:
    """A step on shares, without momentum: with it, what is carried is another number."""
    how = replace(TRAINING, by="joint", momentum=0.0, weight_decay=0.1)
    step = Differentiate(training=how).run(typed_model(seed))
    values = random_values(step, np.random.default_rng(seed))
    placed = Place(POLICY, how).run(step)

    assert_same(placed, [FusePools(), FoldNorms(), FoldRate(), CheckFlow(POLICY, how)], values, evaluate(step, values))
