"""Files of shares: what comes back, what does not, and two that are no pair."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from struct import pack, unpack

import numpy as np
import pytest

from ppc.errors import PpcError
from ppc.runtime.checkpoint.left import Left, encoded, left, read, same_model, write
from tests.checkpoint.made import NARROW, WIDE, plan, shares

MARK = "a" * 32


def made(text: str = NARROW) -> Left:
    return left(plan(text), "lab", MARK, shares(plan(text)))


def refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(PpcError) as caught:
        read(path)
    assert caught.value.diagnostics[0].code == "PPC578"


@pytest.mark.parametrize("text", [NARROW, WIDE], ids=["narrow", "wide"])
def test_it_comes_back(tmp_path: Path, text: str) -> None:
    path, found = tmp_path / "x.shares", made(text)
    write(path, found)
    again = read(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert replace(again, shares={}) == replace(found, shares={})
    assert all(np.array_equal(again.shares[name], share) for name, share in found.shares.items())


def test_no_byte_of_it_may_be_another(tmp_path: Path) -> None:
    path, data = tmp_path / "x.shares", encoded(made())
    for place in (*range(0, len(data), 31), len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 2
        path.write_bytes(changed)
        try:
            found = read(path)
        except PpcError as error:
            assert error.diagnostics[0].code == "PPC578"  # noqa: PT017 (some bytes only name another model)
        else:
            assert replace(found, shares={}) != replace(made(), shares={})
    for length in (0, 5, 8, 300, len(data) - 1):
        refused(path, data[:length])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", 2),
        ("role", True),
        ("field", "mersenne62"),
        ("mark", "a"),
        ("hash", "0" * 64),
        ("version", 2),
        ("arrays", []),
        ("arrays", 5),
        ("arrays", [["w", [10**9], 0, 0, 1]]),
        ("arrays", [["w", [-1], 0, 0, 1]]),
        ("arrays", [["w", [1], 0, 1, 0]]),
        ("arrays", [["w", [1], 99, 0, 1]]),
        ("arrays", [["w", [1] * 9, 0, 0, 1]]),
        ("arrays", [[5, [1], 0, 0, 1]]),
        ("arrays", [["w"]]),
        ("party", ""),
        ("more", 1),
    ],
)
def test_a_header_that_lies(tmp_path: Path, name: str, value: object) -> None:
    data = encoded(made())
    (length,) = unpack("<I", data[4:8])
    head = {**json.loads(data[8 : 8 + length]), name: value}
    text = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
    refused(tmp_path / "x.shares", b"ppcs" + pack("<I", len(text)) + text + data[8 + length :])


def test_numbers_beyond_the_field(tmp_path: Path) -> None:
    found = made()
    name = next(iter(found.shares))
    outside = {**found.shares, name: np.full_like(found.shares[name], 2**64 - 1)}
    refused(tmp_path / "x.shares", encoded(replace(found, shares=outside)))


def test_a_pair_is_of_one_model() -> None:
    same_model(MARK, MARK)
    for theirs in ("b" * 32, ""):
        with pytest.raises(PpcError) as caught:
            same_model(MARK, theirs)
        assert caught.value.diagnostics[0].code == "PPC577"
