"""What a training leaves where nobody is given the model: each party's shares, in a file of its own.

    8 bytes    magic, and the length of the header
    header     JSON, sorted names, no spaces, ASCII; it says of every array its shape, scale and range, and the hash of
    shares     little-endian words, in the order of the header

A plan that begins with them is made for their scales and ranges (`ppc.plan.kept`). Both parties' files of one training
have one `mark`. A file alone is random numbers, which is why it needs no key; both together are the model.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Any, cast

import numpy as np

from ppc.errors import PpcError, fail
from ppc.field import FIELDS, Field, Words
from ppc.plan.kept import kept
from ppc.plan.steps import Plan
from ppc.plan.wires import Wire
from ppc.runtime.checkpoint.kept import inside
from ppc.runtime.prep.disk import Disk, reading, writing

FORMAT = "ppc-shares"
VERSION = 1
ENDING = ".shares"
MOST_ARRAYS = 10_000
MOST_AXES = 8
LARGEST_HEADER = 4_000_000
LARGEST = 1 << 34  # bytes of a file
_FRONT = Struct("<4sI")
_MAGIC = b"ppcs"
_MARK = re.compile(r"[0-9a-f]{32}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Left:
    """One party's part of a model that nobody holds."""

    party: str
    role: int
    model: str
    field_name: str
    mark: str
    wires: Mapping[str, Wire]
    shares: Mapping[str, Words] = field(repr=False)


def left(plan: Plan, party: str, mark: str, shares: Mapping[str, Words]) -> Left:
    """Behind the last step of a training."""
    return Left(
        party=party,
        role=plan.parties.index(party),
        model=plan.name,
        field_name=plan.field,
        mark=mark,
        wires=kept(plan),
        shares=shares,
    )


# ---- to the disk ----


def write(path: Path, found: Left) -> None:
    """Whole or not at all, readable to its owner only."""
    disk, part = Disk(), path.with_name(f".{path.name}.part")
    with writing(path):
        part.unlink(missing_ok=True)
        number = disk.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            disk.write(number, encoded(found))
            disk.sync(number)
        finally:
            os.close(number)
        disk.rename(part, path)
        disk.sync_folder(path.parent)


def encoded(found: Left) -> bytes:
    body = b"".join(found.shares[name].astype("<u8").tobytes() for name in found.wires)
    head = asdict(_Header(**_facts(found), hash=sha256(body).hexdigest()))
    text = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
    return _FRONT.pack(_MAGIC, len(text)) + text + body


def _facts(found: Left) -> dict[str, Any]:
    arrays = [
        [name, list(wire.shape), wire.scale or 0, wire.low or 0, wire.high or 0] for name, wire in found.wires.items()
    ]
    return {
        "party": found.party,
        "role": found.role,
        "model": found.model,
        "field": found.field_name,
        "mark": found.mark,
        "arrays": arrays,
    }


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What stands in a file, which may be anything until it was looked at."""

    format: str = FORMAT
    version: int = VERSION
    party: Any
    role: Any
    model: Any
    field: Any
    mark: Any
    arrays: Any
    hash: Any


# ---- from the disk: everything is checked, as the file may come from anywhere ----


def read(path: Path) -> Left:
    """The file, if it is one, and whole."""
    with reading(path), open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        if os.fstat(file.fileno()).st_size > LARGEST:
            raise unfit(path, "is larger than any file of shares")
        data = file.read(LARGEST)
    magic, length = _FRONT.unpack(data[: _FRONT.size]) if len(data) >= _FRONT.size else (b"", 0)
    if magic != _MAGIC or not length <= min(LARGEST_HEADER, len(data) - _FRONT.size):
        raise unfit(path, "is no file of shares")
    head = _header(data[_FRONT.size : _FRONT.size + length], path)
    return _opened(head, memoryview(data)[_FRONT.size + length :], path)


def _header(text: bytes, path: Path) -> _Header:
    try:
        found = json.loads(text.decode("ascii"))
        head = _Header(**found)
        same = json.dumps(asdict(head), sort_keys=True, separators=(",", ":")).encode() == text
    except (TypeError, ValueError, RecursionError):
        raise unfit(path, "has a header that this version of ppc did not write") from None
    words = (head.party, head.model)
    right = (
        same
        and (head.format, head.version) == (FORMAT, VERSION)
        and type(head.role) is int
        and head.role in (0, 1)
        and all(isinstance(word, str) and 1 <= len(word) <= 200 and word.isprintable() for word in words)
        and head.field in FIELDS
        and _is(head.mark, _MARK)
        and _is(head.hash, _HASH)
        and 1 <= len(_list(head.arrays)) <= MOST_ARRAYS
    )
    if not right:
        raise unfit(path, "has a header that this version of ppc did not write")
    return head


def _is(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _list(value: object) -> list[object]:
    """Its items; none, where it is no list."""
    return cast("list[object]", value) if isinstance(value, list) else []


def _wire(row: object, field_: Field) -> tuple[str, Wire] | None:
    """A row of the header, if it is one."""
    if len(_list(row)) != 5:
        return None
    name, shape, *numbers = _list(row)
    if not isinstance(name, str) or not 1 <= len(name) <= 200 or not isinstance(shape, list):
        return None
    sizes = _list(cast("object", shape))
    if len(sizes) > MOST_AXES or not all(type(one) is int and 0 < one < LARGEST for one in sizes):
        return None
    if not all(type(one) is int and abs(one) <= field_.largest for one in numbers):
        return None
    scale, low, high = cast("list[int]", numbers)
    if not (0 <= scale < field_.bits and low <= high):
        return None
    return name, Wire(form="shared", shape=tuple(cast("list[int]", sizes)), scale=scale, low=low, high=high)


def _opened(head: _Header, body: memoryview, path: Path) -> Left:
    field_ = FIELDS[head.field]
    rows = [_wire(row, field_) for row in _list(head.arrays)]
    wires = dict(row for row in rows if row is not None)
    if len(wires) != len(rows):
        raise unfit(path, "names arrays that there cannot be")
    sizes = {name: 8 * field_.words * wire.size for name, wire in wires.items()}
    if sum(sizes.values()) != len(body) or sha256(body).hexdigest() != head.hash:
        raise unfit(path, "has other shares than its header names")
    shares: dict[str, Words] = {}
    place = 0
    for name, wire in wires.items():
        part = np.frombuffer(body[place : place + sizes[name]], "<u8")
        shares[name] = part.astype(np.uint64).reshape(field_.shape(*wire.shape))
        if not inside(shares[name], field_):
            raise unfit(path, f"has numbers of {name} that the field does not have")
        place += sizes[name]
    return Left(
        party=head.party,
        role=head.role,
        model=head.model,
        field_name=head.field,
        mark=head.mark,
        wires=wires,
        shares=shares,
    )


def unfit(path: Path, how: str, *, hint: str = "") -> PpcError:
    hint = hint or "Take the file that the training wrote, at the party that wrote it."
    return fail("PPC578", f"`{path}` {how}.", hint=hint)


# ---- two of them ----


def same_model(ours: str, theirs: str) -> None:
    """Whether two parties' files are of one training's last step."""
    if ours != theirs:
        raise fail(
            "PPC577",
            f"The two parties' shares are of two models: {ours[:8]}… here, {theirs[:8] or 'none'}… there.",
            hint="Take both parties' files of the same training.",
        )
