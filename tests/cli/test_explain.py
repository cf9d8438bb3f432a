"""`ppc explain MODEL.pnn`: what it costs and what it shows, as text, as JSON and as a contract to hold it to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ppc
from tests.golden import Golden
from tests.sources import CHECKOUT

PROGRAM = """party hospital, lab

model small(image: real[1, 6, 6] in 0..1) -> real[3] {
    conv2d(2, kernel=3, padding=same)
    relu
    dense(3)
}

private small {
    image   from hospital
    weights from lab in -1..1
    result  to   hospital
    joint { field = mersenne61, fraction = 16 }
}

train small {
    labels from hospital
    logits to   hospital
    model  to   lab
    loss = softmax_cross_entropy
    sgd(rate=0.01, batch=2, epochs=1)
}
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("small.pnn").write_text(PROGRAM, "utf-8")
    return Path("small.pnn")


def found(ppc: Ppc, *words: object) -> dict[str, Any]:
    done = ppc("explain", *words, "--json")

    assert done.code == 0
    return json.loads(done.out)


def test_bill(ppc: Ppc, program: Path, golden: Golden) -> None:
    golden.check(ppc("explain", program, "--net", "wan").out)


def test_contract(ppc: Ppc, program: Path, golden: Golden) -> None:
    golden.check(ppc("explain", program, "--train", "--leak").out)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_levels(ppc: Ppc, program: Path, level: int) -> None:
    """The same levels stand side by side, whichever is asked for."""
    one = found(ppc, program, "--train", f"-O{level}")
    each = next(total for total in one["totals"] if total["section"] == "each")

    assert one["level"] == level
    assert one["levels"][str(level)] == each
    assert set(one["levels"]) == {"0", "1", "2"}


def test_higher_levels_cost_less(ppc: Ppc, program: Path) -> None:
    levels = found(ppc, program, "--train")["levels"]

    assert sum(levels["2"]["sent"]) < sum(levels["1"]["sent"]) < sum(levels["0"]["sent"])
    assert levels["2"]["rounds"] < levels["1"]["rounds"]


def test_a_batch_and_a_network(ppc: Ppc, program: Path) -> None:
    one = found(ppc, program, "--batch", 8, "--net", "rtt=40ms,bw=100M")

    assert one["batch"] == 8
    assert one["net"] == {"name": "rtt=40ms,bw=100M", "rtt": 0.04, "bandwidth": 100e6}


def test_the_network_of_the_program(ppc: Ppc, program: Path) -> None:
    text = PROGRAM.replace("    joint", "    network { rtt = 30ms, bandwidth = 50M }\n    joint")
    program.write_text(text, "utf-8")

    assert found(ppc, program)["net"] == {"name": "network", "rtt": 0.03, "bandwidth": 50e6}


def test_a_network_that_is_none(ppc: Ppc, program: Path) -> None:
    done = ppc("explain", program, "--net", "fast")

    assert done.code == 2
    assert "is no network: write lan, wan, here, or as in rtt=40ms,bw=100M" in done.err


def test_the_counts_of_the_paper(ppc: Ppc) -> None:
    """Values that one party opens for products in an iteration, batch 128: tables 6 and 7."""
    for name, counts in (("shallow", (13_174_048, 4_178_720)), ("deep", (29_556_128, 5_144_416))):
        levels = found(ppc, CHECKOUT / "examples" / f"{name}_cubic.pnn", "--train")["levels"]

        assert (levels["0"]["openings"], levels["1"]["openings"]) == counts


# ---- the contract ----


def test_a_kept_contract(ppc: Ppc, program: Path) -> None:
    saved = ppc("explain", program, "--train", "--leak", "--save", "leak.lock")
    checked = ppc("explain", program, "--train", "--leak", "--check", "leak.lock")

    assert saved.out == "wrote leak.lock\n"
    assert (checked.code, checked.out) == (0, "nothing is revealed beyond leak.lock\n")


def test_levels_keep_the_same_contract(ppc: Ppc, program: Path) -> None:
    ppc("explain", program, "--train", "--leak", "--save", "leak.lock")
    for level in range(3):
        assert ppc("explain", program, "--train", f"-O{level}", "--leak", "--check", "leak.lock").code == 0


def test_more_is_an_error_at_its_line(ppc: Ppc, program: Path, golden: Golden) -> None:
    program.write_text(PROGRAM.replace("    model  to   lab\n", ""), "utf-8")
    ppc("explain", program, "--train", "--leak", "--save", "leak.lock")
    program.write_text(PROGRAM, "utf-8")
    done = ppc("explain", program, "--train", "--leak", "--check", "leak.lock")

    assert done.code == 1
    golden.check(done.err)


def test_less_is_fine_and_said(ppc: Ppc, program: Path) -> None:
    ppc("explain", program, "--train", "--leak", "--save", "leak.lock")
    program.write_text(PROGRAM.replace("    model  to   lab\n", ""), "utf-8")
    done = ppc("explain", program, "--train", "--leak", "--check", "leak.lock")

    assert done.code == 0
    assert "not revealed any more: lab sees `conv1.weight`, by `model`" in done.out


def test_a_failed_check_saves_nothing(ppc: Ppc, program: Path) -> None:
    ppc("explain", program, "--leak", "--save", "leak.lock")
    before = Path("leak.lock").read_bytes()
    done = ppc("explain", program, "--train", "--check", "leak.lock", "--save", "leak.lock")

    assert done.code == 1
    assert Path("leak.lock").read_bytes() == before


def test_the_contract_as_json(ppc: Ppc, program: Path) -> None:
    one = found(ppc, program, "--leak")

    assert one["notes"] == []
    assert {(seen["party"], seen["value"]) for seen in one["seen"] if seen["grant"] == "result"} == {
        ("hospital", "dense1.to_hospital")
    }


def test_a_program_without_a_private_block(ppc: Ppc, program: Path) -> None:
    program.write_text(PROGRAM.partition("private")[0], "utf-8")

    assert "PPC131" in ppc("explain", program).err
