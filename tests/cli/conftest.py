"""The command line as a function: what it returned and what it printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ppc.cli import main


@dataclass(frozen=True)
class Done:
    """The end of one command."""

    code: int
    out: str
    err: str


Ppc = Callable[..., Done]


def shown(command: object) -> str:
    """A command as the name of its test: files without their folders."""
    return re.sub(r"PosixPath\('(?:[^']*/)?([^']+)'\)", r"\1", str(command))


@pytest.fixture
def ppc(capsys: pytest.CaptureFixture[str]) -> Ppc:
    """`ppc("check", path)` runs in this process."""

    def run(*arguments: object) -> Done:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse leaves so
            code = int(end.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Done(code, said.out, said.err)

    return run
