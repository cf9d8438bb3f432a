"""`ppc audit` on the bundles of a program: what it says, what it draws, and what it asks for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ppc.audit.splits import inversion, report, theft
from tests.cli.conftest import Ppc

PROGRAM = """party clinic, lab

model risk(scan: real[1, 8, 8] in 0..1) -> real[2] {
    conv2d(4, kernel=3)
    relu
    dense(8)
    relu
    dense(2)
}

private risk {
    scan    from clinic
    weights from lab in -4..4
    result  to   clinic
    split at 1
    complement
    server clear
}

private risk as joined {
    scan    from clinic
    weights from lab in -4..4
    result  to   clinic
    split at 1
    complement
    joint
}
"""
CALLED = {"risk": "risk.risk", "joined": "risk.joined"}


@pytest.fixture(autouse=True)
def little_effort(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Attacks that learn for a moment."""
    monkeypatch.setattr(report, "STEPS", 80)
    monkeypatch.setattr(inversion, "STEPS", 60)
    monkeypatch.setattr(theft, "COPY_STEPS", 60)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def program(ppc: Ppc, tmp_path: Path) -> Path:
    """A program, weights drawn for it, and scans."""
    path = tmp_path / "risk.pnn"
    path.write_text(PROGRAM, "utf-8")
    draws = np.random.default_rng(2)
    np.savez("scans.npz", scan=draws.uniform(0, 1, (300, 1, 8, 8)), labels=draws.integers(2, size=300))
    assert ppc("weights", "init", path, "--seed", 3, "-o", "risk.safetensors").code == 0
    return path


def compiled(ppc: Ppc, program: Path, as_: str) -> Path:
    done = ppc("compile", program, "--as", as_, "--weights", "risk.safetensors", "-o", "build/", "--batch", 25)
    assert done.code == 0, done.err
    return Path("build")


def findings(ppc: Ppc, program: Path, as_: str) -> dict[tuple[str, bool], str]:
    build = compiled(ppc, program, as_)
    done = ppc("audit", build, "--weights", "risk.safetensors", "--data", "scans.npz", "-o", "pictures", "--json")
    found = json.loads(done.out)

    assert found["kind"] == "bundles"
    assert all(0 <= one["interval"]["low"] <= one["interval"]["high"] for one in found["findings"] if one["control"])
    assert {"knowledge", "budget", "value", "interval", "baseline", "verdict"} <= found["findings"][0].keys()
    return {(one["attack"], one["control"]): one["verdict"] for one in found["findings"]}


def test_in_the_clear(ppc: Ppc, program: Path) -> None:
    """The signal is read off what crosses, and a picture shows what is made of the inputs."""
    found = findings(ppc, program, "risk")

    assert found[("probe for the client's signal", False)] == "BROKEN"
    assert found[("probe for the true label", False)] == "no advantage found"  # labels that mean nothing
    assert found[("linear inversion", False)] in ("BROKEN", "leaks")
    assert {control for _, control in found} == {True, False}
    assert Path("pictures/inputs-and-inversions.png").read_bytes().startswith(b"\x89PNG")


def test_on_shares(ppc: Ppc, program: Path) -> None:
    found = findings(ppc, program, "joined")

    assert found[("probe for the client's signal", False)] == "no advantage found"
    assert found[("probe for the client's signal", True)] == "BROKEN"
    assert found[("linear inversion", False)] == "no advantage found"


def test_nothing_is_called_secure(ppc: Ppc, program: Path) -> None:
    build = compiled(ppc, program, "risk")

    said = ppc("audit", build, "--weights", "risk.safetensors", "--data", "scans.npz").out

    assert "secure" not in said.lower()
    assert "The server recovers the client's signal with advantage +0." in said
    assert "speaks of this attack with this knowledge and budget" in said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--data", "scans.npz"), "PPC501"),
        (("--weights", "risk.safetensors"), "PPC508"),
        (("--weights", "none.safetensors", "--data", "scans.npz"), "PPC501"),
        (("--weights", "other.safetensors", "--data", "scans.npz"), "PPC549"),
        (("--weights", "risk.safetensors", "--data", "none.npz"), "PPC501"),
        (("--weights", "risk.safetensors", "--data", "one.npz"), "PPC582"),
    ],
)
def test_what_it_asks_for(ppc: Ppc, program: Path, words: tuple[str, ...], code: str) -> None:
    """The weights that the client was given, and examples enough to attack with some and judge by others."""
    build = compiled(ppc, program, "risk")
    ppc("weights", "init", program, "--seed", 4, "-o", "other.safetensors")
    np.savez("one.npz", scan=np.zeros((9, 1, 8, 8)), labels=np.zeros(9, np.int64))

    done = ppc("audit", build, *words)

    assert done.code == 3
    assert code in done.err
