"""What compiling writes: the same bytes every time, one schedule for all roles, no weight and no datum."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]

from ppc import bundle, bundling, protocol
from ppc.bundle.canonical import parsed, written
from ppc.compiled import Compiled
from ppc.compiler import compile_program
from ppc.errors import PpcError
from ppc.field import MERSENNE61, encode
from ppc.ir.policy import Policy
from ppc.runtime.keys import artifact_hash
from ppc.weights import expected, fold, graph_of, initial, load, save
from tests.bundle.made import SIZES, SMALL, build, program, verify
from tests.sources import CHECKOUT

Files = dict[str, bytes]


def files(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def compiled_elsewhere(folder: Path, seed: str) -> Files:
    """Compiled in another process, from another folder, with another order of sets."""
    folder.mkdir()
    (folder / "small.pnn").write_text(SMALL, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "ppc",
        "compile",
        "small.pnn",
        "--model",
        "small",
        "--batch",
        "1,4",
        "-o",
        "build/",
    ]
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(CHECKOUT)}
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, timeout=60)
    return files(folder / "build")


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    one, other = (compiled_elsewhere(tmp_path / name, seed) for name, seed in (("one", "1"), ("other", "77")))

    assert one == other
    assert sorted({name.split("/")[1] for name in one}) == ["client", "dealer", "server"]


def test_compiling_again_replaces_what_was_there(tmp_path: Path) -> None:
    before = files(build(tmp_path))
    (tmp_path / "small" / "client" / "left.over").write_bytes(b"")
    (tmp_path / "small" / "notes.txt").write_text("mine")

    assert files(build(tmp_path)) == {**before, "notes.txt": b"mine"}
    assert sorted(path.name for path in (tmp_path / "small").iterdir()) == ["client", "dealer", "notes.txt", "server"]


def test_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "small" / "client").mkdir(parents=True)
    (tmp_path / "small" / "client" / "thesis.tex").write_text("the only copy")
    with pytest.raises(PpcError, match="PPC509"):
        build(tmp_path)

    assert files(tmp_path) == {"small/client/thesis.tex": b"the only copy"}


@pytest.mark.parametrize("train", [False, True])
def test_roles_share_one_schedule(tmp_path: Path, train: bool) -> None:
    found = verify(build(tmp_path, "other", train=train))

    assert [(one.role, one.party) for one in found] == [
        ("client", "hospital"),
        ("server", "lab"),
        ("dealer", "dealer"),
    ]
    assert len({one.hash for one in found}) == 1
    assert [one.training for one in found] == [train] * 3
    assert found[0].manifest.epochs == (3 if train else 0)
    assert found[0].batches == ((4,) if train else SIZES)


def test_another_level_or_block_is_another_schedule(tmp_path: Path) -> None:
    made = {
        bundle.verify(bundle.write(one, tmp_path / str(number)), lambda plan: plan)[0].hash
        for number, one in enumerate([program(), program(level=0), program("small", "turned"), program("other")])
    }

    assert len(made) == 4


def test_all_batch_sizes_are_in_one_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler chooses a field where the program names none: for the largest size, and then for all."""

    def chosen(compiled: Compiled, _policy: Policy) -> tuple[str, str]:
        return protocol.WIDE if compiled.batch == 8 else protocol.NARROW, "chosen by its batch"

    monkeypatch.setattr(protocol, "_chosen_field", chosen)
    made = bundling.program(bundling.at_batches(SMALL, model="small", as_="small", batches=SIZES))

    assert [plan.field for plan in made.plans] == ["mersenne127"] * 3


def test_names_of_folders() -> None:
    assert program().name == "small"
    assert program("small", "turned").name == "small.turned"
    assert program("other", train=True).name == "other.train"


