"""`ppc train … by clear`: an old model, a model that is split with it, checkpoints, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Ppc
from tests.retraining.subjects import PROGRAM, lesson
from tests.sources import CHECKOUT

EXAMPLES = CHECKOUT / "examples"

TRAIN = """
private small as base {{
    image   from lab
    weights from lab
    result  to   lab
}}

train small by clear {{
    labels from {owner}
    loss = softmax_cross_entropy
    sgd(rate=0.1, batch=16, epochs=12, momentum=0.9)
}}
"""
FACTS = "split at 2\n    complement offset\n    server clear"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "small.pnn"
    path.write_text(PROGRAM.format(classes=3, facts=FACTS) + TRAIN.format(owner="lab"), "utf-8")
    data = lesson()
    np.savez(tmp_path / "data.npz", image=data.images.numpy(), labels=data.labels.numpy())
    return path


def test_an_old_model_and_the_one_that_is_split(ppc: Ppc, program: Path) -> None:
    """Trained, retrained, and run in the clear with what came out."""
    folder = program.parent
    common = ("--data", folder / "data.npz", "--json")

    first = ppc("train", program, "--as", "base", *common, "-o", folder / "old.safetensors")
    old = ("--weights", folder / "old.safetensors")
    second = ppc("train", program, "--as", "small", *common, *old, "-o", folder / "new.safetensors")

    assert json.loads(first.out)["accuracy"] > 0.8
    assert json.loads(second.out)["accuracy"] > 0.6
    new = ("--weights", folder / "new.safetensors", "--input", folder / "data.npz")
    found = ppc("run", program, "--as", "small", "--mode", "clear", *new, "--json")
    right = np.array(json.loads(found.out)["result"]).argmax(1) == lesson().labels.numpy()
    assert right.mean() > 0.6


def test_it_goes_on_from_a_checkpoint(ppc: Ppc, program: Path) -> None:
    folder = program.parent
    common = ("--as", "small", "--data", folder / "data.npz", "--checkpoint", folder / "kept", "--json")

    whole = ppc("train", program, *common, "-o", folder / "whole.safetensors")
    again = ppc("train", program, *common, "--resume", "-o", folder / "again.safetensors")
    other = ppc("train", program, *common, "--resume", "--start", "he")

    assert "PPC581" in other.out
    assert "PPC574" in ppc("train", program, *common).out
    assert json.loads(whole.out)["accuracy"] == json.loads(again.out)["accuracy"]
    assert (folder / "whole.safetensors").read_bytes() == (folder / "again.safetensors").read_bytes()


def test_a_checkpoint_of_another_training(ppc: Ppc, program: Path) -> None:
    folder = program.parent
    common = ("--as", "small", "--data", folder / "data.npz", "--checkpoint", folder / "kept")
    ppc("train", program, *common)

    done = ppc("train", program, *common, "--resume", "--order", "7")

    assert done.code == 3
    assert "PPC581" in done.err


def test_who_trains_has_the_weights(ppc: Ppc, program: Path) -> None:
    """The customer's labels do not go to the owner of the model by a training in the clear."""
    program.write_text(PROGRAM.format(classes=3, facts=FACTS) + TRAIN.format(owner="clinic"), "utf-8")

    done = ppc("train", program, "--as", "small", "--data", program.parent / "data.npz")

    assert done.code == 1
    assert "PPC401" in done.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), "PPC508"),
        (("--data", "{folder}/data.npz", "-o", "{folder}/new.txt"), "PPC509"),
        (("--data", "{folder}/data.npz", "--resume"), "PPC571"),
        (("--data", "{folder}/data.npz", "--checkpoint", "{folder}/data.npz"), "PPC509"),
        (("--data", "{folder}/data.npz", "--checkpoint", "{folder}/data.npz/kept"), "PPC509"),
        (("--data", "{folder}/data.npz", "--checkpoint", "/proc/kept"), "PPC509"),
        (("--data", "{folder}/nan.npz"), "PPC508"),
        (("--data", "{folder}/data.npz", "--weights", "{folder}/data.npz"), "PPC503"),
    ],
)
def test_what_it_cannot_train_with(ppc: Ppc, program: Path, options: tuple[str, ...], code: str) -> None:
    folder = program.parent
    np.savez(folder / "nan.npz", image=np.full((40, 1, 6, 6), np.nan), labels=np.zeros(40, np.int64))

    done = ppc("train", program, "--as", "small", *(option.format(folder=folder) for option in options))

    assert done.code == 3
    assert code in done.err


def test_a_rate_that_is_too_large(ppc: Ppc, program: Path) -> None:
    """Nothing is written, and it is said why."""
    text = (
        program.read_text("utf-8")
        .replace("rate=0.1", "rate=900")
        .replace("    relu\n", "")
        .replace("    batch_norm\n", "")
    )
    program.write_text(text, "utf-8")
    output = program.parent / "new.safetensors"

    done = ppc("train", program, "--as", "small", "--data", program.parent / "data.npz", "-o", output)

    assert done.code == 3
    assert "PPC584" in done.err
    assert not output.exists()


def test_epochs_without_a_better_one_are_counted_from_zero(ppc: Ppc, program: Path) -> None:
    done = ppc("train", program, "--as", "small", "--data", program.parent / "data.npz", "--stop-after", "-1")

    assert done.code == 2


@pytest.mark.parametrize("name", ["placements", "shallow_train", "hub", "selective", "collaborative", "distilled"])
@pytest.mark.parametrize("place", ["none/new.safetensors", "folder.safetensors"])
def test_no_training_begins_whose_model_cannot_be_written(ppc: Ppc, tmp_path: Path, name: str, place: str) -> None:
    """Of all trainers: it is said before the data are looked for, which are not there."""
    (tmp_path / "folder.safetensors").mkdir()

    done = ppc("train", EXAMPLES / f"{name}.pnn", "--data", tmp_path / "none.npz", "-o", tmp_path / place)

    assert done.code == 3
    assert "PPC509" in done.err
    assert "cannot be written" in done.err
