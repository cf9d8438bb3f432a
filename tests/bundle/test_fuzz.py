"""Manifests changed at random, by somebody who cannot write hashes and by somebody who can: no traceback, no wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from ppc.bundle.canonical import digest, written
from ppc.bundle.manifest import read_manifest
from ppc.errors import PpcError
from tests.bundle.made import build, verify

FEW, MANY = 2_000, 100_000
ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    2,
    4,
    10**15,
    "",
    "1",
    "client",
    "../x",
    "plan.b1.txt",
    "é\n",
    [],
    {},
    [[]],
    {"a": 1},
    "0" * 64,
]


def changed_bytes(data: bytes, count: int) -> Iterator[bytes]:
    """Parts exchanged, left out, said twice, and bytes of no meaning put in."""
    draw = np.random.default_rng(5)
    for _ in range(count):
        first, second = sorted(draw.integers(0, len(data), 2).tolist())
        part = data[first : min(second, first + 40)]
        new = [b"", part + part, part[::-1], draw.bytes(len(part)), part.swapcase(), b'"', b"9" * 20, b"[" * 40]
        yield data[:first] + new[draw.integers(len(new))] + data[first + len(part) :]


def places(held: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a value: what holds it, and under which key."""
    keys: list[Any] = []
    if isinstance(held, dict):
        keys = list(cast(dict[str, Any], held))
    elif isinstance(held, list):
        keys = list(range(len(cast(list[Any], held))))
    inside = cast(Any, held)
    for key in keys:
        yield inside, key
        yield from places(inside[key])


def changed_values(data: bytes, count: int) -> Iterator[bytes]:
    """One or two places with another value, or none, the hash of the schedule right and everything well written."""
    draw = np.random.default_rng(6)
    for _ in range(count):
        found = json.loads(data)
        for _ in range(draw.integers(1, 3)):
            there = list(places(found))
            held, key = there[draw.integers(len(there))]
            if draw.integers(4):
                held[key] = ODD[draw.integers(len(ODD))]
            else:
                del held[key]
        if "schedule" in found:
            found["schedule_hash"] = digest(found["schedule"])
        yield written(found)


def all_refused(data: bytes, made: Iterator[bytes]) -> None:
    for one in made:
        if one != data:
            with pytest.raises(PpcError):
                read_manifest(one)


def ends(folder: Path, made: Iterator[bytes]) -> int:
    """How many were refused; the others say the same in another way, or what nobody can know better."""
    refused = 0
    for one in made:
        (folder / "manifest.json").write_bytes(one)
        try:
            verify(folder)
        except PpcError:
            refused += 1
    return refused


def test_bytes(tmp_path: Path) -> None:
    data = (build(tmp_path) / "server" / "manifest.json").read_bytes()
    names = b'"sha256"'

    assert data.count(names) == 9
    all_refused(data, (one for one in changed_bytes(data, FEW) if written_otherwise(one)))


def written_otherwise(data: bytes) -> bool:
    """Whether the JSON is not what ppc writes: only values that no hash covers may differ in another way."""
    try:
        return written(json.loads(data)) != data
    except (ValueError, RecursionError):
        return True


def test_values(tmp_path: Path) -> None:
    server = build(tmp_path) / "server"
    data = (server / "manifest.json").read_bytes()

    assert ends(server, changed_values(data, FEW // 4)) > FEW // 4 * 0.9


@pytest.mark.long
def test_many(tmp_path: Path) -> None:
    server = build(tmp_path) / "server"
    data = (server / "manifest.json").read_bytes()
    all_refused(data, (one for one in changed_bytes(data, MANY) if written_otherwise(one)))

    assert ends(server, changed_values(data, MANY // 4)) > MANY // 4 * 0.9
