"""`ppc diff`: fixed point beside float, on data and weights of the user's or on drawn ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Ppc
from tests.diff.test_beside import PROGRAM


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "small.pnn"
    path.write_text(PROGRAM.replace("LAYER", "relu").replace("FIELD", "mersenne61"), "utf-8")
    return path


def test_the_command(ppc: Ppc, program: Path) -> None:
    done = ppc("diff", program, "--train")

    assert done.code == 0
    assert done.out.endswith("values, none further from float than it may be\n")


def test_the_command_names_the_first_one_beyond(ppc: Ppc, program: Path) -> None:
    done = ppc("diff", program, "--tolerance", "1e-9")

    assert done.code == 1
    assert "conv1 (line 4) is the first beyond: at [" in done.out


def test_of_data_and_weights(ppc: Ppc, program: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", np.zeros((3, 1, 6, 6)))
    ppc("weights", "init", program, "-o", tmp_path / "w.npz")
    done = ppc("diff", program, "--input", tmp_path / "image.npy", "--weights", tmp_path / "w.npz", "--json")

    assert done.code == 0
    assert '"first": null' in done.out


def test_data_out_of_bounds_is_refused(ppc: Ppc, program: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", np.full((1, 1, 6, 6), 7.0))

    assert "PPC307" in ppc("diff", program, "--input", tmp_path / "image.npy").err
