"""`open winner` from the command line: every role a process over TLS, and what cannot be done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ppc.cli import main
from ppc.cli.crowd import certificates
from tests.collaborative.test_processes import PROGRAM, ppc

OPEN = PROGRAM.replace("queries 20", "queries 20\n    open winner")
DATA = ("--data", "digits:60,part=train", "--public", "digits:30,part=test")


def test_one_command_starts_everybody_and_opens_winners_alone(tmp_path: Path) -> None:
    done = ppc(tmp_path, *DATA, "--seed", "1", "--json", "--labels", "labels.npz", program=OPEN)

    assert done.returncode == 0, done.stderr
    found, privacy = json.loads(done.stdout), json.loads((tmp_path / "labels.privacy.json").read_text())
    comparison = found["comparison"]
    assert comparison["measured"]["sent"] == comparison["predicted"]["sent"]
    assert comparison["measured"]["dealt"][0] is None
    assert comparison["measured"]["dealt"][1] == comparison["predicted"]["dealt"][1]
    assert comparison["measured"]["rounds"] == comparison["predicted"]["rounds"] == 13
    assert privacy == found["privacy"]
    assert (privacy["opened"], privacy["queries"]) == ("winner", 20)
    assert "estimate_from_the_counts" not in privacy
    with np.load(tmp_path / "labels.npz") as labels:
        assert labels["labels"].shape == (20,)


@pytest.mark.parametrize(
    ("words", "code", "program"),
    [
        (("--be", "server", "--dealer", "192.0.2.1"), "PPC686", OPEN),
        (("--be", "server", "--aggregator", "192.0.2.1"), "PPC657", OPEN),
        (("--be", "server", "--aggregator", "127.0.0.1", "--dealer", "192.0.2.1"), "PPC659", OPEN),
        (("--be", "server", "--aggregator", "192.0.2.1", "--dealer", "127.0.0.1"), "PPC659", OPEN),
        (("--be", "aggregator"), "PPC657", OPEN),
        (("--be", "aggregator", "--dealer", "127.0.0.1"), "PPC659", OPEN),
        (("--be", "dealer"), "PPC686", PROGRAM),
        (("--be", "aggregator"), "PPC686", PROGRAM),
    ],
)
def test_what_a_role_is_not_told_or_may_not_do_is_said_before_anybody_trains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str, program: str
) -> None:
    (tmp_path / "digits.pnn").write_text(program)
    ring = certificates(tmp_path / "rings", 1)[words[1]]
    here = ("--listen", "127.0.0.1:0", "--certificates", str(ring), "--patience", "0.1")

    assert main(["train", str(tmp_path / "digits.pnn"), *DATA, *words, *here]) != 0
    assert code in capsys.readouterr().err


def test_votes_that_are_too_many_are_refused_when_the_program_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "digits.pnn").write_text(OPEN.replace("queries 20", "queries 2000000"))

    assert main(["train", str(tmp_path / "digits.pnn"), *DATA]) != 0
    assert "PPC134" in capsys.readouterr().err


def test_check_says_who_learns_what_and_what_it_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "digits.pnn").write_text(OPEN)

    assert main(["check", str(tmp_path / "digits.pnn")]) == 0

    said = capsys.readouterr().out
    assert "opened of each vote: the class that wins, and no count" in said
    assert "1,600 bytes to each" in said
    assert "in 13 rounds: the aggregator sends 3,328 bytes, the server 3,152, the dealer 12,584" in said
    assert "aggregator learns nothing" in said
    assert "server learns the class of each of 20 examples" in said
