"""`ppc run` jointly: three real processes, TLS on loopback, certificates of the moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.machines import EXAMPLES, TINY, ppc, rows


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "tiny.pnn").write_text(TINY, "utf-8")
    np.save(tmp_path / "rows.npy", rows())
    return tmp_path


def run(home: Path, *more: object) -> Mapping[str, Any]:
    done = ppc("run", "tiny.pnn", "--seed", 1, "--input", "rows.npy", "--json", *more, cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_the_joint_answer_is_the_clear_one(home: Path) -> None:
    """In padded batches, with predicted bytes and rounds kept to the byte, and a trace that Perfetto reads."""
    joint = run(home, "--batch", "2,4", "--trace", "run.json")
    clear = run(home, "--mode=clear")
    twin = run(home, "--mode=twin")

    assert joint["mode"] == "joint"
    assert joint["same_machine"] is True
    assert np.shape(joint["result"]) == (EXAMPLES, 3)
    assert np.abs(np.subtract(joint["result"], clear["result"])).max() < 1e-3
    assert np.abs(np.subtract(twin["result"], clear["result"])).max() < 1e-3
    assert joint["measured"] == joint["predicted"]
    assert all(joint["measured"]["sent"])
    assert joint["measured"]["rounds"] == 14
    assert [len(joint["learned"][party]) for party in ("hospital", "lab")] == [1, 0]
    _readable(json.loads((home / "run.json").read_text("utf-8"))["traceEvents"])
    assert sorted(path.name for path in home.iterdir()) == ["rows.npy", "run.json", "tiny.pnn"]


def _readable(events: list[dict[str, Any]]) -> None:
    """Every role with its spans, all within a few seconds of each other."""
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    spans = [event for event in events if event["ph"] == "X"]

    assert names == {0: "hospital (client)", 1: "lab (server)", 2: "dealer"}
    assert {span["pid"] for span in spans} == {0, 1, 2}
    assert {"pass", "compute", "send", "wait"} <= {span["cat"] for span in spans if span["pid"] == 1}
    assert all(span["dur"] >= 0 for span in spans)
    assert max(span["ts"] for span in spans) - min(span["ts"] for span in spans) < 60e6


def test_what_a_person_sees(home: Path) -> None:
    done = ppc("run", "tiny.pnn", "--seed", 1, "--input", "rows.npy", "-v", "-o", "r.npz", cwd=home)

    assert done.returncode == 0, done.stderr
    assert "hospital → lab, bytes" in done.stdout
    assert "hospital learned\n  dense2" in done.stdout
    assert "lab learned\n  nothing" in done.stdout
    assert "all ran on this machine" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr  # no bar where there is no terminal
    with np.load(home / "r.npz") as held:
        assert held["result"].shape == (EXAMPLES, 3)


def test_with_nothing_named(home: Path) -> None:
    """A demonstration of all three roles, that says it is one; its answer is that of the same numbers in the clear."""
    told = ppc("run", "tiny.pnn", "--trace", "run.json", cwd=home)
    clear = ppc("run", "tiny.pnn", "--mode=clear", "-q", cwd=home)
    joint, there = ([float(word) for word in one.stdout.splitlines()[0].split()[1:4]] for one in (told, clear))

    assert told.returncode == 0, told.stderr
    assert np.abs(np.subtract(joint, there)).max() < 1e-3
    assert "lab → hospital, bytes" in told.stdout
    assert "lab learned\n  nothing" in told.stdout
    assert "all ran on this machine" in told.stdout
    assert "Only a demonstration: the example was drawn from a seed" in told.stdout
    assert sorted(path.name for path in home.iterdir()) == ["rows.npy", "run.json", "tiny.pnn"]


def test_a_role_that_fails_is_everybodys_end(home: Path) -> None:
    """The first reason is told, with its code and by whom, and not that the others then ended too."""
    np.save(home / "rows.npy", 3 * rows())
    done = ppc("run", "tiny.pnn", "--seed", 1, "--input", "rows.npy", cwd=home)

    assert done.returncode == 3
    assert "PPC520" in done.stderr
    assert "said by the client" in done.stderr
    assert "PPC652" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
