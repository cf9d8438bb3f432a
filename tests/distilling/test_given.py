"""What is learned from and what is measured on, where images come from, and what is said of what is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ppc.cli import main
from tests.distilling.commands import DEVICE, QUICK, TRAIN, codes


def test_what_is_learned_from_is_not_measured_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "small.pnn").write_text(QUICK, encoding="utf-8")
    with np.load("data.npz", allow_pickle=False) as data, np.load("test.npz", allow_pickle=False) as test:
        mixed = {name: np.concatenate([test[name][:50], data[name][7:17]]) for name in ("image", "labels")}
        doubled = {name: np.concatenate([data[name], data[name][4:20]]) for name in ("image", "labels")}
    np.savez("mixed.npz", image=mixed["image"], labels=mixed["labels"])
    np.savez("doubled.npz", image=doubled["image"], labels=doubled["labels"])

    assert main(["train", "small.pnn", "--data", "data.npz", "--test", "mixed.npz"]) == 0
    told = capsys.readouterr()
    assert "accuracy on 50 examples that nothing was learned from (10 more were learned from, and left out)" in told.out
    assert "10 of 60 examples to measure on are learned from too" in told.err
    assert main(["train", "small.pnn", "--data", "doubled.npz", "--json"]) == 0  # of those held out too
    found = json.loads(capsys.readouterr().out)
    assert (found["tested"] + found["left_out"], found["left_out"]) == (15, 7)
    assert main(["train", "small.pnn", "--data", "data.npz", "--test", "data.npz"]) == 3
    assert codes(capsys) == ["PPC508"]


def test_images_that_samples_are_made_of_are_not_measured_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with np.load("test.npz", allow_pickle=False) as test:
        np.savez("patches.npz", image=test["image"])
    (folder / "small.pnn").write_text(QUICK.replace("images learned", 'images from "patches.npz"'), encoding="utf-8")

    assert main([*TRAIN, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["tested"], found["left_out"]) == (54, 6)


def test_a_built_in_set_lies_in_no_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = QUICK.replace("1, 4, 4", "1, 8, 8").replace("real[3]", "real[10]").replace("dense(3)", "dense(10)")
    home = folder / "elsewhere"
    home.mkdir()
    (folder / "small.pnn").write_text(text.replace("images learned", 'images from "digits28:20"'), encoding="utf-8")
    (home / "small.pnn").write_text(text.replace("images learned", 'images from "digits:20"'), encoding="utf-8")
    words = ["--data", "digits:100,part=train", "--key", "device.key", "-q"]

    assert main(["train", "elsewhere/small.pnn", *words]) == 0
    monkeypatch.chdir("/")
    assert main(["train", str(home / "small.pnn"), *words[:3], str(folder / "device.key"), "-q"]) == 0
    capsys.readouterr()
    assert main(["train", str(folder / "small.pnn"), *words[:3], str(folder / "device.key"), "-q"]) == 3  # 28×28
    assert codes(capsys) == ["PPC508"]


def test_what_is_not_written_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "small.pnn").write_text(QUICK, encoding="utf-8")
    assert main(TRAIN[:-2]) == 0
    told = capsys.readouterr()
    assert "no package will be written" in told.err
    assert "no package was written" in told.out
    assert main(TRAIN) == 0
    assert "wrote small.secdd" in capsys.readouterr().out
    assert main(DEVICE) == 0
    assert "were not kept" in capsys.readouterr().out
