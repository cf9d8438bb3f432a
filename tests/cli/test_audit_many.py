"""`ppc audit` of programs that train with many participants."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Ppc

NET = """model net(x: real[6] in 0..1) -> real[3] {
    dense(3)
}

"""
SELECTIVE = (
    NET
    + """train net by selective {
    participants 3
    upload 10% largest
    rounds 2
}
"""
)
COLLABORATIVE = (
    NET
    + """train net by collaborative {
    workers 3
    epochs 2
}
"""
)
DISTILLED = (
    NET
    + """train net by distilled {
    key file "device.key"
    samples 3
    images learned
    labels soft
    steps 2
    epochs 2
}
"""
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    generator = np.random.default_rng(1)
    for name, count in (("rows", 100), ("few", 10)):
        rows = generator.random((count, 6))
        np.savez(tmp_path / f"{name}.npz", x=rows, labels=rows[:, :3].argmax(1))
    (tmp_path / "selective.pnn").write_text(SELECTIVE, "utf-8")
    (tmp_path / "collaborative.pnn").write_text(COLLABORATIVE, "utf-8")
    (tmp_path / "model.pnn").write_text(NET, "utf-8")
    (tmp_path / "squares.pnn").write_text(SELECTIVE.replace("    part", "    loss = mse\n    part"), "utf-8")
    (tmp_path / "distilled.pnn").write_text(DISTILLED, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("program", "attack", "note"),
    [("selective", "labels", ""), ("collaborative", "membership", "No gradient leaves a worker")],
)
def test_a_program_is_attacked(ppc: Ppc, home: Path, program: str, attack: str, note: str) -> None:
    done = ppc("audit", home / f"{program}.pnn", "--data", home / "rows.npz", "--json")
    facts = json.loads(done.out)

    assert facts["kind"] == "many participants"
    assert any(finding["attack"].startswith(attack) for finding in facts["findings"])
    assert any(finding["control"] for finding in facts["findings"])
    assert all(one.startswith(note) for one in facts["notes"])


@pytest.mark.parametrize(
    ("program", "data", "code"),
    [
        ("selective", "", "PPC508"),
        ("selective", "few", "PPC582"),
        ("squares", "rows", "PPC583"),
        ("distilled", "rows", "PPC583"),
        ("model", "rows", "PPC132"),
    ],
)
def test_what_it_needs(ppc: Ppc, home: Path, program: str, data: str, code: str) -> None:
    line: list[object] = ["--data", home / f"{data}.npz"] if data else []
    done = ppc("audit", home / f"{program}.pnn", *line)

    assert code in done.err
    assert done.code in (1, 3)
