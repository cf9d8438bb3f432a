"""Where results and bundles are written, by the name that is given."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ppc.cli import answers
from tests.cli.conftest import Ppc
from tests.end_to_end.machines import TINY


def tiny(folder: Path) -> Path:
    path = folder / "tiny.pnn"
    path.write_text(TINY, "utf-8")
    np.save(folder / "rows.npy", np.linspace(0.0, 1.0, 18).reshape(3, 6))
    return path


def test_results_as_a_table(tmp_path: Path, ppc: Ppc) -> None:
    """Every digit is there, and which number is the largest."""
    run = ("run", tiny(tmp_path), "--mode=clear", "--seed", 1, "--input", tmp_path / "rows.npy", "-o")
    assert ppc(*run, tmp_path / "a.npz").code == 0
    assert ppc(*run, tmp_path / "a.csv").code == 0

    kept = np.load(tmp_path / "a.npz")["result"]
    rows = list(csv.reader((tmp_path / "a.csv").read_text().splitlines()))

    assert rows[0] == ["example", "result.0", "result.1", "result.2", "largest"]
    assert [[float(cell) for cell in row[1:4]] for row in rows[1:]] == kept.tolist()
    assert [row[4] for row in rows[1:]] == [str(number) for number in kept.argmax(1)]


def test_a_result_of_another_ending(tmp_path: Path, ppc: Ppc) -> None:
    """Refused before anything is computed."""
    done = ppc("run", tiny(tmp_path), "--seed", 1, "--input", tmp_path / "rows.npy", "-o", tmp_path / "a.txt")

    assert done.code == 3
    assert "-o a.csv" in done.err


def test_only_the_first_examples(tmp_path: Path, ppc: Ppc) -> None:
    run = ("run", tiny(tmp_path), "--mode=clear", "--seed", 1, "--input", tmp_path / "rows.npy", "-q")

    assert len(ppc(*run, "--examples", 2).out.splitlines()) == 2
    assert len(ppc(*run, "--examples", 9).out.splitlines()) == 3


def test_a_name_without_ending_is_a_folder_of_bundles(tmp_path: Path, ppc: Ppc) -> None:
    """With a slash or without, there before or not; a stage that is named goes into a file of any name."""
    program = tiny(tmp_path)
    (tmp_path / "there.d").mkdir()
    for name in ("build", "other/", "there.d"):
        assert ppc("compile", program, "-o", f"{tmp_path}/{name}").code == 0
        assert (tmp_path / name / "tiny" / "client" / "manifest.json").is_file()

    assert ppc("compile", program, "--emit=plan", "-o", tmp_path / "plan").code == 0
    assert (tmp_path / "plan").read_text().startswith("plan ")
    assert ppc("compile", program, "-o", tmp_path / "tiny.graph").code == 0
    assert (tmp_path / "tiny.graph").is_file()


def test_bundles_do_not_go_into_a_file(tmp_path: Path, ppc: Ppc) -> None:
    program = tiny(tmp_path)
    (tmp_path / "build").write_text("mine")
    done = ppc("compile", program, "-o", tmp_path / "build")

    assert (done.code, (tmp_path / "build").read_text()) == (3, "mine")
    assert "PPC509" in done.err


def test_what_a_training_returns_is_no_range() -> None:
    """A few numbers are all shown; of many, which is which."""
    few, many = np.array([0.89, 0.99, 0.95]), np.linspace(1.0, 0.5, 40)

    assert list(answers.shown({"accuracy": few, "loss": many})) == [
        "accuracy: 0.8900  0.9900  0.9500",
        "loss: first 1.0000, last 0.5000, of 40 values",
    ]
