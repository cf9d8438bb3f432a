"""Every exit code, as README.md promises them. Whatever happens, a person reads a message and never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ppc.cli import source_verbs
from ppc.errors import InternalError
from tests.cli.conftest import Ppc, shown
from tests.sources import CHECKOUT

EXAMPLES = CHECKOUT / "examples"
SHALLOW = EXAMPLES / "shallow.pnn"
IMAGES = EXAMPLES / "images.npz"


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A program with one mistake: a layer that there is not."""
    path = tmp_path / "wrong.pnn"
    path.write_text(SHALLOW.read_text("utf-8").replace("    relu\n", "    rely\n"), "utf-8")
    return path


@pytest.mark.parametrize(
    "command",
    [
        ["check", SHALLOW],
        ["check", SHALLOW, EXAMPLES / "mlp.pnn"],
        ["compile", SHALLOW],
        ["compile", SHALLOW, "--emit=ast"],
        ["compile", SHALLOW, "--emit=dot", "--after=place"],
        ["compile", SHALLOW, "--print-after-all", "--time-passes"],
        ["compile", EXAMPLES / "shallow_train.pnn", "--train", "--batch", 4],
        ["compile", EXAMPLES / "alexnet.pnn", "--as", "complemented"],
        ["explain"],
        ["explain", "ppc203"],
        ["run", SHALLOW, "--mode", "clear", "--seed", 1, "--input", IMAGES],
        ["weights", "list", SHALLOW],
        ["--version"],
        ["--help"],
        ["compile", "--help"],
    ],
    ids=shown,
)
def test_0_done(ppc: Ppc, command: list[object]) -> None:
    done = ppc(*command)

    assert done.code == 0
    assert done.out


def test_0_leaves_files(ppc: Ppc, tmp_path: Path) -> None:
    weights, folded, result = (tmp_path / name for name in ("w.safetensors", "f.npz", "r.npz"))

    assert ppc("weights", "init", SHALLOW, "-o", weights, "--seed", 3).code == 0
    assert ppc("weights", "fold", SHALLOW, weights, "-o", folded).code == 0
    assert ppc("weights", "list", SHALLOW, folded).code == 0
    assert ppc("run", SHALLOW, "--mode=clear", "--weights", folded, "--input", IMAGES, "-o", result).code == 0
    assert ppc("graph", SHALLOW, "-o", tmp_path / "g.svg").code == 0
    assert ppc("graph", SHALLOW, "-o", tmp_path / "g.dot").code == 0
    assert ppc("compile", SHALLOW, "-o", tmp_path / "g.graph").out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "f.npz",
        "g.dot",
        "g.graph",
        "g.svg",
        "r.npz",
        "w.safetensors",
    ]


def test_1_the_program_has_mistakes(ppc: Ppc, wrong: Path) -> None:
    for command in (
        ["check", wrong],
        ["check", SHALLOW, wrong],
        ["compile", wrong],
        ["graph", wrong, "-o", "never.svg"],
    ):
        done = ppc(*command)

        assert done.code == 1
        assert "PPC120" in done.err
        assert "`rely`" in done.err


