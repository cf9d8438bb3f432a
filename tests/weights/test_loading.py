"""Reading weights: every format, torch's names, and every mismatch at once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

from ppc.errors import PpcError, render
from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.weights import Weights, initial, load, save
from tests.nets import Net


@pytest.fixture
def graph() -> Graph:
    return Net((1, 8, 8)).conv(4).norm().layer("relu").conv(4).dense(3).typed(weights=Interval(-4.0, 4.0))


@pytest.fixture
def module() -> torch.nn.Sequential:
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 4, 3),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 3),
    )
    return torch.nn.Sequential(*layers)


def same(left: Weights, right: Weights) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


def refused(path: Path, graph: Graph) -> PpcError:
    with pytest.raises(PpcError) as caught:
        load(path, graph)
    return caught.value


def torch_save(value: object, path: Path) -> None:
    torch.save(value, path)  # pyright: ignore[reportUnknownMemberType]


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz", "w.SAFETENSORS"])
def test_what_was_saved_is_loaded(graph: Graph, tmp_path: Path, name: str) -> None:
    weights = initial(graph, 1)
    save(tmp_path / name, weights)
    loaded = load(tmp_path / name, graph)

    assert same(loaded.weights, weights)
    assert loaded.notes == ()


def test_a_state_dict_is_taken_in_order(graph: Graph, module: torch.nn.Sequential, tmp_path: Path) -> None:
    torch_save(module.state_dict(), tmp_path / "w.pt")
    loaded = load(tmp_path / "w.pt", graph)

    assert "0 → conv1, 1 → batch_norm1, 3 → conv2, 5 → dense1" in loaded.notes[0]
    np.testing.assert_array_equal(loaded.weights["batch_norm1.variance"], np.ones(4))
    np.testing.assert_array_equal(loaded.weights["dense1.weight"], module.state_dict()["5.weight"].numpy())


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict"])
def test_a_checkpoint_is_opened(graph: Graph, module: torch.nn.Sequential, tmp_path: Path, key: str) -> None:
    torch_save({"epoch": 3, key: module.state_dict()}, tmp_path / "w.pth")

    assert load(tmp_path / "w.pth", graph).weights["conv1.weight"].shape == (4, 1, 3, 3)


def test_names_of_the_model_with_roles_of_torch(graph: Graph, tmp_path: Path) -> None:
    weights = initial(graph, 1)
    state = {name: torch.as_tensor(values) for name, values in weights.items()}
    for ours, theirs in (("scale", "weight"), ("shift", "bias"), ("mean", "running_mean"), ("variance", "running_var")):
        state[f"batch_norm1.{theirs}"] = state.pop(f"batch_norm1.{ours}")
    state["batch_norm1.num_batches_tracked"] = torch.tensor(5)
    save_file(state, tmp_path / "w.safetensors")
    loaded = load(tmp_path / "w.safetensors", graph)

    assert same(loaded.weights, weights)
    assert loaded.notes == ()


def test_sorted_names_are_read_by_their_numbers(tmp_path: Path) -> None:
    """A safetensors file sorts its names: 10 stands before 2."""
    module = torch.nn.Sequential(*(torch.nn.Linear(4, 4) if n % 2 == 0 else torch.nn.ReLU() for n in range(13)))
    net = Net((4,))
    for _ in range(7):
        net.dense(4).layer("relu")
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    loaded = load(tmp_path / "w.safetensors", net.typed())

    np.testing.assert_array_equal(loaded.weights["dense6.bias"], module.state_dict()["10.bias"].numpy())


def test_sorted_names_that_do_not_tell_the_order_are_refused(tmp_path: Path) -> None:
    """Two layers of one shape, `head` and `body`: the alphabet is no order of layers."""
    state = {f"{name}.weight": torch.ones(4, 4) for name in ("head", "body")}
    save_file(state, tmp_path / "w.safetensors")
    graph = Net((4,)).dense(4, bias=False).dense(4, bias=False).typed()

    assert "PPC503" in str(refused(tmp_path / "w.safetensors", graph))
    torch_save(state, tmp_path / "w.pt")
    assert "head → dense1, body → dense2" in load(tmp_path / "w.pt", graph).notes[0]


def test_a_known_name_does_not_move_to_another_layer(tmp_path: Path) -> None:
    graph = Net((4,)).dense(4, bias=False).dense(4, bias=False).typed()
    torch_save({"dense2.weight": torch.ones(4, 4), "other.weight": torch.ones(4, 4)}, tmp_path / "w.pt")

    assert "PPC503" in str(refused(tmp_path / "w.pt", graph))


def test_every_mismatch_is_listed_at_once(graph: Graph, tmp_path: Path) -> None:
    weights = initial(graph, 1)
    weights["conv1.wieght"] = weights.pop("conv1.weight")
    weights["conv1.bias"] = np.ones(5, np.float32)
    weights["conv2.weight"][0, 0, 0, :2] = (5.0, -9.0)
    weights["batch_norm1.variance"][1] = -0.5
    weights["dense1.bias"][0] = np.nan
    weights["dense1.weight"] = np.ones((3, 64), np.int32)  # pyright: ignore[reportArgumentType]
    save(tmp_path / "w.npz", weights)
    error = refused(tmp_path / "w.npz", graph)
    text = render(error)

    assert [d.code for d in error.diagnostics] == ["PPC503", "PPC504", "PPC506", "PPC506", "PPC505"]
    for expected in (
        "missing     conv1.weight  (nearest: conv1.wieght)",
        "unexpected  conv1.wieght  (nearest: conv1.weight)",
        "conv1.bias: the model needs [4], the file has [5]",
        "conv2.weight: 2 of 144 values outside -4..4, the worst -9",
        "batch_norm1.variance: 1 of 4 values outside 0..4, the worst -0.5",
        "dense1.bias: 1 of 3 values not finite",
        "dense1.weight is int32",
    ):
        assert expected in text


def test_a_negative_variance_is_refused_without_declared_bounds(tmp_path: Path) -> None:
    graph = Net((1, 4, 4)).norm().typed()
    save(tmp_path / "w.npz", {**initial(graph, 1), "batch_norm1.variance": np.full(1, -1.0)})

    assert "PPC505" in str(refused(tmp_path / "w.npz", graph))


def test_float32_rounding_of_a_bound_is_within(tmp_path: Path) -> None:
    graph = Net((2,)).dense(2, bias=False).typed(weights=Interval(-0.1, 0.1))
    save(tmp_path / "w.npz", {"dense1.weight": np.full((2, 2), 0.1, np.float32)})
    loaded = load(tmp_path / "w.npz", graph).weights["dense1.weight"]

    assert 0.0999999 < float(loaded.max()) <= 0.1


@pytest.mark.parametrize(("dtype", "kept"), [("float16", "float32"), ("float64", "float64"), (">f8", "float64")])
def test_elements_never_lose(tmp_path: Path, dtype: str, kept: str) -> None:
    graph = Net((2,)).dense(2, bias=False).typed()
    values = np.asarray([[0.1, 0.2], [0.3, 0.4]], dtype)
    np.savez(tmp_path / "w.npz", **{"dense1.weight": values})  # pyright: ignore[reportArgumentType]
    loaded = load(tmp_path / "w.npz", graph).weights["dense1.weight"]

    assert loaded.dtype == kept
    np.testing.assert_array_equal(loaded, values)


def test_a_transposed_array_is_loaded_as_it_was(tmp_path: Path) -> None:
    graph = Net((3,)).dense(2, bias=False).typed()
    values = np.arange(6.0).reshape(3, 2).T
    for name in ("w.npz", "w.safetensors"):
        save(tmp_path / name, {"dense1.weight": values})
        np.testing.assert_array_equal(load(tmp_path / name, graph).weights["dense1.weight"], values)


def test_bfloat16_is_refused_with_advice(tmp_path: Path) -> None:
    graph = Net((2,)).dense(2, bias=False).typed()
    state = {"dense1.weight": torch.ones(2, 2, dtype=torch.bfloat16)}
    save_file(state, tmp_path / "w.safetensors")
    torch_save(state, tmp_path / "w.pt")

    for name in ("w.safetensors", "w.pt"):
        assert "tensor.float()" in render(refused(tmp_path / name, graph))


def test_without_torch_a_torch_file_names_the_extra(
    graph: Graph, module: torch.nn.Sequential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_save(module.state_dict(), tmp_path / "w.pt")
    monkeypatch.setitem(sys.modules, "torch", None)
    text = render(refused(tmp_path / "w.pt", graph))

    assert "PPC507" in text
    assert "pip install 'ppc[torch]'" in text
