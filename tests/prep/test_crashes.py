"""SIGKILL at every kind of step of a machine's disk: nothing is used twice, and no ledger is damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sources import CHECKOUT


def lives(folder: Path, points: int, runs: int, *careless: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.prep.lives", str(folder), str(points), str(runs), *careless]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_forty_kill_points(tmp_path: Path) -> None:
    """Of both parties, half of them with a power failure; a life goes on after each, to the last file."""
    found = lives(tmp_path, 40, 2)
    assert found["points"] == 40 <= found["died"]
    assert found["problems"] == []


def test_kill_points_of_the_dealer(tmp_path: Path) -> None:
    found = lives(tmp_path, 12, 0)
    assert found["points"] == 12 == found["died"]
    assert found["problems"] == []


def test_carelessness_is_found(tmp_path: Path) -> None:
    """The test above can fail: parties that do not sync and do not erase use something twice."""
    assert any(line.startswith("twice") for line in lives(tmp_path, 24, 1, "forgetful")["problems"])


@pytest.mark.long
def test_five_hundred_kill_points(tmp_path: Path) -> None:
    """And more: every moment of a life of five runs, and of a dealer."""
    found = lives(tmp_path / "runs", 100_000, 5)
    assert found["points"] >= 500
    assert found["died"] >= found["points"]
    assert found["problems"] == []
    assert lives(tmp_path / "deal", 100_000, 0)["problems"] == []
