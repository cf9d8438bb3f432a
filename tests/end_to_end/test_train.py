"""`ppc train` from outside: three processes, files in and files out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ppc.weights.stored import stored
from tests.end_to_end.machines import TINY, ppc, rows

CLASSES = 3


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    (folder / "tiny.pnn").write_text(TINY, "utf-8")
    (folder / "kept.pnn").write_text(TINY.replace("model  to   lab", "model kept shared"), "utf-8")
    data = rows(6)
    np.savez(folder / "rows.npz", row=data, labels=np.argmax(data[:, :CLASSES], axis=1))
    return folder


def test_a_model_is_trained_and_used(home: Path) -> None:
    done = ppc("train", "tiny.pnn", "--data", "rows.npz", "--seed", 1, "-o", "t.safetensors", "--json", cwd=home)
    used = ppc("run", "tiny.pnn", "--weights", "t.safetensors", "--input", "rows.npz", "--json", cwd=home)
    facts = json.loads(done.stdout)

    assert facts["predicted"] == facts["measured"]
    assert facts["written"] == ["t.safetensors"]
    assert np.shape(json.loads(used.stdout)["result"]) == (6, CLASSES)


def test_a_model_with_public_layers_is_whole_when_it_is_released(home: Path) -> None:
    """What everybody has is in the file too, as it was; and the file is its owner's alone."""
    (home / "public.pnn").write_text(
        TINY.replace("    result ", "    dense1  public in -1..1\n    result ", 1), "utf-8"
    )
    done = ppc("train", "public.pnn", "--data", "rows.npz", "--seed", 1, "-o", "p.safetensors", "-q", cwd=home)
    used = ppc("run", "public.pnn", "--weights", "p.safetensors", "--input", "rows.npz", "-o", "a.npz", "-q", cwd=home)
    ppc("weights", "init", "public.pnn", "--seed", 1, "-o", "first.safetensors", cwd=home)

    assert (done.returncode, used.returncode) == (0, 0), done.stderr + used.stderr
    with stored(home / "p.safetensors") as trained, stored(home / "first.safetensors") as first:
        before, after = ({array.name: array.read() for array in arrays} for arrays in (first, trained))
    assert before.keys() == after.keys()
    assert np.array_equal(before["dense1.weight"], after["dense1.weight"])
    assert not np.array_equal(before["dense2.weight"], after["dense2.weight"])
    for name in ("p.safetensors", "a.npz"):
        assert (home / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("wrong", [np.nan, 1.5])
def test_a_wrong_number_is_found_before_the_first_step(home: Path, wrong: float) -> None:
    """By the row of the file, whatever the order is in which the examples come."""
    data = rows(6)
    data[4, 1] = wrong
    np.savez(home / "wrong.npz", row=data, labels=np.arange(6) % CLASSES)
    done = ppc("train", "tiny.pnn", "--data", "wrong.npz", "--seed", 1, "--checkpoint", "unbegun", cwd=home)

    assert "PPC520" in done.stderr
    assert "1 of 6 rows; the first is row 4" in " ".join(done.stderr.split())
    assert not [path for path in (home / "unbegun").rglob("*") if path.is_file()]


def test_a_model_that_nobody_is_given_is_used_all_the_same(home: Path) -> None:
    train = ("train", "kept.pnn", "--data", "rows.npz", "--seed", 1, "-q")
    assert ppc(*train, "-o", "k.shares", cwd=home).returncode == 0
    used = ppc("run", "kept.pnn", "--shares", "k.shares", "--input", "rows.npz", "--json", cwd=home)
    assert np.shape(json.loads(used.stdout)["result"]) == (6, CLASSES)

    assert ppc(*train, "-o", "other.shares", cwd=home).returncode == 0
    (home / "other.client.shares").replace(home / "k.client.shares")
    mixed = ppc("run", "kept.pnn", "--shares", "k.shares", "--input", "rows.npz", cwd=home)
    assert "PPC577" in mixed.stderr


def test_a_training_goes_on_as_what_it_began(home: Path) -> None:
    """With the folder, the program and the examples of its beginning, or not at all."""
    (home / "slow.pnn").write_text(TINY.replace("rate=0.1", "rate=0.05"), "utf-8")
    data = rows(6)
    np.savez(home / "others.npz", row=data[::-1], labels=np.argmax(data[:, :CLASSES], axis=1))
    kept = ("--seed", 1, "-q", "--checkpoint", "kept")
    assert ppc("train", "tiny.pnn", "--data", "rows.npz", *kept, cwd=home).returncode == 0

    again = ppc("train", "tiny.pnn", "--data", "rows.npz", *kept, cwd=home)
    another = ppc("train", "slow.pnn", "--data", "rows.npz", *kept, "--resume", cwd=home)
    others = ppc("train", "tiny.pnn", "--data", "others.npz", *kept, "--resume", cwd=home)

    assert "PPC574" in again.stderr
    assert "PPC572" in another.stderr
    assert "PPC575" in others.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["tiny.pnn"], "PPC508"),
        (["tiny.pnn", "--data", "nothing.npz", "--seed", 1], "PPC501"),
        (["tiny.pnn", "--data", "rows.npz", "-o", "t.txt"], "PPC509"),
        (["tiny.pnn", "--data", "rows.npz", "-o", "t.shares"], "PPC509"),
        (["kept.pnn", "--data", "rows.npz", "-o", "t.safetensors"], "PPC509"),
        (["tiny.pnn", "--data", "rows.npz", "--resume"], "PPC571"),
        (["tiny.pnn", "--data", "rows.npz", "--model", "large"], "PPC123"),
        (["nothing.pnn", "--data", "rows.npz"], "PPC501"),
    ],
)
def test_what_it_is_not_given(home: Path, command: list[object], code: str) -> None:
    done = ppc("train", *command, cwd=home)

    assert code in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 3)


