"""Places for files: whether they can be written to is known before there is anything to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ppc.errors import PpcError
from ppc.files import check_folder, check_writable, make_folder, remove_parts


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"as it was")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("ask", "place"),
    [
        (check_writable, "folder"),
        (check_writable, "none/new"),
        (check_writable, "file/new"),
        (check_writable, "/proc/new"),
        (check_folder, "file"),
        (check_folder, "file/in/it"),
        (check_folder, "/proc/new"),
        (make_folder, "file"),
        (make_folder, "file/in/it"),
        (make_folder, "/proc/new"),
    ],
)
def test_where_nothing_can_be_written(home: Path, ask: Callable[[Path], None], place: str) -> None:
    with pytest.raises(PpcError, match="PPC509"):
        ask(home / place)


@pytest.mark.parametrize(
    ("ask", "place"),
    [
        (check_writable, "new"),
        (check_writable, "file"),
        (check_writable, "/dev/null"),
        (check_folder, "folder"),
        (check_folder, "new/in/it"),
    ],
)
def test_asking_leaves_everything_as_it_was(home: Path, ask: Callable[[Path], None], place: str) -> None:
    ask(home / place)

    assert sorted(path.name for path in home.rglob("*")) == ["file", "folder"]
    assert (home / "file").read_bytes() == b"as it was"


def test_what_was_left_half_written_goes(home: Path) -> None:
    """Of names that begin so, and of no others."""
    for name in (".kept.1.a.part", ".kept.2.part", ".other.part", "kept.part"):
        (home / name).touch()

    remove_parts(home, "kept.")

    assert sorted(path.name for path in home.glob("*part")) == [".other.part", "kept.part"]
