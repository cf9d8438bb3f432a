"""Files that are damaged, or made to harm: a coded error, no code run, no memory taken."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib import format as npy

from ppc.errors import PpcError
from ppc.ir.graph import Graph
from ppc.weights import initial, load, save
from tests.nets import Net

HARM = "harm-was-done"


class Harmful:
    """Runs code when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder / HARM),)


@pytest.fixture
def graph() -> Graph:
    return Net((1, 8, 8)).conv(4).dense(3).typed()


def code_of(path: Path, graph: Graph) -> str:
    with pytest.raises(PpcError) as caught:
        load(path, graph)
    return caught.value.diagnostics[0].code


def torch_bytes(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)  # pyright: ignore[reportUnknownMemberType]
    return buffer.getvalue()


@pytest.mark.parametrize("ending", [".pt", ".pth"])
@pytest.mark.parametrize("writer", [torch_bytes, pickle.dumps])
def test_a_pickle_that_would_run_code_does_not(graph: Graph, tmp_path: Path, ending: str, writer: object) -> None:
    assert callable(writer)
    path = tmp_path / f"w{ending}"
    path.write_bytes(bytes(writer({"conv1.weight": Harmful(tmp_path)})))  # pyright: ignore[reportArgumentType]

    assert code_of(path, graph) == "PPC502"
    assert not (tmp_path / HARM).exists()


def test_a_pickled_module_is_refused(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(torch_bytes(torch.nn.Linear(2, 2)))

    assert code_of(tmp_path / "w.pt", graph) == "PPC502"


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, {1: torch.ones(1)}, torch.ones(2), "text"])
def test_what_is_no_state_dict_is_refused(graph: Graph, tmp_path: Path, value: object) -> None:
    (tmp_path / "w.pt").write_bytes(torch_bytes(value))

    assert code_of(tmp_path / "w.pt", graph) == "PPC502"


def test_objects_in_an_npz_do_not_run(graph: Graph, tmp_path: Path) -> None:
    harmful = np.empty(1, object)
    harmful[0] = Harmful(tmp_path)
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive, archive.open("conv1.weight.npy", "w") as member:
        npy.write_array(member, harmful, allow_pickle=True)

    assert code_of(tmp_path / "w.npz", graph) == "PPC502"
    assert not (tmp_path / HARM).exists()


@pytest.mark.parametrize("length", [2**63 - 1, 2**64 - 1, 10**9, 200_000_000])
def test_a_huge_header_is_refused(graph: Graph, tmp_path: Path, length: int) -> None:
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", length) + b"{}")

    assert code_of(tmp_path / "w.safetensors", graph) == "PPC502"


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 400]}},
        {"a": {"dtype": "F32", "shape": [2**62, 8], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]}},
        {"a": {"dtype": "X", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {}},
        [],
    ],
)
def test_a_header_that_lies_is_refused(graph: Graph, tmp_path: Path, header: object) -> None:
    text = json.dumps(header).encode()
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 8)

    assert code_of(tmp_path / "w.safetensors", graph) == "PPC502"


def test_an_array_that_claims_to_be_huge_is_not_read(graph: Graph, tmp_path: Path) -> None:
    """Its shape does not match, so its numbers are never asked for."""
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive, archive.open("conv1.weight.npy", "w") as member:
        npy.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (2**40,)})

    with pytest.raises(PpcError, match="PPC504"):
        load(tmp_path / "w.npz", graph)


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz", "w.pt"])
def test_a_file_cut_anywhere_is_refused(graph: Graph, tmp_path: Path, name: str) -> None:
    weights = initial(graph, 1)
    path = tmp_path / name
    if name == "w.pt":
        path.write_bytes(torch_bytes({key: torch.as_tensor(values) for key, values in weights.items()}))
    else:
        save(path, weights)
    whole = path.read_bytes()

    for end in (0, 1, 7, 8, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert code_of(path, graph) == "PPC502", end


def test_a_changed_byte_in_an_npz_is_noticed(graph: Graph, tmp_path: Path) -> None:
    weights = initial(graph, 1)
    save(tmp_path / "w.npz", weights)
    data = bytearray((tmp_path / "w.npz").read_bytes())
    data[data.index(weights["dense1.weight"].tobytes()) + 100] ^= 1
    (tmp_path / "w.npz").write_bytes(data)

    assert code_of(tmp_path / "w.npz", graph) == "PPC502"


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz", "w.pt"])
def test_noise_is_refused(graph: Graph, tmp_path: Path, name: str) -> None:
    generator = np.random.default_rng(4)
    for size in (3, 60, 3000):
        (tmp_path / name).write_bytes(generator.bytes(size))
        assert code_of(tmp_path / name, graph) == "PPC502"


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz", "w.pt"])
def test_a_missing_file_and_a_folder_are_not_readable(graph: Graph, tmp_path: Path, name: str) -> None:
    assert code_of(tmp_path / name, graph) == "PPC501"
    (tmp_path / name).mkdir()
    assert code_of(tmp_path / name, graph) == "PPC501"


def test_another_ending_is_refused(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "w.pickle").write_bytes(b"")

    assert code_of(tmp_path / "w.pickle", graph) == "PPC502"


def test_an_archive_with_other_things_in_it_is_refused(graph: Graph, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("../evil.txt", "text")

    assert code_of(tmp_path / "w.npz", graph) == "PPC502"
