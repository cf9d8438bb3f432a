"""From data to trained weights by commands: the owner's, the device's, and what each refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ppc.cli import main
from ppc.distilled import secret
from ppc.distilling.attackers import Guessed
from ppc.ir.graph import Graph
from tests.distilled.made import KEY, OTHER, packed, target
from tests.distilling.commands import DEVICE, PROGRAM, QUICK, TRAIN, codes
from tests.sources import CHECKOUT
from tests.test_imports import EXTRAS, WITHOUT


def test_from_data_to_a_trained_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ppc run` uses what the device saved as any other weights."""
    assert main([*TRAIN, "--sheet", "small.svg", "--checkpoint", "kept"]) == 0
    table = capsys.readouterr().out
    assert main([*DEVICE, "--data", "test.npz", "-o", "weights.safetensors"]) == 0
    told = capsys.readouterr().out
    run = [
        "run",
        "small.pnn",
        "--mode",
        "clear",
        "--weights",
        "weights.safetensors",
        "--input",
        "test.npz",
        "-o",
        "result.npz",
    ]
    assert main(run) == 0

    with np.load("result.npz", allow_pickle=False) as result, np.load("test.npz", allow_pickle=False) as test:
        right = float((result["result"].argmax(1) == test["labels"]).mean())
    assert f"accuracy {right:.4f} on 60 examples" in told
    for words in ("other keys", "labels of the samples shuffled", "AES-256-GCM", "no differential privacy"):
        assert words in table
    assert (folder / "small.svg").read_text("utf-8").count("<image ") == 6
    assert main([*TRAIN, "--checkpoint", "kept", "--resume", "-q"]) == 0
    assert main([*TRAIN, "--checkpoint", "kept", "-q"]) == 3
    assert codes(capsys) == ["PPC574"]


def test_a_control_that_fails_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package under a short key that nobody opens: the table beside it would show nothing."""
    (folder / "small.pnn").write_text(QUICK, "utf-8")

    def missing(_package: bytes, _graph: Graph) -> Guessed:
        return Guessed(bits=16, guesses=1 << 16, seconds=1.0, samples=None)

    monkeypatch.setattr("ppc.distilling.attackers.cracked", missing)

    assert main(TRAIN) == 3
    assert codes(capsys) == ["PPC595"]
    assert not (folder / "small.secdd").exists()


def test_a_device_without_a_compiler(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Graph text is all it needs of the program."""
    assert main([*TRAIN, "-q"]) == 0
    assert main(["compile", "small.pnn", "--after", "source", "-o", "small.graph"]) == 0
    capsys.readouterr()
    words = ["party", "device", "small.secdd", "--program", "small.graph", "--key", "device.key", "--data", "test.npz"]

    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.9


def test_a_bare_package_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRAIN, "--bare"]) == 0
    assert "NOT ENCRYPTED" in capsys.readouterr().out
    assert main(DEVICE) == 0
    assert "readable by everybody" in capsys.readouterr().err


def test_a_bare_package_says_so_in_few_words_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "small.pnn").write_text(QUICK, encoding="utf-8")
    assert main([*TRAIN, "--bare", "-q"]) == 0
    assert "readable by everybody" in capsys.readouterr().err
    assert main([*TRAIN, "--bare", "--json"]) == 0
    told = capsys.readouterr()
    assert not json.loads(told.out)["encrypted"]
    assert "readable by everybody" in told.err
    assert main([*DEVICE, "--json"]) == 0
    told = capsys.readouterr()
    assert not json.loads(told.out)["encrypted"]
    assert "readable by everybody" in told.err


def test_what_a_device_would_refuse_is_not_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Step sizes that are learned may fall to 0 in single precision."""
    monkeypatch.setattr("ppc.distilling.learner.FIRST_RATE", 1e-60)
    (folder / "small.pnn").write_text(QUICK, encoding="utf-8")

    assert main(TRAIN) == 3
    assert codes(capsys) == ["PPC597"]
    assert not (folder / "small.secdd").exists()


def test_what_is_required_and_not_met_fails_the_build(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "small.pnn").write_text(
        PROGRAM.replace("epochs 40", "epochs 1").replace("90%\n", "99.9%\n    require other_init <= 1%\n"),
        encoding="utf-8",
    )

    assert main(TRAIN) == 3
    assert codes(capsys) == ["PPC595", "PPC595"]
    assert not (folder / "small.secdd").exists()


def test_a_pipe_is_no_package(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is waited for."""
    os.mkfifo(folder / "pipe.secdd")

    assert main(["party", "device", "pipe.secdd", "--program", "small.pnn"]) == 3
    assert codes(capsys) == ["PPC501"]


