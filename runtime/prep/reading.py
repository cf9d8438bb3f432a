"""A preprocessing file, opened and checked before anything secret is touched.

    8 bytes         length of the header, little-endian, at most 65,536
    header          JSON, see `header`
    64 bytes        the dealer's signature over the header
    48 bytes each   the segments: offset, length (8 bytes each, little-endian), SHA-256
    segments        encrypted; 0 is the seed, then the corrections of every pass in the order of the run

Party 0's file has the seed only. Called by `use` and `shelf`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import BinaryIO, cast

from ppc.errors import PpcError, fail
from ppc.plan.steps import Plan
from ppc.runtime.keys import SEED_BYTES, artifact_hash
from ppc.runtime.parcel import Layout
from ppc.runtime.prep.disk import reading
from ppc.runtime.prep.header import LARGEST, Header, damaged, decode, protocol, root
from ppc.runtime.prep.sealing import CHUNK, TAG_BYTES, Bytes, FileKey
from ppc.runtime.prep.signing import SIGNATURE_BYTES, signed
from ppc.runtime.session import passes

ENDING = ".prep"
HALF_ENDING = ".half"  # beside it: the halves of two keys that its party keeps
UNFINISHED = ".part"  # behind either, and a point before it, while a dealer writes it
LENGTH = Struct("<Q")
ENTRY = Struct("<QQ32s")


@dataclass(frozen=True, slots=True)
class Segment:
    """Where an encrypted segment stands, its tag included, and its hash."""

    offset: int
    length: int
    hash: bytes

    def entry(self) -> bytes:
        return ENTRY.pack(self.offset, self.length, self.hash)


@dataclass(frozen=True, kw_only=True)
class Prep:
    """An opened file: its header is its dealer's, and its table is the one that was signed."""

    path: Path
    header: Header
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        return self.segments[-1].offset + self.segments[-1].length

    def unseal(self, place: int, key: FileKey) -> Bytes:
        """A segment, read and decrypted in one go; nothing is given out unless the tag fits.

        The tag proves as much as the signed hash: the header names both halves of the key, so there is one key only,
        and whoever changes what it encrypted does not have it. `verify`, without a key, compares hashes.
        """
        segment = self.segments[place]
        with reading(self.path), self.path.open("rb") as file:
            tag = os.pread(file.fileno(), TAG_BYTES, segment.offset + segment.length - TAG_BYTES)
            if len(tag) != TAG_BYTES:
                raise self._changed(place)
            pieces = _pieces(file, segment.offset, segment.length - TAG_BYTES)
            data = key.unseal(place, pieces, segment.length - TAG_BYTES, tag)
        if data is None:
            raise self._changed(place)
        return data

    def verify(self) -> None:
        """Whether every segment is as it was signed; reads the whole file and decrypts nothing."""
        with reading(self.path), self.path.open("rb") as file:
            for place, segment in enumerate(self.segments):
                found = sha256()
                for piece in _pieces(file, segment.offset, segment.length):
                    found.update(piece)
                if found.digest() != segment.hash:
                    raise self._changed(place)

    def _changed(self, place: int) -> PpcError:
        return damaged(str(self.path), f"is not what its dealer signed, in segment {place}")


def _pieces(file: BinaryIO, offset: int, length: int) -> Iterator[memoryview]:
    """What stands there, up to the end of the file; a piece is good until the next one is asked for."""
    room = memoryview(bytearray(min(CHUNK, length)))
    while length > 0:
        count = os.preadv(file.fileno(), [room[: min(CHUNK, length)]], offset)
        if not count:
            return
        yield room[:count]
        offset, length = offset + count, length - count


def open_prep(path: Path, *, dealers: Collection[str] | None = None) -> Prep:
    """A file whose header, signature, table and size fit together. `dealers` are those that are trusted."""
    with reading(path), open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        text, signature = _front(file, path)
        header = decode(text, path.name)
        table = file.read(ENTRY.size * header.segments)
    _trusted(header, text, signature, dealers, path)
    if len(table) != ENTRY.size * header.segments:
        raise damaged(str(path), "ends within its table")
    segments = tuple(Segment(*entry) for entry in ENTRY.iter_unpack(table))
    _consistent(header, segments, front=front_size(len(text), len(segments)), size=size, path=path)
    return Prep(path=path, header=header, segments=segments)


