"""`ppc explain MODEL.pnn --split all`: every cut beside the others, and the paper's own numbers in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Ppc
from tests.sources import CHECKOUT

ALEXNET = CHECKOUT / "examples" / "alexnet.pnn"
PROGRAM = """party clinic, lab

model risk(facts: real[1, 6, 6] in 0..1) -> real[3] {
    conv2d(4, kernel=3)
    relu
    conv2d(4, kernel=3)
    relu
    dense(8)
    relu
    dense(3)
}

private risk {
    facts   from clinic
    weights from lab
    result  to   clinic
    split auto { weights = 300, density = 1 }
    complement offset
    server clear { send = byte }
    network { rtt = 10ms, bandwidth = 1M }
}

train risk by clear {
    labels from lab
    loss = softmax_cross_entropy
    sgd(rate=0.1, batch=16, epochs=4, momentum=0.9)
}
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("risk.pnn").write_text(PROGRAM, "utf-8")
    draws = np.random.default_rng(3)
    labels = draws.integers(3, size=200)
    facts = draws.uniform(0.0, 0.3, (200, 1, 6, 6))
    facts[np.arange(200), 0, 2 * labels] += 0.6
    np.savez("facts.npz", facts=facts, labels=labels)
    return Path("risk.pnn")


def cuts(ppc: Ppc, *words: object) -> dict[str, Any]:
    done = ppc("explain", *words, "--split", "all", "--json")

    assert done.code == 0, done.err
    return json.loads(done.out)


def test_the_paper_s_alexnet(ppc: Ppc) -> None:
    """Its Tables 4 and 5, and its check: all in what is printed for a reader."""
    done = ppc("explain", ALEXNET, "--split", "all")
    said = [" ".join(line.split()) for line in done.out.splitlines()]

    assert "1 conv1 23,296 182 KiB 193,600 184.6 ms 46,656 0.31 186,624 B 178.0 ms" in said
    assert [" ".join(line.split()[:4]) for line in said[5:8]] == [
        "2 conv2 330,688 2.52",
        "3 conv3 994,624 7.59",
        "4 conv4 2,322,112 17.72",
    ]
    assert any(line.startswith("1 conv1 2,187 1,600 2,187 > 1,600 passes 1.33") for line in said)
    assert "186,624 = 27·27·256" in done.out


def test_every_cut_of_a_small_model(ppc: Ppc, program: Path) -> None:
    found = cuts(ppc, program)
    one, two, three = found["cuts"]

    assert [cut["k"] for cut in found["cuts"]] == [1, 2, 3]
    assert found["taken"] == 2
    assert [cut["limits_broken"] for cut in found["cuts"]] == [["density 1.78 > 1"], [], ["weights 348 > 300"]]
    assert (two["crossing"], two["crossing_bytes"], two["links_seconds"]) == (16, 24, 8 * 16 / 1e6)
    assert one["rank"] == {"found": 36, "reads": 36, "exact": True, "drawn_weights": True}
    assert (one["density"], one["equations_for_each_unknown"]) == (64 / 36, 4.0)
    assert two["rank"]["found"] == 16
    assert one["joint"]["rounds"] > three["joint"]["rounds"] > 0
    assert one["accuracy"] is None


def test_a_signal_at_a_layer_of_its_own(ppc: Ppc, program: Path) -> None:
    """Behind that layer every cut is given its weights and is as accurate; in front of it there is none."""
    program.write_text(PROGRAM.replace("complement offset", "complement offset at 2"), "utf-8")
    found = cuts(ppc, program, "--data", "facts.npz", "--seed", 1)
    one, two, three = found["cuts"]
    program.write_text(PROGRAM.replace("    complement offset\n", ""), "utf-8")
    plain = cuts(ppc, program)["cuts"]

    assert "the signal joins layer 2, behind the cut" in one["limits_broken"]
    grown = [cut["weights"] - less["weights"] for cut, less in zip(found["cuts"], plain, strict=True)]
    assert grown == [0, 3 * 4 * 9, 3 * 4 * 9]
    assert one["accuracy"] is None
    assert two["accuracy"] == three["accuracy"] > 0.2
    assert 1 not in found["front"]


def test_accuracies_are_trained(ppc: Ppc, program: Path) -> None:
    """With a signal that shifts the answer, at every cut."""
    found = cuts(ppc, program, "--data", "facts.npz", "--seed", 1)

    assert [0.2 < cut["accuracy"] <= 1 for cut in found["cuts"]] == [True] * 3


def test_a_picture_of_the_front(ppc: Ppc, program: Path) -> None:
    done = ppc("explain", program, "--split", "all", "--picture", "cuts.svg")
    drawn = Path("cuts.svg").read_text("utf-8")

    assert "wrote cuts.svg" in done.out
    assert all(f"k = {layer}" in drawn for layer in (1, 2, 3))
    assert "no cut beats it" in drawn
    assert "taken by the program" in drawn


def test_no_cut_within_the_limits(ppc: Ppc, program: Path) -> None:
    """All are shown all the same, each with what it breaks."""
    program.write_text(PROGRAM.replace("weights = 300", "weights = 10"), "utf-8")

    done = ppc("explain", program, "--split", "all")

    assert "no cut keeps within the limits of `split auto`" in done.out
    assert done.out.count("> 10\n") + done.out.count("> 10,") == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--picture", "cuts.png"), "PPC509"),
        (("--weights", "facts.npz"), "PPC503"),
        (("--data", "none.npz"), "PPC501"),
        (("--as", "other"), "PPC133"),
    ],
)
def test_what_it_cannot_show(ppc: Ppc, program: Path, words: tuple[str, ...], code: str) -> None:
    done = ppc("explain", program, "--split", "all", *words)

    assert done.code in (1, 2, 3)
    assert code in done.err


def test_a_model_that_nobody_holds(ppc: Ppc, program: Path) -> None:
    program.write_text(PROGRAM[PROGRAM.index("model") : PROGRAM.index("private")], "utf-8")

    done = ppc("explain", program, "--split", "all")

    assert "PPC509" in done.err


def test_check_tells_the_bytes_that_cross(ppc: Ppc, program: Path) -> None:
    """16 numbers as bytes and their two ends, beside an answer of three numbers in whole words."""
    done = ppc("check", program)

    assert ": 24 bytes as bytes between two ends, " in done.out
    assert ": 16 bytes as float32, " in done.out