def test_a_seed_may_be_large(folder: Path) -> None:
    (folder / "small.pnn").write_text(QUICK, encoding="utf-8")

    assert main([*TRAIN, "--seed", str(10**20)]) == 0


def test_a_machine_is_told_in_one_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table and what is not met of it."""
    text = PROGRAM.replace("epochs 40", "epochs 1").replace("90%\n", "99.9%\n")
    (folder / "small.pnn").write_text(text, encoding="utf-8")

    assert main([*TRAIN, "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"]
    assert found["written"] is None
    assert [one["code"] for one in found["diagnostics"]] == ["PPC595"]
    assert any(row["measure"] == "accuracy" for row in found["rows"])


@pytest.mark.parametrize(
    "body", ["conv2d(3, kernel=4)\n    flatten", "flatten\n    batch_norm\n    dense(3, bias=false)"]
)
def test_a_model_of_one_layer_has_no_other_shape(folder: Path, capsys: pytest.CaptureFixture[str], body: str) -> None:
    text = PROGRAM.replace("dense(12)\n    tanh\n    dense(3)", body).replace("epochs 40", "epochs 1")
    (folder / "small.pnn").write_text(text.replace("    require accuracy >= 90%\n", ""), encoding="utf-8")

    assert main(TRAIN) == 0
    table = capsys.readouterr().out
    assert "other keys" in table
    assert "other widths" not in table

    required = text.replace("accuracy >= 90%", "other_shape <= 50%").replace("epochs 1", "epochs 1000000")
    (folder / "small.pnn").write_text(required, encoding="utf-8")
    assert main(TRAIN) == 3
    assert codes(capsys) == ["PPC595"]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.5, -0.1])
def test_data_out_of_the_programs_bounds_are_refused_before_learning(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: float
) -> None:
    monkeypatch.setattr("ppc.distilling.Learner.epoch", lambda *_: pytest.fail("an epoch was learned"))
    monkeypatch.setattr("ppc.distilled.device.trained", lambda *_: pytest.fail("a step was made"))
    secret.write(folder / "right.key", KEY)
    (folder / "small.secdd").write_bytes(packed(target()))
    images = np.full((10, 1, 4, 4), 0.5)
    images[3, 0, 1, 2] = value
    np.savez("outside.npz", image=images, labels=np.zeros(10, np.int64))

    for words in (
        ["train", "small.pnn", "--data", "outside.npz"],
        ["train", "small.pnn", "--data", "data.npz", "--test", "outside.npz"],
        [*DEVICE, "--key", "right.key", "--data", "outside.npz"],
    ):
        assert main(words) == 3
        assert codes(capsys) == ["PPC307"]


def test_images_that_are_brought_are_numbers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("patches.npz", image=np.full((8, 1, 4, 4), np.nan))
    (folder / "small.pnn").write_text(PROGRAM.replace("images learned", 'images from "patches.npz"'), encoding="utf-8")

    assert main(TRAIN) == 3
    assert codes(capsys) == ["PPC307"]


def test_numbers_for_machines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRAIN, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["ok"]
    assert found["bytes"] == (folder / "small.secdd").stat().st_size
    assert found["original_bytes"] == 60 * 16
    assert {row["measure"] for row in found["rows"]} >= {"accuracy", "other_init", "attacker"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("train small.pnn", "PPC508"),
        ("train small.pnn --data data.npz --weights w.safetensors", "PPC508"),
        ("train small.pnn --data data.npz -o small.safetensors", "PPC509"),
        ("train small.pnn --data data.npz --sheet nowhere/a.svg", "PPC509"),
        ("train small.pnn --data data.npz --resume", "PPC571"),
        ("train small.pnn --data data.npz --every 3", "PPC571"),
        ("train small.pnn --data data.npz --resume --checkpoint nowhere", "PPC598"),
        ("train small.pnn --data data.npz --key missing.key", "PPC590"),
        ("train small.pnn --data wide.npz", "PPC508"),
        ("train small.pnn --data none.npz", "PPC508"),
        ("train few.pnn --data data.npz", "PPC596"),
        ("party device missing.secdd --program small.pnn", "PPC501"),
        ("party device broken.secdd --program small.pnn", "PPC591"),
        ("party device broken.secdd", "PPC501"),
        ("party client broken.secdd --program small.pnn", "PPC665"),
        ("party device broken.secdd --program small.pnn -o out.txt", "PPC509"),
        ("party device broken.secdd --program small.graph", "PPC590"),
        ("party device broken.secdd --program small.graph --key device.key", "PPC510"),
        ("party device broken.secdd --program plain.pnn", "PPC590"),
    ],
)
def test_what_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], words: str, code: str) -> None:
    np.savez("wide.npz", image=np.zeros((4, 1, 5, 4)), labels=np.zeros(4, np.int64))
    np.savez("none.npz", image=np.zeros((0, 1, 4, 4)), labels=np.zeros(0, np.int64))
    np.savez("patches.npz", image=np.zeros((2, 1, 4, 4)))
    (folder / "few.pnn").write_text(PROGRAM.replace("images learned", 'images from "patches.npz"'), encoding="utf-8")
    (folder / "plain.pnn").write_text(PROGRAM.partition("train")[0], encoding="utf-8")
    (folder / "broken.secdd").write_bytes(b"this is no package")
    (folder / "small.graph").write_text("graph small {\n  stage named\n}\n", encoding="utf-8")

    assert main(words.split()) == (5 if code == "PPC665" else 3)
    assert codes(capsys) == [code]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("small.secdd --program small.pnn --key other.key", "PPC593"),
        ("small.secdd --program small.pnn --key device.key", "PPC590"),
        ("small.secdd --program relu.pnn --key right.key", "PPC594"),
        ("small.secdd --program wide.pnn --key right.key", "PPC594"),
        ("cut.secdd --program small.pnn --key right.key", "PPC591"),
        ("edited.secdd --program small.pnn --key right.key", "PPC591"),
        ("newer.secdd --program small.pnn --key right.key", "PPC592"),
        ("small.secdd --program small.pnn --key right.key --data wide.npz", "PPC508"),
        ("small.secdd --program small.pnn --key right.key --data none.npz", "PPC508"),
    ],
)
def test_a_device_refuses_before_any_step(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, code: str
) -> None:
    monkeypatch.setattr("ppc.distilled.device.trained", lambda *_: pytest.fail("a step was made"))
    (folder / "device.key").chmod(0o644)
    for name, key in (("right", KEY), ("other", OTHER)):
        secret.write(folder / f"{name}.key", key)
    data = packed(target())
    changes = {"small": data, "cut": data[:-9], "edited": data[:-1] + b"?", "newer": data[:8] + b"\x07" + data[9:]}
    for name, content in changes.items():
        (folder / f"{name}.secdd").write_bytes(content)
    (folder / "relu.pnn").write_text(PROGRAM.replace("tanh", "relu"), encoding="utf-8")
    (folder / "wide.pnn").write_text(PROGRAM.replace("1, 4, 4", "1, 5, 4"), encoding="utf-8")
    np.savez("wide.npz", image=np.zeros((4, 1, 5, 4)), labels=np.zeros(4, np.int64))
    np.savez("none.npz", image=np.zeros((0, 1, 4, 4)), labels=np.zeros(0, np.int64))

    assert main(["party", "device", *words.split(), "-o", "out.safetensors"]) == 3
    assert codes(capsys) == [code]
    assert not (folder / "out.safetensors").exists()


def test_a_device_needs_no_torch(folder: Path) -> None:
    """Nor a compiler, with graph text."""
    assert main(["compile", "small.pnn", "--after", "source", "-o", "small.graph"]) == 0
    (folder / "small.secdd").write_bytes(packed(target()))
    secret.write(folder / "right.key", KEY)
    words = "party device small.secdd --program small.graph --key right.key -o out.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=EXTRAS), *words.split()],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (folder / "out.safetensors").exists()
