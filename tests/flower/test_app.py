"""`ppc compile --engine flower`: what is written, and what is refused."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Ppc, ppc
from tests.flower.crews import CREW
from tests.flower.programs import PROGRAM

__all__ = ["ppc"]

CLEAR = """\
party owner

train digits by clear {
    labels from owner
    loss = softmax_cross_entropy
    sgd(rate=0.1, batch=8)
}
"""


def test_an_app_is_written(ppc: Ppc, tmp_path: Path) -> None:
    (tmp_path / "digits.pnn").write_text(PROGRAM, "utf-8")
    done = ppc("compile", tmp_path / "digits.pnn", "--engine", "flower", "-o", tmp_path / "app", "--json")
    app = tmp_path / "app"

    assert done.code == 0
    assert len(json.loads(done.out)["written"]) == 6
    found = tomllib.loads((app / "pyproject.toml").read_text())
    assert found["tool"]["flwr"]["app"]["components"]["serverapp"] == "ppc_app.server_app:app"
    assert tomllib.loads((app / "flower" / "config.toml").read_text())["superlink"]["simulation"]["options"] == {
        "num-supernodes": 2,
        "backend": {"client-resources": {"num-cpus": 1}},
    }
    assert all(ast.parse(path.read_text()) for path in (app / "ppc_app").glob("*.py") if path.stat().st_size)
    assert repr(PROGRAM) in (app / "ppc_app" / "program.py").read_text()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("train digits by selective {", "train digits by clear {"), "PPC588"),
        (("dense(10)", "dens(10)"), "PPC"),
    ],
    ids=["alone", "a mistake"],
)
def test_what_does_not_run_on_flower(ppc: Ppc, tmp_path: Path, change: tuple[str, str], code: str) -> None:
    text = PROGRAM.replace(*change)
    if "clear" in text:
        text = text[: text.index("train digits")] + CLEAR
    (tmp_path / "digits.pnn").write_text(text, "utf-8")
    done = ppc("compile", tmp_path / "digits.pnn", "--engine", "flower", "-o", tmp_path / "app")

    assert code in done.err
    assert done.code in (1, 3)
    assert "digits.pnn" in done.err or code == "PPC588"
    assert not (tmp_path / "app").exists()


@pytest.mark.parametrize(
    ("text", "nodes"),
    [(CREW, 3), (PROGRAM.replace("order random", "aggregate additive\n    clip 0.1").replace("least 1", "least 2"), 3)],
)
def test_workers_and_the_second_aggregator_have_nodes(ppc: Ppc, tmp_path: Path, text: str, nodes: int) -> None:
    (tmp_path / "digits.pnn").write_text(text, "utf-8")
    done = ppc("compile", tmp_path / "digits.pnn", "--engine", "flower", "-o", tmp_path / "app")

    assert done.code == 0, done.err
    config = tomllib.loads((tmp_path / "app" / "flower" / "config.toml").read_text())
    assert config["superlink"]["simulation"]["options"]["num-supernodes"] == nodes


def test_a_winner_alone_is_not_opened_on_flower(ppc: Ppc, tmp_path: Path) -> None:
    (tmp_path / "digits.pnn").write_text(CREW.replace("queries 20", "queries 20\n    open winner"), "utf-8")
    done = ppc("compile", tmp_path / "digits.pnn", "--engine", "flower", "-o", tmp_path / "app")

    assert "PPC588" in done.err
    assert not (tmp_path / "app").exists()


def test_an_app_needs_a_folder(ppc: Ppc, tmp_path: Path) -> None:
    (tmp_path / "digits.pnn").write_text(PROGRAM, "utf-8")

    assert "PPC509" in ppc("compile", tmp_path / "digits.pnn", "--engine", "flower").err