def test_the_hash_can_be_worked_out_without_ppc(tmp_path: Path) -> None:
    """README.md of the bundle says how."""
    home = build(tmp_path)
    found = json.loads((home / "client" / "manifest.json").read_text("utf-8"))
    text = json.dumps(found["schedule"], sort_keys=True, indent=2, ensure_ascii=False) + "\n"

    assert hashlib.sha256(text.encode()).hexdigest() == found["schedule_hash"] == verify(home)[0].hash
    for name, listed in found["files"].items():
        data = (home / "client" / name).read_bytes()
        assert listed == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_a_plans_hash_is_the_one_that_keys_are_bound_to(tmp_path: Path) -> None:
    """The dealer's randomness is drawn for a plan's hash; the manifest has the same one."""
    client = verify(build(tmp_path))[0]

    assert [one.sha256 for one in client.manifest.batches] == [artifact_hash(client.plan(size)) for size in SIZES]


def test_what_is_written_reads_back() -> None:
    value: dict[str, object] = {"b": [1, -2, {"é": None}], "a": True, "c": {}, "d": []}

    assert parsed(written(value), "x") == value
    assert list(parsed(written(value), "x")) == ["a", "b", "c", "d"]


# ---- no weight and no datum ----


def test_only_the_owner_is_told_of_weights(tmp_path: Path) -> None:
    client, server, dealer = verify(build(tmp_path))

    assert client.weights is dealer.weights is None
    assert server.weights is not None
    assert [one.name for one in server.weights.arrays] == ["conv1.weight", "conv1.bias", "dense1.weight", "dense1.bias"]


def test_public_weights_are_brought_by_all(tmp_path: Path) -> None:
    """The dealer too: a public map of a masked value maps its mask."""
    text = SMALL.replace("    joint\n", "    dense1 public in -1..1\n    joint\n", 1)
    made = bundling.at_batches(text, model="small", as_="small", batches=SIZES)
    client, server, dealer = verify(bundle.write(bundling.program(made), tmp_path))
    assert client.weights is not None
    assert server.weights is not None

    assert [one.name for one in client.weights.arrays] == ["dense1.weight", "dense1.bias"]
    assert dealer.weights == client.weights
    assert {one.name for one in server.weights.arrays} > {one.name for one in client.weights.arrays}


def test_the_owner_can_fold_with_what_the_bundle_has(tmp_path: Path) -> None:
    """Weights of the program as it is written, batch norms included, become those that the plan takes."""
    typed = compile_program(SMALL, model="small", as_="small").steps[1].graph
    weights = initial(typed, 3)
    save(tmp_path / "w.safetensors", weights)
    needed = verify(build(tmp_path))[1].weights
    assert needed is not None
    assert needed.folded is not None

    assert graph_of(tmp_path / "w.safetensors", needed.written, needed.folded) is needed.written
    folded = fold(needed.written, load(tmp_path / "w.safetensors", needed.written).weights)
    there = fold(typed, weights)
    assert {one.name: one.shape for one in needed.arrays} == {name: array.shape for name, array in folded.items()}
    for name, array in folded.items():
        assert np.allclose(array, there[name], rtol=1e-6), name
    assert {one.name for one in expected(needed.folded)} == set(folded)


def canaries(value: float) -> list[bytes]:
    """How a number could stand in a file: as text, as a float, as an element of the field."""
    texts = [f"{value!r}".encode(), f"{value:.6f}".encode(), f"{value:.3f}".encode()]
    floats = [np.array(value, kind).tobytes() for kind in ("<f8", "<f4", ">f8", ">f4")]
    elements = [encode(np.array(value), MERSENNE61, fraction=bits) for bits in (16, 18, 32, 34)]
    return [
        *texts,
        *floats,
        *(found.tobytes() for found in elements),
        *(str(int(found)).encode() for found in elements),
    ]


def test_no_weight_and_no_datum_is_in_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights and data with values that nothing else has lie beside the program while it is compiled."""
    typed = compile_program(SMALL, model="small", as_="small").steps[1].graph
    weight, datum = 1.2345678912345, 0.7654321987654
    held = {name: np.full_like(array, weight) for name, array in initial(typed, 1).items()}
    save_file({name: np.asarray(array) for name, array in held.items()}, tmp_path / "small.safetensors")
    np.savez(tmp_path / "small.npz", image=np.full((4, 1, 6, 6), datum))
    monkeypatch.chdir(tmp_path)
    everything = b"".join(files(build(Path("build"))).values())

    found = [canary for value in (weight, datum) for canary in canaries(value) if canary in everything]
    assert found == []
    assert str(tmp_path).encode() not in everything
