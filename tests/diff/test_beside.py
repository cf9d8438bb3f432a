"""Fixed point beside float: within the compiler's bound, and the first layer that is not is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from ppc.compiler import compile_program
from ppc.diff.beside import compared, lowered_graph, results
from ppc.diff.drawn import Coins, inputs
from ppc.difference import first_beyond
from ppc.plan.steps import Plan, Step
from ppc.protocol import Lowered, lowered
from ppc.runtime.twin import Twin
from ppc.weights import initial

PROGRAM = """party hospital, lab

model small(image: real[1, 6, 6] in 0..1) -> real[3] {
    conv2d(2, kernel=3, padding=same)
    avg_pool(2)
    LAYER
    dense(3)
}

private small {
    image   from hospital
    weights from lab in -1..1
    result  to   hospital
    joint { field = FIELD, fraction = 16 }
}

train small {
    labels from hospital
    logits to   hospital
    model  to   lab
    loss = softmax_cross_entropy
    sgd(rate=0.1, batch=2, epochs=1)
}
"""


def small(*, layer: str = "relu", field: str = "mersenne61", train: bool = False, level: int = 2) -> Lowered:
    text = PROGRAM.replace("LAYER", layer).replace("FIELD", field)
    return lowered(compile_program(text, train=train, batch=2), level=level)


def numbers(one: Lowered, seed: int = 0) -> dict[str, Any]:
    graph = one.compiled.graph
    return {**inputs(graph, {}, seed), **initial(graph, seed)}


@pytest.mark.parametrize("layer", ["relu", "relu(poly=3)", "tanh", "sigmoid"])
@pytest.mark.parametrize("field", ["mersenne61", "mersenne127"])
def test_inference_keeps_the_bound(layer: str, field: str) -> None:
    one = small(layer=layer, field=field)
    found = compared(one, numbers(one))

    assert first_beyond(found.differences) is None
    assert "dense1" in {difference.name for difference in found.differences}


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_training_step_keeps_the_bound(level: int) -> None:
    one = small(train=True, level=level)
    found = compared(one, numbers(one))
    names = {difference.name for difference in found.differences}

    assert first_beyond(found.differences) is None
    assert {"conv1.weight.updated", "dense1.bias.updated", "loss.gradient", "relu1.backward"} <= names


def test_a_tolerance_in_place_of_the_bound() -> None:
    one = small()
    found = first_beyond(compared(one, numbers(one), tolerance=0.0).differences)

    assert found is not None
    assert found.name == "conv1"


def test_the_first_layer_that_parts_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in one layer shows in all behind it; the layer itself is the first."""
    run = Twin.run

    def mistaken(twin: Twin, section: str, iteration: int, values: Mapping[str, Any]) -> dict[str, Any]:
        found = run(twin, section, iteration, values)
        for name, value in found.items():
            if name.startswith(("relu1.2", "dense1")) and hasattr(value, "integers"):
                value.integers.ravel()[0] += 1 << 20
        return found

    monkeypatch.setattr(Twin, "run", mistaken)
    one = small()
    found = compared(one, numbers(one))
    first = first_beyond(found.differences)

    assert first is not None
    assert (first.name, found.lines[first.name]) == ("relu1", 6)


def test_every_layer_has_its_step() -> None:
    one = small(train=True)
    graph = lowered_graph(one)
    found: dict[str, Step] = dict(results(one.plan, graph))

    assert found["conv1"].op == "add_channel"
    assert found["relu1"].op == "select"
    assert all(step.wire.shape == graph[name].shape for name, step in found.items())


def test_a_value_behind_the_mask_of_its_operand() -> None:
    """At the first level a pool's division is done on the masked sums; the sums alone are not the layer's value."""
    one = small(layer="avg_pool(3)", level=1)

    assert first_beyond(compared(one, numbers(one)).differences) is None


@pytest.mark.parametrize("examples", [1, 2, 5])
@pytest.mark.parametrize("level", [0, 2])
def test_a_data_set_that_is_masked_once_is_given_whole(examples: int, level: int) -> None:
    """Also where a batch takes an example twice."""
    text = PROGRAM.replace("LAYER", "relu").replace("FIELD", "mersenne61")
    text = text.replace("logits to", f"reuse inputs of {examples}\n    logits to")
    one = lowered(compile_program(text, train=True, batch=2), level=level)
    found = compared(one, numbers(one))

    assert first_beyond(found.differences) is None
    assert "conv1.weight.updated" in {difference.name for difference in found.differences}


# ---- what is drawn ----


def test_data_is_drawn_within_bounds_and_the_same_again() -> None:
    graph = small(train=True).compiled.graph
    first, again, other = (inputs(graph, {}, seed) for seed in (0, 0, 1))

    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["image"], other["image"])
    assert 0 <= first["image"].min() <= first["image"].max() <= 1
    assert (first["labels"].sum(axis=1) == 1).all()


def test_what_is_given_is_not_drawn() -> None:
    graph = small().compiled.graph
    given = {"image": np.ones((2, 1, 6, 6))}

    assert inputs(graph, given, 0)["image"] is given["image"]


def test_a_momentum_starts_at_zero() -> None:
    text = PROGRAM.replace("LAYER", "relu").replace("FIELD", "mersenne61").replace("rate=0.1", "rate=0.1, momentum=0.9")
    one = lowered(compile_program(text, train=True, batch=2))

    assert first_beyond(compared(one, numbers(one)).differences) is None
    assert not numbers(one)["dense1.weight.momentum"].any()


def test_every_step_with_a_coin_has_one() -> None:
    plan: Plan = small(train=True).plan
    coins = Coins(plan, [("setup", 0), ("each", 0)])
    steps = [step for step in plan.section("each").steps if step.op == "mask" or step.word("noise")]

    assert {name for _, _, name in coins.masks} >= {step.name for step in steps}
    assert all(coins.masks["each", 0, step.name].shape == step.wire.shape for step in steps)
