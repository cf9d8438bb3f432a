"""`ppc train` of many participants: real processes over TLS on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from ppc.cli import selective_roles
from ppc.cli.arguments import parser
from ppc.cli.crowd import certificates
from ppc.selective import tally
from ppc.selective.host import Host
from tests.sources import CHECKOUT

PROGRAM = """
model digits(image: real[1, 8, 8] in 0..1) -> real[10] {
    dense(10)
}

train digits by selective {
    participants 2
    upload 10% random
    rounds 2
    rate 0.1
    batch 5
}
"""


def ppc(folder: Path, *words: str, more: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "digits.pnn").write_text(PROGRAM.replace("    rounds 2\n", f"    rounds 2\n{more}"))
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "HOME": str(folder)}
    line = [sys.executable, "-m", "ppc", "train", "digits.pnn", *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, env=environment, timeout=400)


def test_a_training_of_processes_gives_the_model_and_tells_its_bytes(tmp_path: Path) -> None:
    data = ("--data", "digits:100,part=train", "--test", "digits:50,part=test")
    done = ppc(tmp_path, *data, "--seed", "1", "--json", "-o", "model.safetensors", "--checkpoint", "kept")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["up"] == found["predicted_up"] == 4 * (24 + 8 * 65)
    assert found["down"] == found["predicted_down"] == 4 * (24 + 8 * 650)
    assert set(found["reports"]) == {"1", "2"}
    assert (tmp_path / "model.safetensors").stat().st_size > 4 * 650
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == sorted(
        f"{who}.{number}.npz" for who in ("server", "participant_0", "participant_1") for number in (1, 2)
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "PPC508"),
        (("--data", "digits:1"), "PPC508"),
        (("--be", "1", "--data", "digits:10"), "PPC657"),
        (("--be", "server", "--resume"), "PPC660"),
    ],
    ids=["no data", "too few examples", "no server", "no certificates"],
)
def test_what_is_missing_is_said(tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    done = ppc(tmp_path, *words)

    assert done.returncode in (3, 5)
    assert code in done.stderr
    assert "Traceback" not in done.stderr


def test_the_model_is_written_before_anybody_is_asked_for_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A participant that dies while it measures its own costs the server nothing."""
    (tmp_path / "digits.pnn").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(selective_roles, "_gather", Mock())
    monkeypatch.setattr(tally, "priced", Mock(return_value=[]))
    monkeypatch.setattr(Host, "run", Mock())
    monkeypatch.setattr(Host, "reports", Mock(side_effect=OSError("gone")))
    words = ["--be", "server", "--certificates", str(certificates(tmp_path / "rings", 2)["server"])]
    arguments = parser().parse_args(
        ["train", "digits.pnn", *words, "--listen", "127.0.0.1:0", "-o", "made.safetensors"]
    )

    with pytest.raises(OSError, match="gone"):
        selective_roles.server(arguments, Mock())

    assert (tmp_path / "made.safetensors").stat().st_size > 4 * 650


def test_updates_on_shares_go_to_two_aggregators(tmp_path: Path) -> None:
    done = ppc(tmp_path, "--data", "digits:100,part=train", "--json", more="    aggregate additive\n    clip 0.1\n")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["up"] == found["up_second"] == found["predicted_up"] == 4 * (16 + 8 * 65)
    assert found["down"] == found["predicted_down"] == 4 * (16 + 24 + 8 * 650)


@pytest.mark.parametrize("role", ["server", "1"])
def test_an_aggregator_that_is_not_named_is_missed(tmp_path: Path, role: str) -> None:
    rings = certificates(tmp_path / "rings", 2)
    words = ("--be", role, "--data", "digits:20", "--peer", "127.0.0.1:1", "--certificates", str(rings[role]))
    done = ppc(tmp_path, *words, more="    aggregate additive\n    clip 0.1\n")

    assert done.returncode == 5
    assert "PPC686" in done.stderr


def test_the_live_table_tells_accuracy_and_epsilon_and_a_budget_stops_the_training(tmp_path: Path) -> None:
    data = ("--data", "digits:100,part=train", "--test", "digits:50,part=test")
    done = ppc(tmp_path, *data, more="    clip norm 1\n    noise gaussian 2\n    budget 6\n")

    assert done.returncode == 0, done.stderr
    before, *rows = [line for line in done.stderr.splitlines() if " epsilon " in line]
    assert "2 uploads of a participant cost a total epsilon of" in before
    assert "the budget of 6 pays for 1 of them: the training stops there" in done.stderr
    (row,) = (line for line in rows if "of 2   accuracy 0." in line)
    assert "2 exchanges" in row
    assert "staleness" in row
    assert "the budget is spent after 1 of 2 rounds" in done.stderr
    epsilon = float(row.rpartition("epsilon ")[2])
    assert 0 < epsilon <= 6
    told = float(done.stdout.partition("total epsilon ")[2].partition(" ")[0])
    assert told == pytest.approx(epsilon, abs=0.0056)  # of two digits behind the point, and of three


def test_a_budget_for_nothing_is_refused(tmp_path: Path) -> None:
    done = ppc(tmp_path, "--data", "digits:100", more="    clip norm 1\n    noise gaussian 1\n    budget 0.1\n")

    assert done.returncode == 5
    assert "PPC685" in done.stderr
