"""`ppc audit` of the weights that a training released."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.audit.trained_programs import TEXT
from tests.cli.conftest import Ppc


@pytest.fixture
def home(ppc: Ppc, tmp_path: Path) -> Path:
    (tmp_path / "tiny.pnn").write_text(TEXT, "utf-8")
    generator = np.random.default_rng(1)
    for name, count in (("seen", 200), ("held", 200), ("few", 10)):
        rows = generator.random((count, 40))
        np.savez(tmp_path / f"{name}.npz", row=rows, labels=rows[:, :4].argmax(1))
    assert ppc("weights", "init", tmp_path / "tiny.pnn", "--seed", 1, "-o", tmp_path / "w.safetensors").code == 0
    return tmp_path


def test_a_trained_model_is_attacked(ppc: Ppc, home: Path) -> None:
    examples = ("--data", home / "seen.npz", "--test", home / "held.npz")
    done = ppc("audit", home / "w.safetensors", "--program", home / "tiny.pnn", *examples, "--json")
    facts = json.loads(done.out)

    assert facts["kind"] == "trained model"
    assert {finding["attack"] for finding in facts["findings"]} >= {"membership by loss", "copy of the model"}
    assert "`hospital` sees logits" in facts["notes"][0]


def test_without_logits_and_a_released_model_nothing_is_there_to_attack(ppc: Ppc, home: Path) -> None:
    kept = TEXT.replace("model  to   lab", "model kept shared").replace("    logits to   hospital\n", "")
    (home / "kept.pnn").write_text(kept, "utf-8")
    examples = ("--data", home / "seen.npz", "--test", home / "held.npz")
    done = ppc("audit", home / "w.safetensors", "--program", home / "kept.pnn", *examples, "--json")

    assert json.loads(done.out)["findings"] == []


@pytest.mark.parametrize(
    ("program", "seen", "code"),
    [("", "seen", "PPC501"), ("tiny", "few", "PPC582"), ("tiny", "", "PPC508"), ("mse", "seen", "PPC583")],
)
def test_what_it_needs(ppc: Ppc, home: Path, program: str, seen: str, code: str) -> None:
    (home / "mse.pnn").write_text(TEXT.replace("softmax_cross_entropy", "mse"), "utf-8")
    line: list[object] = ["--program", home / f"{program}.pnn"] if program else []
    line += ["--data", home / f"{seen}.npz"] if seen else []
    done = ppc("audit", home / "w.safetensors", *line, "--test", home / "held.npz")

    assert code in done.err
    assert done.code in (1, 3)
