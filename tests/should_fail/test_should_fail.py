"""Every wrong program is refused with the codes it names, in a message that helps. The messages are golden."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import Golden
from tests.should_fail.programs import PROGRAMS, expected_codes, run


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_wrong_program(
    program: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    golden: Golden,
) -> None:
    failed = run(program, tmp_path, monkeypatch, capsys)

    assert failed.code in (1, 3)
    assert failed.printed == ""
    assert "Traceback" not in failed.complained
    golden.named(f"should_fail/{program.stem}.txt", failed.complained)
    assert failed.codes == expected_codes(program)