def test_1_fmt_check_would_change(ppc: Ppc, tmp_path: Path) -> None:
    path = tmp_path / "loose.pnn"
    path.write_text(SHALLOW.read_text("utf-8").replace("    relu\n", "  relu\n"), "utf-8")
    before = path.read_text("utf-8")
    done = ppc("fmt", "--check", path)

    assert done.code == 1
    assert done.out == f"{path} would change\n"
    assert path.read_text("utf-8") == before
    assert ppc("fmt", path).code == 0
    assert ppc("fmt", "--check", path).code == 0


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["chek"],
        ["check"],
        ["compile", SHALLOW, "--emit=llvm"],
        ["compile", SHALLOW, "--batch", "0"],
        ["compile", SHALLOW, "--batch", "many"],
        *(["party", "client", "build", f"--patience={text}"] for text in ("nan", "inf", "1e300", "0", "-1", "soon")),
        *(["party", "client", "build", f"--idle={text}"] for text in ("nan", "0", "-1")),
        *(["deal", "build", "--count", 1, f"--days={text}"] for text in ("nan", "inf", "1e12", "-5", "0")),
        ["doctor", "--patience=nan"],
        ["train", SHALLOW, "--patience=nan"],
        ["run", SHALLOW, "--seed", "1", "--weights", "w.npz", "--input", IMAGES],
        ["graph", SHALLOW],
        ["weights", "melt", SHALLOW],
    ],
    ids=shown,
)
def test_2_the_command_line_was_not_understood(ppc: Ppc, command: list[object]) -> None:
    done = ppc(*command)

    assert done.code == 2
    assert done.err.startswith("usage: ppc")
    assert done.out == ""


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("PPC501", ["check", "there_is_none.pnn"]),
        ("PPC501", ["check", EXAMPLES]),
        ("PPC502", ["check", IMAGES]),
        ("PPC501", ["fmt", "there_is_none.pnn"]),
        ("PPC501", ["run", SHALLOW, "--input", IMAGES]),
        ("PPC501", ["run", SHALLOW, "--shares", "there_is_none.shares", "--input", IMAGES]),
        ("PPC578", ["run", SHALLOW, "--mode", "twin", "--shares", "there_is_none.shares", "--input", IMAGES]),
        ("PPC578", ["run", SHALLOW, "--shares", "without_ending", "--input", IMAGES]),
        ("PPC508", ["run", SHALLOW, "--shares", "there_is_none.shares", "--seed", 3, "--input", IMAGES]),
        ("PPC508", ["run", SHALLOW, "--shares", "a.shares", "--weights", "there_is_none.npz", "--input", IMAGES]),
        ("PPC501", ["run", SHALLOW, "--seed", 1, "--input", "there_is_none.npz"]),
        ("PPC530", ["run", SHALLOW, "--seed", 1, "--input", SHALLOW]),
        ("PPC508", ["run", EXAMPLES / "mlp.pnn", "--seed", 1, "--input", IMAGES]),
        ("PPC501", ["run", SHALLOW, "--weights", "there_is_none.npz", "--input", IMAGES]),
        ("PPC501", ["weights", "fold", SHALLOW, "-o", "never.npz"]),
        ("PPC509", ["weights", "init", SHALLOW]),
        ("PPC509", ["weights", "init", SHALLOW, "-o", "weights.txt"]),
        ("PPC509", ["graph", SHALLOW, "-o", "never.png"]),
        ("PPC509", ["compile", SHALLOW, "--emit=graph", "-o", EXAMPLES]),
        ("PPC509", ["compile", SHALLOW, "-o", "no/such/folder/x.graph"]),
        ("PPC509", ["graph", SHALLOW, "-o", "no/such/folder/x.svg"]),
        ("PPC509", ["run", SHALLOW, "--seed", 1, "--input", IMAGES, "-o", "no/such/folder/x.npz"]),
        ("PPC511", ["compile", SHALLOW, "--after", "plaec"]),
        ("PPC512", ["explain", "PPC999"]),
    ],
    ids=shown,
)
def test_3_a_file_or_the_data_does_not_fit(ppc: Ppc, code: str, command: list[object]) -> None:
    done = ppc(*command)

    assert done.code == 3
    assert f"-- {code} " in done.err
    assert done.out == ""


def test_70_a_mistake_of_ppc(ppc: Ppc, monkeypatch: pytest.MonkeyPatch) -> None:
    for mistake, said in (
        (InternalError("no shape", place="place"), "no shape (in place)"),
        (KeyError("x"), "KeyError: 'x'"),
    ):

        def broken(_: object, mistake: Exception = mistake) -> int:
            raise mistake

        monkeypatch.setattr(source_verbs, "explain", broken)
        done = ppc("explain", "PPC203")

        assert done.code == 70
        assert done.err.startswith(f"This is a mistake of ppc, not of your program: {said}")
        assert "test_exit_codes.py" in done.err
        assert done.out == ""


def test_no_core_file_is_left() -> None:
    """Of any command; in a process of its own, which cannot take it back."""
    lines = (
        "import resource; from ppc.cli import main",
        "assert main(['deal', 'there_is_none', '--count', '1']) == 3",
        "print(resource.getrlimit(resource.RLIMIT_CORE))",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )

    assert done.stdout == "(0, 0)\n"