def test_it_is_measured_behind_its_epochs(home: Path) -> None:
    """Of examples that are not trained on, as many answers are right as the released model gives in the clear."""
    (home / "measured.pnn").write_text(TINY.replace("    loss", "    evaluate accuracy to hospital\n    loss"), "utf-8")
    rows_, labels = rows(9), np.arange(9) % CLASSES
    np.savez(home / "held.npz", row=rows_, labels=labels)
    train = ("train", "measured.pnn", "--data", "rows.npz", "--seed", 1, "-o", "m.safetensors", "--json")
    done = ppc(*train, "--test", "held.npz", cwd=home)
    facts = json.loads(done.stdout)
    run = ("run", "measured.pnn", "--mode", "clear", "--weights", "m.safetensors", "--input", "held.npz", "--json")
    answers = np.argmax(json.loads(ppc(*run, cwd=home).stdout)["result"], axis=1)

    assert facts["predicted"] == facts["measured"]
    assert len(facts["accuracy"]) == 2  # epochs
    assert facts["accuracy"][-1] == pytest.approx((answers == labels).mean())
    assert any("accuracy" in line for line in facts["learned"]["hospital"])
    assert not any("accuracy" in line for line in facts["learned"]["lab"])
    assert "PPC508" in ppc(*train, cwd=home).stderr + ppc(*train, cwd=home).stdout


def test_at_the_end_of_its_certificate_it_stops_with_a_checkpoint(home: Path) -> None:
    """A rate that drives the weights out of their bounds: no garbage, and the model as it was may still be had."""
    (home / "wild.pnn").write_text(TINY.replace("rate=0.1", "rate=20").replace("epochs=2", "epochs=50"), "utf-8")
    train = ("train", "wild.pnn", "--data", "rows.npz", "--seed", 1, "-o", "w.safetensors", "--checkpoint", "wild")
    done = ppc(*train, cwd=home)

    assert done.returncode == 5
    assert "PPC656" in done.stderr
    assert "`--resume --release`: some of its weights are outside of their bounds" in " ".join(done.stderr.split())
    assert not (home / "w.safetensors").exists()
    again = ppc(*train, "--resume", cwd=home)
    assert "PPC656" in again.stderr

    assert ppc(*train, "--resume", "--release", "-q", cwd=home).returncode == 0
    with stored(home / "w.safetensors") as arrays:
        largest = max(float(np.abs(array.read()).max()) for array in arrays)
    assert 1.0 < largest < 1000.0  # one step beyond the bounds, and a number that was trained
    assert "PPC579" in ppc(*train, "--resume", cwd=home).stderr  # a release ends a training
    assert ppc(*train, "--resume", "--release", "-q", cwd=home).returncode == 0


def test_without_a_folder_it_leaves_a_checkpoint_all_the_same(home: Path) -> None:
    (home / "wild.pnn").write_text(TINY.replace("rate=0.1", "rate=20").replace("epochs=2", "epochs=50"), "utf-8")
    train = ("train", "wild.pnn", "--data", "rows.npz", "--seed", 1, "-o", "x.safetensors")
    done = ppc(*train, cwd=home)

    assert "PPC656" in done.stderr
    assert "is kept on shares in `x.checkpoint`" in " ".join(done.stderr.split())
    assert ppc(*train, "-q", "--checkpoint", "x.checkpoint", "--resume", "--release", cwd=home).returncode == 0
    assert (home / "x.safetensors").exists()


def test_one_partys_file_of_shares_is_not_the_model(home: Path) -> None:
    done = ppc("run", "kept.pnn", "--shares", "some.client.shares", "--input", "rows.npz", cwd=home)

    assert "PPC578" in done.stderr
    assert "--shares some.shares" in done.stderr
