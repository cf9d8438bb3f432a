"""`ppc run` where no data are named: what is drawn, that it is said, and what cannot be drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ppc
from tests.end_to_end.machines import TINY
from tests.sources import CHECKOUT

EXAMPLES = CHECKOUT / "examples"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.pnn"
    path.write_text(TINY, "utf-8")
    return path


@pytest.mark.parametrize("mode", ["clear", "twin"])
def test_nothing_is_named(tiny: Path, ppc: Ppc, mode: str) -> None:
    """An answer, the same each time, and what it is worth."""
    done, again = (ppc("run", tiny, "--mode", mode) for _ in range(2))
    answer, *said = done.out.splitlines()

    assert (done.code, done.err) == (0, "")
    assert again.out.splitlines()[0] == answer or mode == "twin"
    assert said[-1].startswith("Only a demonstration: the example was drawn from a seed")
    assert "`--input DATA` and `--weights FILE` take real ones" in said[-1]


def test_weights_are_named(tiny: Path, ppc: Ppc) -> None:
    """Of what is named nothing is said."""
    last = ppc("run", tiny, "--mode=clear", "--seed", 2, "--examples", 3).out.splitlines()[-1]

    assert "the 3 examples were drawn" in last
    assert "weights" not in last


@pytest.mark.parametrize(("more", "drawn"), [((), ["input", "weights"]), (("--seed", 1), ["input"])])
def test_for_a_program(tiny: Path, ppc: Ppc, more: tuple[object, ...], drawn: list[str]) -> None:
    found = json.loads(ppc("run", tiny, "--mode=clear", "--json", *more).out)

    assert found["drawn"] == drawn
    assert len(found["result"]) == 1


def test_data_of_somebody_want_weights_of_somebody(ppc: Ppc) -> None:
    done = ppc("run", EXAMPLES / "shallow.pnn", "--input", EXAMPLES / "images.npz")

    assert done.code == 3
    assert "PPC501" in done.err
    assert "--weights FILE" in done.err


def test_what_has_no_bounds(tmp_path: Path, ppc: Ppc) -> None:
    """Nothing says how large such data are."""
    program = tmp_path / "open.pnn"
    program.write_text("model open(row: real[4]) -> real[2] {\n    dense(2)\n}\n", "utf-8")
    done = ppc("run", program)

    assert done.code == 1
    assert "PPC302" in done.err
    assert "--input DATA" in done.err
    assert "row: real[4]" in done.err


def test_more_than_a_demonstration(ppc: Ppc) -> None:
    done = ppc("run", EXAMPLES / "shallow.pnn", "--examples", 500_000)

    assert done.code == 3
    assert "392,000,000 values are more than are drawn for a demonstration" in done.err


def test_pictures_of_a_signal_are_nobodys_to_draw(ppc: Ppc) -> None:
    done = ppc("run", EXAMPLES / "alexnet_small.pnn", "--mode=clear")

    assert done.code == 3
    assert "PPC508" in done.err
    assert "--signals" in done.err
