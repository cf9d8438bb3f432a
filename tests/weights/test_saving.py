"""Writing weights: the same bytes, all or nothing; and what the commands say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ppc.errors import PpcError
from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.passes.prepare_inference import PrepareInference
from ppc.weights import as_json, initial, listing, load, save, table
from ppc.weights.commands import export, fold_file, init, list_weights
from tests.nets import Net


@pytest.fixture
def graph() -> Graph:
    return Net((1, 8, 8)).conv(4).norm().dense(3).typed(weights=Interval(-4.0, 4.0))


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz"])
def test_the_same_weights_are_the_same_bytes(graph: Graph, tmp_path: Path, name: str) -> None:
    weights = initial(graph, 1)
    save(tmp_path / f"one-{name}", weights)
    save(tmp_path / f"two-{name}", dict(reversed(weights.items())))

    assert (tmp_path / f"one-{name}").read_bytes() == (tmp_path / f"two-{name}").read_bytes()


def test_numpy_reads_an_npz(graph: Graph, tmp_path: Path) -> None:
    weights = initial(graph, 1)
    save(tmp_path / "w.npz", weights)
    with np.load(tmp_path / "w.npz", allow_pickle=False) as archive:
        assert all(np.array_equal(archive[name], weights[name]) for name in weights)


def test_a_write_that_fails_leaves_the_old_file(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.npz"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PpcError, match="No space left"):
        save(path, initial(graph, 1))

    assert [file.name for file in tmp_path.iterdir()] == ["w.npz"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["nowhere/w.npz", "w.pt", "w"])
def test_a_place_that_cannot_be_written_is_refused(graph: Graph, tmp_path: Path, name: str) -> None:
    with pytest.raises(PpcError, match="PPC509"):
        save(tmp_path / name, initial(graph, 1))


def test_the_table_is_for_people(graph: Graph) -> None:
    assert table(listing(graph)) == (
        "name                  shape    values  smallest  largest  declared\n"
        "conv1.weight          4×1×3×3      36                     -4..4\n"
        "conv1.bias            4             4                     -4..4\n"
        "batch_norm1.scale     4             4                     -4..4\n"
        "batch_norm1.shift     4             4                     -4..4\n"
        "batch_norm1.mean      4             4                     -4..4\n"
        "batch_norm1.variance  4             4                     0..4\n"
        "dense1.weight         3×144       432                     -4..4\n"
        "dense1.bias           3             3                     -4..4\n"
        "all                               491\n"
    )


def test_the_json_is_for_machines(graph: Graph) -> None:
    weights = initial(graph, 1)
    rows = json.loads(json.dumps(as_json(listing(graph, weights))))

    assert rows[2] == {
        "name": "batch_norm1.scale",
        "shape": [4],
        "count": 4,
        "low": 1.0,
        "high": 1.0,
        "bounds": [-4.0, 4.0],
    }


def test_commands_go_from_file_to_file(graph: Graph, tmp_path: Path) -> None:
    first, second, folded = (tmp_path / name for name in ("a.safetensors", "b.npz", "c.safetensors"))

    assert init(graph, first, seed=5) == (f"{first}: 8 arrays, 491 values",)
    assert export(graph, first, second) == (f"{second}: 8 arrays, 491 values",)
    assert fold_file(graph, second, folded) == (f"{folded}: 4 arrays, 475 values",)

    rows, notes = list_weights(PrepareInference().run(graph), folded)
    assert [row.name for row in rows] == ["conv1.weight", "conv1.bias", "dense1.weight", "dense1.bias"]
    assert notes == ()
    assert list_weights(graph)[0] == listing(graph)
    assert load(second, graph).weights.keys() == initial(graph, 5).keys()
