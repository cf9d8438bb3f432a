"""Runs one wrong program as its first lines say, and returns what its user reads.

# error: PPC203 PPC205              the codes of the message, in its order
# command: run --seed 1 --input …   a verb of the command line; `check`, where nothing is said
# make: w.safetensors a.b=10x64*9   a file of arrays before it: name=shape, *value, @element
# garbage: w.npz                    a file of nonsense
# write: leak.lock {…}              a file of one line
# without: torch                    a package that is not installed
# pad: 1000000                      so many blank lines behind the program
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]

from ppc.cli import main

FOLDER = Path(__file__).parent
PROGRAMS = sorted(FOLDER.glob("*.pnn"))
_ARRAY = re.compile(r"(?P<name>[\w.]+)=(?P<shape>[\dx]+)(\*(?P<value>\w+))?(@(?P<element>\w+))?")


@dataclass(frozen=True)
class Failed:
    """What a command left behind."""

    code: int
    printed: str
    complained: str

    @property
    def codes(self) -> list[str]:
        """The codes of the headings, in order."""
        return re.findall(r"^-- (PPC\d+) ", self.complained, re.M)


def directives(program: Path, word: str) -> Iterator[str]:
    """What the first lines of a program say behind a word."""
    for line in program.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            return
        if line.startswith(f"# {word}: "):
            yield line.removeprefix(f"# {word}: ")


def expected_codes(program: Path) -> list[str]:
    return next(directives(program, "error"), "").split()


def run(program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Failed:
    """The command of a program, inside of `folder`, so that messages name files as a user would."""
    padding = "\n" * int(next(directives(program, "pad"), "0"))
    (folder / program.name).write_text(program.read_text("utf-8") + padding, encoding="utf-8")
    for line in directives(program, "make"):
        _make(folder, line)
    for name in directives(program, "garbage"):
        (folder / name).write_bytes(b"this is no file of numbers")
    for line in directives(program, "write"):
        name, _, text = line.partition(" ")
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
    for name in directives(program, "without"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.chdir(folder)
    code = main(_command(program))
    printed = capsys.readouterr()
    return Failed(code, printed.out, printed.err)


def _command(program: Path) -> list[str]:
    """The words of the command; the program stands where `{program}` is, or behind the verb."""
    words = shlex.split(next(directives(program, "command"), "check"))
    named = any("pnn" in word or word == "{program}" for word in words)
    if words[0] != "explain" and not named:
        words.insert(1, "{program}")
    return [program.name if word == "{program}" else word for word in words]


def _make(folder: Path, line: str) -> None:
    name, *rest = line.split()
    arrays = {match["name"]: _array(match) for match in map(_ARRAY.fullmatch, rest) if match}
    match Path(name).suffix:
        case ".npy":
            np.save(folder / name, next(iter(arrays.values())))
        case ".npz":
            np.savez(folder / name, allow_pickle=False, **arrays)
        case _:
            save_file(arrays, folder / name)


def _array(match: re.Match[str]) -> NDArray[np.generic]:
    shape = tuple(map(int, match["shape"].split("x")))
    return np.full(shape, float(match["value"] or "0.5"), dtype=match["element"] or "float32")
