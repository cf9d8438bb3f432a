"""The dealer's files: for each run a pair of them, one for each party, with the halves of their keys beside them.

    FOLDER/client/PAIR.prep   FOLDER/client/PAIR.half     for party 0: a seed
    FOLDER/server/PAIR.prep   FOLDER/server/PAIR.half     for party 1: a seed, and the corrections

Segments are dealt, encrypted and written one after the other; a pair appears whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from time import time
from typing import Any

import numpy as np

from ppc.errors import InternalError, fail
from ppc.plan.steps import Plan
from ppc.runtime.dealer import Dealer
from ppc.runtime.keys import SEED_BYTES, Seed, artifact_hash
from ppc.runtime.prep.ahead import Ahead
from ppc.runtime.prep.disk import Disk, locked_folder, writing
from ppc.runtime.prep.header import Header, commitment, protocol, root
from ppc.runtime.prep.reading import ENDING, HALF_ENDING, LENGTH, UNFINISHED, Segment, front_size, sizes
from ppc.runtime.prep.sealing import HALF_BYTES, Bytes, FileKey
from ppc.runtime.prep.signing import DealerKey
from ppc.runtime.session import passes

ROLES = ("client", "server")  # folders, in the order of the plan's parties
DAYS = 30
PAIR_BYTES = 16
_UNKNOWN = "0" * 64  # stands where the root will, of the same length
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
Public = Callable[[str, int], Mapping[str, Any]]


def deal_to_files(
    plan: Plan,
    folder: Path,
    count: int,
    *,
    key: DealerKey,
    iterations: int = 1,
    days: float = DAYS,
    public: Public | None = None,
    public_hash: str = "",
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
    disk: Disk | None = None,
) -> tuple[str, ...]:
    """Make the files of `count` runs, each of setup, `iterations` passes and finish; the pairs' numbers.

    `public` holds the public values that the plan is given, `public_hash` names those of weights; `progress` hears the
    bytes that were written.
    """
    _enough_space(folder, count * run_bytes(plan, iterations))
    facts = Facts(plan, iterations=iterations, days=days, public=public_hash)
    made: list[str] = []
    for _ in range(count):
        secrets = Secrets()
        dealer = Dealer(plan, secrets.dealt(), bytes.fromhex(secrets.pair), threads=threads)
        turns = passes(plan, iterations)
        with ExitStack() as stack:
            parcels = Ahead(dealer.deal(name, turn, public(name, turn) if public else None) for name, turn in turns)
            stack.callback(parcels.close)
            write_pair(facts, folder, secrets, parcels, key=key, progress=progress, disk=disk)
        made.append(secrets.pair)
    return tuple(made)


def run_bytes(plan: Plan, iterations: int = 1) -> int:
    """What both files of a run take, at most: headers are not longer than this."""
    found = [sizes(plan, role, iterations) for role in (0, 1)]
    return sum(sum(each) + front_size(4096, len(each)) + 2 * HALF_BYTES for each in found)


def _enough_space(folder: Path, needed: int) -> None:
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise fail(
            "PPC560",
            f"These runs take {needed:,} bytes; `{there}` has {free:,} left.",
            hint="Deal fewer runs, or make room: used files can be deleted.",
        )


class Facts:
    """What is the same in all pairs that are dealt together."""

    def __init__(self, plan: Plan, *, iterations: int = 1, days: float = DAYS, public: str = "") -> None:
        self.plan, self.iterations, self.days = plan, iterations, days
        self.artifact, self.protocol = artifact_hash(plan), protocol(plan, public)
        self.sizes = [sizes(plan, role, iterations) for role in (0, 1)]

    def header(self, role: int, secrets: Secrets, dealer: str) -> Header:
        """Of one file; its root is not known yet."""
        now = int(time())
        return Header(
            party=self.plan.parties[role],
            role=role,
            plan=self.plan.name,
            artifact=self.artifact,
            field=self.plan.field,
            protocol=self.protocol,
            iterations=self.iterations,
            pair=secrets.pair,
            prep=token_bytes(PAIR_BYTES).hex(),
            created=now,
            expires=now + int(self.days * 86_400),
            dealer=dealer,
            seed=commitment("seed", secrets.pair, secrets.seeds[role]),
            own_half=commitment("half", secrets.pair, secrets.own[role]),
            peer_half=commitment("half", secrets.pair, secrets.given[role]),
            segments=len(self.sizes[role]),
            root=_UNKNOWN,
        )


@dataclass(frozen=True, repr=False)
class Secrets:
    """Everything random of one pair. The key of a party's file is its own half ⊕ the half that its peer keeps."""

    pair: str = field(default_factory=lambda: token_bytes(PAIR_BYTES).hex())
    seeds: tuple[bytes, bytes] = field(default_factory=lambda: (token_bytes(SEED_BYTES), token_bytes(SEED_BYTES)))
    own: tuple[bytes, bytes] = field(default_factory=lambda: (token_bytes(HALF_BYTES), token_bytes(HALF_BYTES)))
    given: tuple[bytes, bytes] = field(default_factory=lambda: (token_bytes(HALF_BYTES), token_bytes(HALF_BYTES)))

    def __repr__(self) -> str:
        return f"Secrets({self.pair[:8]}…, hidden)"

    def dealt(self) -> tuple[Seed, Seed]:
        return Seed(self.seeds[0]), Seed(self.seeds[1])

    def half_file(self, role: int) -> bytes:
        """What a party keeps: its own half, and the one that its peer needs."""
        return self.own[role] + self.given[1 - role]

    def key(self, facts: Facts, role: int) -> FileKey:
        party = facts.plan.parties[role]
        return FileKey(self.own[role], self.given[role], pair=self.pair, party=party, artifact=facts.artifact)