def _front(file: BinaryIO, path: Path) -> tuple[bytes, bytes]:
    first = file.read(LENGTH.size)
    length = LENGTH.unpack(first)[0] if len(first) == LENGTH.size else LARGEST + 1
    if length > LARGEST:
        raise damaged(str(path), "has no header of a preprocessing file")
    text, signature = file.read(length), file.read(SIGNATURE_BYTES)
    if len(signature) != SIGNATURE_BYTES:
        raise damaged(str(path), "ends within its header")
    return text, signature


def front_size(header: int, segments: int) -> int:
    """Bytes before the first segment."""
    return LENGTH.size + header + SIGNATURE_BYTES + ENTRY.size * segments


def _trusted(header: Header, text: bytes, signature: bytes, dealers: Collection[str] | None, path: Path) -> None:
    if not signed(header.dealer, text, signature):
        raise damaged(str(path), "has a header that its dealer did not sign")
    if dealers is not None and header.dealer not in dealers:
        raise fail(
            "PPC552",
            f"`{path.name}` was made by the dealer {header.dealer[:16]}…, who is not trusted here.",
            hint="Compare the name with the dealer's owner; then tell this party to trust it.",
        )


def _consistent(header: Header, segments: Sequence[Segment], *, front: int, size: int, path: Path) -> None:
    """Segments follow each other without a gap, to the end of the file; their hashes are the signed ones."""
    place = front
    for segment in segments:
        if segment.offset != place or not TAG_BYTES <= segment.length <= size:
            raise damaged(str(path), "has a table that does not fit")
        place += segment.length
    if place != size:
        raise damaged(str(path), f"has {size} bytes; its table says {place}")
    if root([segment.entry() for segment in segments]) != header.root:
        raise damaged(str(path), "has a table that its dealer did not sign")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a file must have been made for."""

    party: str
    artifact: str
    facts: tuple[tuple[str, str, object], ...]  # words for people, the header's name of it, its value
    sizes: Callable[[], list[int]]  # as many as there are passes, so made when the number of these is the file's
    passes: Callable[[], Iterator[tuple[str, int]]]  # in the order of their segments, behind the seed's

    def problem(self, prep: Prep) -> PpcError | None:
        """What keeps a file from being used for it; None if nothing does."""
        for what, name, wanted in self.facts:
            found: object = getattr(prep.header, name)
            if found != wanted:
                return _other(prep, _difference(what, found, wanted))
        if [segment.length for segment in prep.segments] != self.sizes():
            return _other(prep, "its segments have other sizes than the plan says")
        return None


def _difference(what: str, found: object, wanted: object) -> str:
    if isinstance(wanted, dict):
        here, there = cast("dict[str, object]", wanted), cast("dict[str, object]", found)
        names = sorted(key for key in {*here, *there} if here.get(key) != there.get(key))
        return f"{what} differ in: {', '.join(name[:20] for name in names[:8] if name.isprintable())}"
    return f"{what} differs ({str(found)[:16]}, and {str(wanted)[:16]} is needed)"


def _other(prep: Prep, how: str) -> PpcError:
    return fail(
        "PPC553",
        f"`{prep.path.name}` was made for something else: {how}.",
        hint="Give each party its own folder of the dealer's; deal again after the program was changed.",
    )


def wanted(plan: Plan, party: str, iterations: int = 1, public: str = "") -> Wanted:
    """What this party needs for a run of this plan."""
    role, artifact = plan.parties.index(party), artifact_hash(plan)
    facts = (
        ("the plan", "artifact", artifact),
        ("the party", "party", party),
        ("the role", "role", role),
        ("the number of iterations", "iterations", iterations),
        ("the field", "field", plan.field),
        ("the protocol's parameters", "protocol", protocol(plan, public)),
    )
    return Wanted(
        party=party,
        artifact=artifact,
        facts=facts,
        sizes=partial(sizes, plan, role, iterations),
        passes=partial(passes, plan, iterations),
    )


def sizes(plan: Plan, role: int, iterations: int) -> list[int]:
    """Bytes of the encrypted segments: what the plan says, and a tag for each."""
    found = [SEED_BYTES + TAG_BYTES]
    if role == 1:
        layouts = {section.name: Layout(plan, section).bytes for section in plan.sections}
        found += [layouts[section] + TAG_BYTES for section, _ in passes(plan, iterations)]
    return found
