"""Collaborative trainings on the real engine: in its simulation, and over TLS with certificates of ppc's own, a
SuperNode that is killed and comes back, and a run that goes on from checkpoints. Run with scripts/flower."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch

from ppc.cli.crowd import certificates
from ppc.collaborative.state import resumed_worker
from tests.flower.crews import CREW, DATA, PUBLIC, SEED, TEST, alone
from tests.flower.engines import app_of, killed, ran, simulation, started, superlink, supernode

pytestmark = pytest.mark.flower


def told(output: Path, kept: Path, public: str = PUBLIC, **more: object) -> str:
    said = f'data="{DATA}" test="{TEST}" public="{public}" seed={SEED} output="{output}" checkpoint="{kept}"'
    return said + "".join(f" {name}={value}" for name, value in more.items())


def same(output: Path, kept: Path) -> bool:
    """Models of all workers, and opened sums, are those of one process."""
    workers, sums = alone()
    found = json.loads((output / "report.json").read_text())
    for one in workers:
        expected = {name: tensor.clone() for name, tensor in one.weights.items()}
        assert resumed_worker(kept, one, 2)
        if not all(torch.equal(expected[name], one.weights[name]) for name in expected):
            return False
    return [one for epoch in found["sums"] for one in epoch] == pytest.approx(sums, abs=1e-12)


def test_workers_in_a_simulation(tmp_path: Path) -> None:
    app, kept = app_of(tmp_path / "whole", CREW), tmp_path / "kept"
    with simulation(app) as port:
        said = ran(app, "simulation", port, told(tmp_path / "out", kept))

    assert "epoch    2 of 2" in said, said
    assert same(tmp_path / "out", kept)
    with np.load(tmp_path / "out" / "labels.npz") as rows:
        assert len(rows["labels"]) == 20


def test_a_supernode_that_is_killed_comes_back_over_tls_and_a_run_goes_on(tmp_path: Path) -> None:
    """An epoch; then a run from its checkpoints, in which the SuperNode of worker 3 is killed and started again."""
    whole, half = app_of(tmp_path / "whole", CREW), app_of(tmp_path / "half", CREW.replace("epochs 2", "epochs 1"))
    rings, kept = certificates(tmp_path / "rings", 3, mesh=True), tmp_path / "kept"
    with superlink(whole) as port, ExitStack() as nodes:

        def start(number: int) -> subprocess.Popen[bytes]:
            more = f'certificates="{rings[str(number)]}"'
            return nodes.enter_context(started(whole, *supernode(whole, port, number - 1, 3, more)))

        *_, third = [start(number) for number in (1, 2, 3)]
        shutil.copy(whole / "flower" / "ca.crt", half / "flower")
        half_way = ran(half, "deployment", port, told(tmp_path / "first", kept, public="", trip=15))
        again: list[subprocess.Popen[bytes]] = []

        def midway(said: str) -> None:
            if not again and "letters to each of 3 workers" in said:
                killed(third)
                again.append(start(3))

        later = ran(whole, "deployment", port, told(tmp_path / "second", kept, trip=15, resume="true"), midway)

    assert "epoch    1 of 1" in half_way, half_way
    assert "trusted" not in half_way
    assert "worker 3 is dropped" in later, later
    assert "worker 3 is back" in later, later
    assert "epoch    2 of 2" in later, later
    first, second = (json.loads((tmp_path / one / "report.json").read_text()) for one in ("first", "second"))
    assert first["sums"] == [pytest.approx(alone()[1][:3], abs=1e-12)]
    assert second["sums"][0][0] is None
    assert second["labelled"] == 20