def write_pair(
    facts: Facts,
    folder: Path,
    secrets: Secrets,
    parcels: Iterable[Bytes],
    *,
    key: DealerKey,
    progress: Callable[[int], None] | None = None,
    disk: Disk | None = None,
) -> None:
    """Both files of a pair. The client asks for pairs, so its file gets its name last."""
    disk = disk or Disk()
    homes = [folder / role for role in ROLES]
    try:
        with writing(folder), ExitStack() as held:
            for home in homes:
                disk.folder(home)
                held.enter_context(locked_folder(disk, home, shared=True))
            for role, home in enumerate(homes):
                _write_new(disk, home / f".{secrets.pair}{HALF_ENDING}{UNFINISHED}", secrets.half_file(role))
                segments = _segments(secrets.seeds[role], parcels if role == 1 else ())
                file = _File(disk, home / f".{secrets.pair}{ENDING}{UNFINISHED}", facts, secrets, role, progress)
                file.write(segments, key)
            for home in reversed(homes):
                for ending in (HALF_ENDING, ENDING):
                    disk.rename(home / f".{secrets.pair}{ending}{UNFINISHED}", home / f"{secrets.pair}{ending}")
                disk.sync_folder(home)
    finally:
        for home in homes:
            for ending in (HALF_ENDING, ENDING):
                (home / f".{secrets.pair}{ending}{UNFINISHED}").unlink(missing_ok=True)


def _segments(seed: bytes, parcels: Iterable[Bytes]) -> Iterator[Bytes]:
    yield np.frombuffer(seed, np.uint8)
    yield from parcels


def _write_new(disk: Disk, path: Path, data: bytes) -> None:
    number = disk.open(path, _NEW)
    try:
        disk.write(number, data)
        disk.sync(number)
    finally:
        os.close(number)


class _File:
    """One file that is being written: the segments as they come, then what stands before them."""

    def __init__(
        self,
        disk: Disk,
        path: Path,
        facts: Facts,
        secrets: Secrets,
        role: int,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.disk, self.path, self.progress = disk, path, progress
        self.facts, self.secrets, self.role = facts, secrets, role

    def write(self, segments: Iterator[Bytes], key: DealerKey) -> None:
        header = self.facts.header(self.role, self.secrets, key.name)
        place = front_size(len(header.encode()), header.segments)
        number = self.disk.open(self.path, _NEW)
        try:
            os.lseek(number, place, os.SEEK_SET)
            table = list(self._sealed(number, segments, place))
            if [entry.length for entry in table] != self.facts.sizes[self.role]:
                raise InternalError("the dealer made other sizes than the plan says", place=header.plan)
            text = replace(header, root=root([entry.entry() for entry in table])).encode()
            front = LENGTH.pack(len(text)) + text + key.sign(text) + b"".join(entry.entry() for entry in table)
            self.disk.write_at(number, front, 0)
            self.disk.sync(number)
        finally:
            os.close(number)

    def _sealed(self, number: int, segments: Iterator[Bytes], place: int) -> Iterator[Segment]:
        file_key = self.secrets.key(self.facts, self.role)
        for index, data in enumerate(segments):
            hashed, length = sha256(), 0
            for piece in file_key.seal(index, data):
                self.disk.write(number, piece)
                hashed.update(piece)
                length += len(piece)
            yield Segment(place, length, hashed.digest())
            place += length
            if self.progress is not None:
                self.progress(length)
