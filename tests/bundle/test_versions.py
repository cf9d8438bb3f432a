"""What a ppc does with bundles of an older or a newer one: the table in the README of the bundle, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppc.bundle import show
from ppc.bundle.canonical import sha256
from ppc.bundle.manifest import NEWEST, OLDEST, READER, VERSION
from ppc.bundle.reading import read
from ppc.errors import PpcError, render
from ppc.passes.checks.verdict import accepted
from tests.bundle.made import Manifest, build, change, edit, manifest, verify


def test_what_is_written_now(tmp_path: Path) -> None:
    found = manifest(build(tmp_path) / "client")

    assert (found["format"], found["version"], found["reader"]) == ("ppc-bundle", VERSION, READER)
    assert OLDEST <= READER <= VERSION


@pytest.mark.parametrize(
    ("version", "reader", "read_"),
    [
        (VERSION, READER, True),
        (VERSION + 1, VERSION, True),  # newer, and made so that this one may read it
        (NEWEST, OLDEST, True),
        (VERSION + 1, VERSION + 1, False),  # newer, and this one would misunderstand it
        (VERSION, VERSION + 1, False),
        (OLDEST - 1, OLDEST - 1, False),  # older than what is still known
    ],
)
def test_version_and_reader(tmp_path: Path, version: int, reader: int, read_: bool) -> None:
    client = build(tmp_path) / "client"
    change(client, lambda found: found.update(version=version, reader=reader))
    if read_:
        assert read(client, accepted).plan(4).batch == 4
        return
    with pytest.raises(PpcError, match="PPC541") as caught:
        read(client, accepted)

    assert "ompile the program again" in render(caught.value)


def test_a_bundle_that_is_too_new_names_its_ppc(tmp_path: Path) -> None:
    """Even where nothing else of it is understood."""
    client = build(tmp_path) / "client"
    change(client, lambda found: found.update(version=9, reader=9, ppc="7.1", schedule="in another way", role="judge"))
    with pytest.raises(PpcError, match="PPC541") as caught:
        read(client, accepted)

    assert "written by ppc 7.1" in render(caught.value)


def _newer(found: Manifest) -> None:
    found.update(version=VERSION + 1, origin="a key of tomorrow")
    found["schedule"]["priority"] = [1, 2]
    found["files"]["future.txt"] = {"bytes": 3, "sha256": sha256(b"new")}


def test_of_a_newer_one_unknown_keys_and_files_are_left_out(tmp_path: Path) -> None:
    client = build(tmp_path) / "client"
    (client / "future.txt").write_bytes(b"new")
    change(client, _newer)
    found = read(client, accepted)

    assert found.plan(1).batch == 1
    assert f"note: written in format {VERSION + 1}" in show.text([found])


def test_of_a_newer_one_hashes_count_as_ever(tmp_path: Path) -> None:
    client = build(tmp_path) / "client"
    (client / "future.txt").write_bytes(b"NEW")
    change(client, _newer)
    with pytest.raises(PpcError, match="PPC543"):
        read(client, accepted)


def test_of_its_own_format_nothing_is_left_out(tmp_path: Path) -> None:
    client = build(tmp_path) / "client"
    (client / "future.txt").write_bytes(b"new")
    change(client, lambda found: found["files"].update({"future.txt": {"bytes": 3, "sha256": sha256(b"new")}}))
    with pytest.raises(PpcError, match="PPC542"):
        read(client, accepted)


def test_plans_of_a_newer_language_are_refused_by_the_checks(tmp_path: Path) -> None:
    """What this ppc does not know, it does not run, whatever the manifest says of who may read it."""
    client = build(tmp_path) / "client"
    edit(client, "plan.b4.txt", "= truncate(", "= truncate_better(")
    change(client, lambda found: found.update(version=VERSION + 1))
    with pytest.raises(PpcError, match="PPC513"):
        read(client, accepted).plan(4)


def test_the_version_of_ppc_decides_nothing(tmp_path: Path) -> None:
    """Two releases that compile the same plans agree; the schedule names none."""
    home = build(tmp_path)
    change(home / "client", lambda found: found.update(ppc="99.0"))
    client, *others = verify(home)

    assert client.manifest.ppc == "99.0"
    assert {one.hash for one in others} == {client.hash}
