"""The ledger of a machine: what was used. A line is on the disk before what it speaks of is decrypted.

There is one for each machine and user, not for each file, so that a copied or restored file is known again by its
number. Several processes may hold it at once. Written by `use` (PROTOCOL.md, section 7).
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from threading import Lock
from time import time

from ppc.errors import InternalError, PpcError, fail
from ppc.runtime.prep.disk import Disk, reading, writing
from ppc.runtime.prep.record import MAGIC, Book, Seen

NAME = "ledger"
HOLDS = "in-use"  # a folder of empty files, one for each pair that a process works with
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND


class Ledger:
    """The ledger in a folder, which is made if there is none."""

    def __init__(self, folder: Path, *, disk: Disk | None = None) -> None:
        self.folder, self.path, self.disk = folder, folder / NAME, disk or Disk()
        self._book, self._read, self._threads = Book(), 0, Lock()
        with writing(self.path):
            self.disk.folder(folder)
            self.disk.folder(folder / HOLDS)
            self._number = self.disk.open(self.path, _APPEND)
        with self._alone():
            if not self._book.count:
                self._append(f"{MAGIC}{token_hex(16)}")

    def __repr__(self) -> str:
        return f"Ledger({str(self.folder)!r})"

    def close(self) -> None:
        os.close(self._number)

    # ---- what it says ----

    def next(self, pair: str) -> int:
        """The first segment of a pair that was not used; 0 where nothing of it was."""
        with self._alone():
            return self._book.next.get(pair, 0)

    def used(self) -> frozenset[str]:
        """The pairs of which something was used."""
        with self._alone():
            return frozenset(self._book.next)

    def head(self) -> Seen:
        with self._alone():
            return Seen(self._book.count, self._book.head)

    def seen(self, peer: str) -> Seen | None:
        """What was seen last of a peer's ledger."""
        with self._alone():
            return self._book.seen.get(peer)

    # ---- what is written ----

    def take(self, pair: str, segment: int, *, session: str, peer: str) -> None:
        """A segment, and all before it, is used from here on: when this returns, the disk knows."""
        with self._alone():
            if segment < self._book.next.get(pair, 0):
                raise used_already(pair)
            self._append(f"use {pair} {segment} {session} {peer} {int(time())}")

    def see(self, peer: str, found: Seen) -> None:
        """Remember a peer's ledger; never a shorter one than before."""
        with self._alone():
            last = self._book.seen.get(peer)
            if last is None or last.count < found.count:
                self._append(f"seen {peer} {found.count} {found.head} {int(time())}")

    @contextmanager
    def hold(self, pair: str) -> Generator[None]:
        """Keep a pair from all other processes and threads of this machine."""
        path = self.folder / HOLDS / pair
        with writing(path):
            number = self.disk.open(path, os.O_RDWR | os.O_CREAT)
        try:
            if not self.disk.lock(number, wait=False):
                raise fail("PPC556", f"Another process uses the pair {pair[:8]}… now.", hint="Let it end first.")
            yield
        finally:
            os.close(number)

    # ---- the file ----

    @contextmanager
    def _alone(self) -> Generator[None]:
        """No other thread or process reads or writes; all that others wrote is known."""
        with self._threads:
            with writing(self.path):
                self.disk.lock(self._number, wait=True)
            try:
                self._follow()
                yield
            finally:
                self.disk.unlock(self._number)

    def _follow(self) -> None:
        """Read what was added since. A last line without its end was never synced, so nothing was used on it."""
        with reading(self.path):
            here, named = os.fstat(self._number), os.stat(self.path)
            data = os.pread(self._number, max(0, here.st_size - self._read), self._read)
        if (here.st_dev, here.st_ino) != (named.st_dev, named.st_ino) or here.st_size < self._read:
            raise self._damaged("was exchanged while it was in use")
        whole = data.rfind(b"\n") + 1
        for line in data[:whole].decode("latin-1").split("\n")[:-1]:
            if not self._book.add(line):
                raise self._damaged(f"does not fit together after line {self._book.count}")
        self._read += whole
        if whole < len(data):
            with writing(self.path):
                self.disk.truncate(self._number, self._read)
                self.disk.sync(self._number)

    def _append(self, body: str) -> None:
        if self._book.count and not self._book.accepts(body):
            raise InternalError("a record that no ledger can have", place="ledger")
        line = self._book.line(body) if self._book.count else body
        data = line.encode() + b"\n"
        with writing(self.path):
            self.disk.write(self._number, data)
            self.disk.sync(self._number)
            self.disk.sync_folder(self.folder)
        self._book.add(line)
        self._read += len(data)

    def _damaged(self, how: str) -> PpcError:
        return fail(
            "PPC557",
            f"The ledger `{self.path}` {how}.",
            hint="Move it away, delete the preprocessing files that were dealt before, and deal again.",
        )


def used_already(pair: str, where: str = "here") -> PpcError:
    return fail(
        "PPC555",
        f"The pair {pair[:8]}… was used {where} already.",
        hint="Take another one; `ppc deal status` counts those that are left.",
    )
