"""`--json` prints one object and nothing else, on success and on failure; README.md lists the keys."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from ppc import cli
from ppc.cli import source_verbs
from tests.cli.conftest import Ppc, shown
from tests.sources import CHECKOUT

EXAMPLES = CHECKOUT / "examples"
SHALLOW = EXAMPLES / "shallow.pnn"
IMAGES = EXAMPLES / "images.npz"


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (["check", SHALLOW], "programs diagnostics"),
        (["compile", SHALLOW], "model private passes text"),
        (["compile", SHALLOW, "--emit=dot"], "model private passes text"),
        (["compile", SHALLOW, "-o", "build/"], "model private written batches hash"),
        (["explain"], "codes"),
        (["explain", "PPC203"], "code title explanation"),
        (
            ["explain", SHALLOW],
            "model level batch field parties notes rows totals randomness reasons net machine levels",
        ),
        (
            ["explain", SHALLOW, "--leak"],
            "version model parties field training batch adversary dealer seen caveats notes",
        ),
        (["run", SHALLOW, "--mode=clear", "--seed", 1, "--input", IMAGES], "mode result drawn"),
        (["weights", "list", SHALLOW], "parameters notes"),
        (["weights", "init", SHALLOW, "-o", "w.npz"], "written notes"),
    ],
    ids=shown,
)
def test_success(ppc: Ppc, command: list[object], keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = ppc(*command, "--json")
    found = json.loads(done.out)

    assert done.code == 0
    assert found.pop("ok") is True
    assert set(found) == set(keys.split())
    assert done.err == ""


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (3, ["check", "there_is_none.pnn"]),
        (3, ["compile", "there_is_none.pnn"]),
        (3, ["explain", "PPC999"]),
        (3, ["run", EXAMPLES / "alexnet.pnn", "--mode=joint", "--seed", 1, "--input", IMAGES]),
        (3, ["bundle", "show", "there_is_none"]),
        (3, ["weights", "init", SHALLOW]),
        (3, ["import", "there_is_none.onnx"]),
    ],
    ids=shown,
)
def test_failure(ppc: Ppc, code: int, command: list[object]) -> None:
    done = ppc(*command, "--json")
    found = json.loads(done.out)

    assert done.code == code
    assert found["ok"] is False
    assert [diagnostic.keys() for diagnostic in found["diagnostics"]] == [
        {"code", "message", "file", "span", "notes", "hint"}
    ]
    assert done.err == ""


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        (KeyError("x"), 70, "KeyError: 'x'"),
        (KeyboardInterrupt(), 130, "stopped"),
        (OSError(errno.ENOSPC, "No space left on device"), 3, "No space left on device"),
    ],
    ids=["mistake", "stopped", "full disk"],
)
def test_the_worst(ppc: Ppc, monkeypatch: pytest.MonkeyPatch, what: BaseException, code: int, said: str) -> None:
    def broken(_: object) -> int:
        raise what

    monkeypatch.setattr(source_verbs, "explain", broken)
    monkeypatch.setattr(cli, "_forget_output", lambda: None)  # it is this process's
    done = ppc("explain", "--json")
    found = json.loads(done.out)

    assert done.code == code
    assert found["ok"] is False
    assert [diagnostic.keys() for diagnostic in found["diagnostics"]] == [
        {"code", "message", "file", "span", "notes", "hint"}
    ]
    assert said in found["diagnostics"][0]["message"]


def test_every_mistake_of_every_program(ppc: Ppc, tmp_path: Path) -> None:
    text = SHALLOW.read_text("utf-8")
    (tmp_path / "one.pnn").write_text(text.replace("relu", "rely"), "utf-8")
    (tmp_path / "two.pnn").write_text(text.replace("hospital, lab", "hospital, lap"), "utf-8")
    done = ppc("check", "--json", tmp_path / "one.pnn", SHALLOW, tmp_path / "two.pnn")
    found: dict[str, Any] = json.loads(done.out)

    assert done.code == 1
    assert [Path(program["file"]).name for program in found["programs"]] == ["shallow.pnn"]
    assert {(Path(d["file"]).name, d["code"]) for d in found["diagnostics"]} == {
        ("one.pnn", "PPC120"),
        ("two.pnn", "PPC119"),
    }
    assert found["diagnostics"][0]["span"] == "11:5-11:9"


def test_check_tells_what_is_opened_to_whom(ppc: Ppc) -> None:
    found = json.loads(ppc("check", "--json", SHALLOW).out)

    assert found["programs"][0]["models"][0]["openings"] == [
        {"value": "dense1", "to": "hospital", "line": 18, "grant": "result"}
    ]
