"""Keys: never shown, never overwritten, read only where nobody else could."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ppc.cli import main
from ppc.distilled import Key, secret
from ppc.errors import PpcError
from tests.distilled.made import KEY, OTHER


def code_of(caught: pytest.ExceptionInfo[PpcError]) -> str:
    return caught.value.diagnostics[0].code


def test_what_is_derived_depends_on_key_and_purpose() -> None:
    found = {KEY.derived("a"), KEY.derived("b"), OTHER.derived("a")}

    assert len(found) == 3
    assert KEY.derived("a") == Key(bytes(range(32))).derived("a")


def test_a_new_key_is_another_each_time() -> None:
    assert len({Key().name for _ in range(20)}) == 20


def test_words_are_written_down() -> None:
    """HKDF of RFC 5869 and ChaCha20 of RFC 8439, once and for all: a package of today trains tomorrow."""
    assert KEY.words("weights", 2).tolist() == [8301678115839437095, 1301955778184346534]
    assert KEY.name == "6fc865a6a72bf6b7"


def test_a_key_goes_to_a_file_and_back(tmp_path: Path) -> None:
    written = secret.write(tmp_path / "device.key")
    read = secret.read(tmp_path / "device.key")

    assert read.name == written.name
    assert (tmp_path / "device.key").stat().st_mode & 0o777 == 0o600
    assert np.array_equal(read.words("x", 4), written.words("x", 4))


def test_a_key_does_not_show_itself() -> None:
    assert bytes(range(32)).hex() not in repr(KEY)


def test_a_key_is_not_overwritten(tmp_path: Path) -> None:
    secret.write(tmp_path / "device.key")
    with pytest.raises(PpcError) as caught:
        secret.write(tmp_path / "device.key")

    assert code_of(caught) == "PPC590"


@pytest.mark.parametrize(
    ("content", "rights"),
    [
        (b"", 0o600),
        (b"ppc distilled key, version 1\nabc\n", 0o600),
        (b"ppc distilled key, version 2\n" + b"0" * 64, 0o600),
        (b"\xff\xfe", 0o600),
        (b"ppc distilled key, version 1\n" + b"0" * 64, 0o644),
    ],
)
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes, rights: int) -> None:
    (tmp_path / "device.key").write_bytes(content)
    (tmp_path / "device.key").chmod(rights)
    with pytest.raises(PpcError) as caught:
        secret.read(tmp_path / "device.key")

    assert code_of(caught) == "PPC590"


def test_what_has_no_end_is_no_key(tmp_path: Path) -> None:
    """Neither waited for nor read to its end."""
    os.mkfifo(tmp_path / "pipe.key", 0o600)
    with (tmp_path / "large.key").open("wb") as file:
        file.truncate(1 << 40)  # takes no room
    (tmp_path / "large.key").chmod(0o600)
    for path in (Path("/dev/zero"), tmp_path / "pipe.key", tmp_path / "large.key"):
        with pytest.raises(PpcError) as caught:
            secret.read(path)
        assert code_of(caught) == "PPC590"


@pytest.mark.parametrize("place", ["missing.key", "missing/device.key", "."])
def test_a_place_without_a_key_is_told(tmp_path: Path, place: str) -> None:
    with pytest.raises(PpcError) as caught:
        secret.read(tmp_path / place)

    assert code_of(caught) == "PPC590"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "device.key")

    assert main(["key", "new", path]) == 0
    assert main(["key", "show", path]) == 0
    name = secret.read(tmp_path / "device.key").name
    assert capsys.readouterr().out.count(name) == 2
    assert main(["key", "new", path]) == 3
