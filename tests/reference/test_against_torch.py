"""The oracle is checked by another: random models agree with PyTorch in every value, gradient and update."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Literal

import numpy as np
import pytest

from ppc.ir.graph import Graph, Node
from ppc.ir.ops import OPS, SOURCES
from ppc.ir.policy import Owner, Training
from ppc.ir.verify import verify
from ppc.passes.differentiate import Differentiate
from ppc.passes.infer_shapes import InferShapes
from ppc.reference import evaluate, trace
from ppc.reference.windows import Array
from tests.random_models import random_model
from tests.random_values import random_values
from tests.reference.torch_model import TorchModel

FEW, MANY = 50, 500
TOLERANCE = 1e-9
# Ops of placed graphs are made for parties, which these models have none of.
COUNTED = {op.name for op in OPS.values() if op.since != "placed"} - {*SOURCES, "right_answers"}


def typed_model(seed: int) -> tuple[Graph, Random]:
    """Model number `seed`: every third has an ending that it cannot be trained through."""
    random = Random(seed)
    ending = random.choice(["", "", "", "", "softmax", "argmax", "uncomplement"])
    model = random_model(random, complement=random.random() < 0.25, ending=ending)
    return verify(InferShapes(batch=random.randint(3, 5)).run(model)), random


def training_of(graph: Graph, random: Random) -> Training:
    """A way to train the model: with a cross-entropy where it ends in scores of classes."""
    result = graph[graph.output("result").value]
    scores = len(result.shape) == 2 and result.shape[1] > 1 and "softmax" not in {n.op for n in _last(graph)}
    loss: Literal["softmax_cross_entropy", "mse"] = "mse"
    if scores and random.random() < 0.7:
        loss = "softmax_cross_entropy"
    momentum, decay = random.choice([0.0, 0.9]), random.choice([0.0, 0.01])
    return Training(
        model=graph.name,
        labels=Owner(party="public"),
        loss=loss,
        rate=random.choice([0.01, 0.5]),
        batch=result.shape[0],
        momentum=momentum,
        weight_decay=decay,
        schedule=random.choice([(), (65536, 32768)]),
    )


def _last(graph: Graph) -> list[Node]:
    """The result and what it is a mere reshaping of."""
    nodes = [graph[graph.output("result").value]]
    while nodes[-1].op in ("flatten", "reshape"):
        nodes.append(graph[nodes[-1].inputs[0]])
    return nodes


def trainable(graph: Graph) -> bool:
    return bool(graph.parameters) and not graph.with_op("argmax", "uncomplement")


def assert_close(expected: Array, found: Array, *, what: str) -> None:
    assert found.shape == expected.shape, what
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    assert float(np.abs(expected - found).max(initial=0.0)) <= TOLERANCE * scale, what


def check_values(graph: Graph, seed: int) -> None:
    """Every value of the model, in inference."""
    values = random_values(graph, np.random.default_rng(seed))
    model = TorchModel(graph, values)
    model.forward()
    for name, value in trace(graph, values).items():
        assert_close(model.tensors[name].numpy(), value, what=f"model {seed}, {name}")


def check_step(graph: Graph, training: Training, seed: int) -> Graph:
    """One step of training: loss, result, parameters, statistics, momenta."""
    step = verify(Differentiate(training=training).run(graph))
    values = random_values(step, np.random.default_rng(seed))
    found = evaluate(step, values)
    expected = TorchModel(graph, values).step(training)
    for name, value in found.items():
        assert_close(expected[name], value, what=f"model {seed}, {name}")
    assert set(found) == set(expected)
    return step


def check_model(seed: int) -> Counter[str]:
    """Both, and which ops occurred."""
    graph, random = typed_model(seed)
    check_values(graph, seed)
    ops = {node.op for node in graph.nodes}
    if trainable(graph):
        ops |= {node.op for node in check_step(graph, training_of(graph, random), seed).nodes}
    return Counter(ops)


def test_models_agree_with_torch() -> None:
    """Values and a training step of the first models; each op occurs in at least 2 of them."""
    counts = sum((check_model(seed) for seed in range(FEW)), Counter[str]())

    assert {op: counts[op] for op in COUNTED if counts[op] < 2} == {}


@pytest.mark.long
def test_many_models_agree_with_torch() -> None:
    """The same for all models; each op occurs in at least 20 of them."""
    counts = sum((check_model(seed) for seed in range(MANY)), Counter[str]())

    assert {op: counts[op] for op in COUNTED if counts[op] < 20} == {}
