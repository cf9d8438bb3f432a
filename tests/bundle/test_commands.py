"""compile to a folder, bundle show and verify, and what explain says of several batch sizes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ppc.bundle.reading import verify
from ppc.cli import main
from ppc.passes.checks.verdict import accepted
from tests.bundle.made import SMALL, build
from tests.golden import Golden

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run where the program lies."""
    (tmp_path / "small.pnn").write_text(SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_compile_into_a_folder(folder: Path, capsys: Capture) -> None:
    assert main(["compile", "small.pnn", "--model", "small", "-o", "build/", "--batch", "4,1,4"]) == 0
    found = verify(folder / "build", accepted)

    assert found[0].batches == (1, 4)
    assert capsys.readouterr().out == (
        f"wrote build/small: client, server, dealer; batch 1, 4\nschedule {found[0].hash}\n"
    )


def test_a_folder_that_is_there_needs_no_slash(folder: Path, capsys: Capture) -> None:
    (folder / "build").mkdir()

    assert main(["compile", "small.pnn", "--as", "turned", "-O", "1", "-o", "build", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["model"], found["private"], found["batches"]) == (True, "small", "turned", [1])
    assert found["written"] == "build/small.turned"
    assert verify(folder / "build", accepted)[0].hash == found["hash"]


def test_training(folder: Path, capsys: Capture) -> None:
    assert main(["compile", "small.pnn", "--model", "other", "--train", "-o", "build/"]) == 0
    assert verify(folder / "build" / "other.train", accepted)[0].training
    assert "batch 4" in capsys.readouterr().out


def test_a_file_is_what_it_was(folder: Path, capsys: Capture) -> None:
    """With a stage named, or a name that is no folder's, `-o` is a file."""
    for name, options in (("a.plan", ["--emit=plan"]), ("b.graph", []), ("c.graph", ["--after=place"])):
        assert main(["compile", "small.pnn", *options, "--batch", "4", "-o", name]) == 0
        assert (folder / name).is_file()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--batch", "1,4"], 3, "PPC509"),
        (["--batch", "1,4", "-o", "plan.txt", "--emit=plan"], 3, "PPC509"),
        (["--batch", "1,4", "--train", "-o", "build/"], 3, "PPC547"),
        (["-o", "small.pnn/"], 3, "PPC509"),
    ],
)
def test_compiling_what_cannot_be(options: list[str], code: int, said: str, capsys: Capture) -> None:
    assert main(["compile", "small.pnn", "--model", "other", *options]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("sizes", ["", "0", "1,", "1;2", "x", "1,,2", ",".join(map(str, range(1, 100)))])
def test_sizes_that_are_none(sizes: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["compile", "small.pnn", "--batch", sizes, "-o", "build/"])

    assert "argument --batch" in capsys.readouterr().err


@pytest.mark.parametrize("train", [False, True])
def test_show(folder: Path, capsys: Capture, golden: Golden, train: bool) -> None:
    """For a person."""
    build(folder / "build", "other" if train else "small", train=train)
    assert main(["bundle", "show", "build"]) == 0

    out = re.sub(r"\b[0-9a-f]{64}\b", "HASH", capsys.readouterr().out)
    golden.check(re.sub(r"(manifest), [\d,]+ bytes", r"\1, N bytes", out))


def test_show_for_a_machine(folder: Path, capsys: Capture) -> None:
    build(folder / "build")
    assert main(["bundle", "show", "build/small", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert set(found) == {"ok", "hash", "schedule", "roles"}
    assert [role["role"] for role in found["roles"]] == ["client", "server", "dealer"]
    assert [one["requests"] for one in found["schedule"]["batches"]] == [[1, 1], [2, 4], [5, 8]]


def test_verify_one_role(folder: Path, capsys: Capture) -> None:
    """A party has its own role's folder only."""
    hash_ = verify(build(folder / "build"), accepted)[0].hash
    (folder / "build/small/client").rename(folder / "mine")
    for name, roles in (("mine", "client"), ("build", "server, dealer")):
        assert main(["bundle", "verify", name]) == 0
        assert capsys.readouterr().out == f"{roles}: whole, 3 plan(s) checked\nschedule {hash_}\n"


def test_explain_shows_the_padding(capsys: Capture) -> None:
    assert main(["explain", "small.pnn", "--model", "small", "--batch", "1,4,8"]) == 0
    whole = capsys.readouterr().out
    assert main(["explain", "small.pnn", "--model", "small", "--batch", "8"]) == 0
    largest = capsys.readouterr().out

    assert whole.startswith(largest)
    added = whole.removeprefix(largest).splitlines()
    assert [line.split()[:3] for line in added[3:6]] == [["1", "1", "0"], ["2", "to", "4"], ["5", "to", "8"]]
    assert "larger requests run in batches of 8" in added[6]


def test_training_has_one_batch_size(capsys: Capture) -> None:
    assert main(["explain", "small.pnn", "--model", "other", "--train", "--batch", "1,4"]) == 3
    assert "PPC547" in capsys.readouterr().err


def test_explain_and_the_bundle_agree(folder: Path, capsys: Capture) -> None:
    build(folder / "build")
    assert main(["explain", "small.pnn", "--model", "small", "--batch", "1,4,8", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["batches"]
    batches = verify(folder / "build", accepted)[0].manifest.batches

    for row, batch in zip(rows, batches, strict=True):
        each = next(cost for cost in batch.costs if cost["section"] == "each")
        assert (row["batch"], row["sent"], row["rounds"]) == (batch.batch, each["sent"], each["rounds"])
        assert row["dealt"][1] == each["dealt"]
