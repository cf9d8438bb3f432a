"""What a checkpoint holds comes back as it was, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppc.errors import PpcError
from ppc.runtime.checkpoint.folder import machine_key
from ppc.runtime.checkpoint.kept import unseal
from tests.checkpoint.made import KEY, NARROW, WIDE, folder, kept, plan


def refused(act: object) -> None:
    with pytest.raises(PpcError) as caught:
        act()  # pyright: ignore[reportCallIssue]
    assert caught.value.diagnostics[0].code == "PPC570"
    assert caught.value.diagnostics[0].hint


@pytest.mark.parametrize("text", [NARROW, WIDE], ids=["narrow", "wide"])
def test_it_comes_back(text: str) -> None:
    found = kept(7, of=plan(text))
    again = unseal(found.seal(KEY, plan(text)), KEY, plan(text), "x")

    assert (again.header, again.order, again.data) == (found.header, found.order, found.data)
    assert all(np.array_equal(again.shares[name], share) for name, share in found.shares.items())
    assert found.seal(KEY, plan(text)) != found.seal(KEY, plan(text))
    assert "oooo" not in repr(found)


def test_no_byte_of_it_may_be_another() -> None:
    data = kept(7).seal(KEY, plan())
    places = [*range(0, 400, 13), *range(400, len(data), 97), len(data) - 1]
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1
        refused(lambda changed=changed: unseal(bytes(changed), KEY, plan(), "x"))
    for length in (0, 5, 8, 300, len(data) - 1):
        refused(lambda length=length: unseal(data[:length], KEY, plan(), "x"))
    refused(lambda: unseal(data + b"\0", KEY, plan(), "x"))
    refused(lambda: unseal(data, b"l" * 32, plan(), "x"))


def test_a_machine_has_one_key(tmp_path: Path) -> None:
    key = machine_key(tmp_path / "state")

    assert machine_key(tmp_path / "state") == key != machine_key(tmp_path / "other")
    assert len(key) == 32
    assert (tmp_path / "state" / "checkpoint.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "state" / "checkpoint.key").write_bytes(b"short")
    refused(lambda: machine_key(tmp_path / "state"))


def test_the_last_two_stay(tmp_path: Path) -> None:
    here = folder(tmp_path / "kept")
    assert here.found() == ()
    for step in (0, 10, 20):
        here.write(kept(step))

    assert [one.header.step for one in here.found()] == [20, 10]
    assert {path.stat().st_mode & 0o777 for path in here.files()} == {0o600}
    here.after(10)
    assert [one.header.step for one in here.found()] == [10]


def test_a_damaged_one_is_passed_over_where_another_is_whole(tmp_path: Path) -> None:
    here = folder(tmp_path)
    for step in (10, 20):
        here.write(kept(step))
    here.files()[0].write_bytes(b"ppck")
    assert [one.header.step for one in here.found()] == [10]

    here.files()[1].rename(tmp_path / "step-000000030.checkpoint")  # under another step's name
    refused(here.found)
    refused(folder(tmp_path, key=b"l" * 32).found)
