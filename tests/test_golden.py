"""The helper behind all golden files: it must not pass by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import FOLDER, Golden


def test_path_comes_from_the_test() -> None:
    """Room, file, test and parameters."""
    found = Golden.of("tests/ir/test_text.py::test_small[a/b 1]", update=False)

    assert found.stem == FOLDER / "ir" / "text" / "small_a_b_1"


def test_missing_file_fails_and_says_how_to_make_it(tmp_path: Path) -> None:
    """A new test is not green before somebody has read its output."""
    with pytest.raises(AssertionError, match="--update-golden"):
        Golden(stem=tmp_path / "new", update=False).check("text")


def test_update_writes_what_a_check_then_holds(tmp_path: Path) -> None:
    """Written once, compared from then on."""
    Golden(stem=tmp_path / "deep" / "file", update=True).check("text\n", part="after")

    Golden(stem=tmp_path / "deep" / "file", update=False).check("text\n", part="after")
    with pytest.raises(AssertionError, match="differs"):
        Golden(stem=tmp_path / "deep" / "file", update=False).check("other\n", part="after")
