"""Seeded weights: PyTorch's ranges, the same every time, one array independent of the others."""

from __future__ import annotations

import numpy as np
import pytest

from ppc.ir.types import Interval
from ppc.weights import Law, initial
from tests.nets import Net

LAWS: tuple[Law, ...] = ("torch", "he")


def test_the_ranges_are_those_of_torch() -> None:
    weights = initial(Net((4, 8, 8)).conv(64, groups=2).norm().dense(50).typed(), 7)

    assert {name: values.dtype for name, values in weights.items()} == dict.fromkeys(weights, np.dtype("float32"))
    assert 0.95 * 18**-0.5 < np.abs(weights["conv1.weight"]).max() <= 18**-0.5
    assert 0.9 * 18**-0.5 < np.abs(weights["conv1.bias"]).max() <= 18**-0.5
    assert 0.99 * 2304**-0.5 < np.abs(weights["dense1.weight"]).max() <= 2304**-0.5
    assert [float(weights[f"batch_norm1.{role}"][0]) for role in ("scale", "shift", "mean", "variance")] == [1, 0, 0, 1]


def test_he_keeps_the_mean_square_of_a_signal() -> None:
    """Through ten layers with a ReLU behind each, where PyTorch's law leaves 6^-10 of it."""
    net = Net((64,))
    for _ in range(10):
        net = net.dense(64)
    graph = net.typed()
    kept: dict[Law, float] = {}
    for law in LAWS:
        values = np.random.default_rng(1).normal(size=(200, 64))
        weights = initial(graph, 7, law)
        for layer in range(1, 11):
            values = np.maximum(values @ weights[f"dense{layer}.weight"].T + weights[f"dense{layer}.bias"], 0)
        kept[law] = float((values**2).mean())

    assert 0.2 < kept["he"] < 5
    assert kept["torch"] < 0.02
    assert not initial(graph, 7, "he")["dense1.bias"].any()


def test_a_new_layer_leaves_the_others_as_they_were() -> None:
    short = initial(Net((1, 8, 8)).conv(4, name="first").typed(), 7)
    long = initial(Net((1, 8, 8)).conv(4, name="first").conv(4).norm().dense(3).typed(), 7)

    assert all(np.array_equal(short[name], long[name]) for name in short)


def test_the_numbers_are_pinned() -> None:
    """A change here would change every seeded model of every user."""
    weights = initial(Net((1, 3, 3)).conv(1).typed(), 7)

    np.testing.assert_allclose(weights["conv1.bias"], [-0.083291531], rtol=1e-6)


def test_seeds_and_names_draw_different_numbers() -> None:
    graph = Net((1, 8, 8)).conv(4).typed()

    assert not np.array_equal(initial(graph, 1)["conv1.weight"], initial(graph, 2)["conv1.weight"])


def test_bounds_that_are_narrower_than_the_law_leave_room_for_a_step() -> None:
    """A weight that begins at its bound, the first step of a training on shares drives out of it."""
    graph = Net((1, 8, 8)).conv(64).typed(weights=Interval(-0.1, 0.2))  # torch's law: within a third
    weights = initial(graph, 1)

    assert all(0.07 < float(np.abs(values).max()) <= 0.075 for values in weights.values())


@pytest.mark.parametrize("bound", [0.1, 0.3, 1e300])
def test_declared_bounds_hold_in_float32(bound: float) -> None:
    weights = initial(Net((1, 8, 8)).norm().conv(64).typed(weights=Interval(-bound, bound)), 1)

    assert all(float(np.abs(values).max()) <= bound for values in weights.values())
