"""A party's folder of checkpoints. The last two stay: a party may have written one more than the other when it ends.

Whatever ends a process leaves each file whole or not there: it is written beside its place, synced, renamed, and the
folder synced. Neither party begins the next step before that, so nobody is more than one checkpoint ahead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ppc.errors import PpcError, fail
from ppc.plan.steps import Plan
from ppc.runtime.checkpoint.kept import KEY_BYTES, Kept, damaged, most_bytes, unseal
from ppc.runtime.prep.disk import Disk, reading, writing

ENDING = ".checkpoint"
LAST = 2  # that are kept
KEY_NAME = "checkpoint.key"
RELEASED = "released"  # a file that says behind which step the model was given out
_NAME = re.compile(r"step-(\d{9})\.checkpoint")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class Folder:
    """One party's checkpoints of one training. `key` stays on this machine."""

    def __init__(self, path: Path, key: bytes, plan: Plan, party: str, *, disk: Disk | None = None) -> None:
        self.path, self.plan, self.party = path, plan, party
        self._key, self.disk = key, disk or Disk()
        self._held: int | None = None

    def __repr__(self) -> str:
        return f"Folder({str(self.path)!r})"

    def hold(self) -> None:
        """No other process writes here until this one ends, however it does."""
        with writing(self.path):
            self.disk.folder(self.path)
            self._held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if self.disk.lock(self._held, wait=False):
                return
        os.close(self._held)
        hint = "Let it end, or name another folder."
        raise fail("PPC589", f"Another training keeps its checkpoints in `{self.path}` at this moment.", hint=hint)

    def found(self) -> tuple[Kept, ...]:
        """Those that can be read, newest first. If none can, why not."""
        read: list[Kept] = []
        problem: PpcError | None = None
        for path in self.files():
            try:
                read.append(self._opened(path))
            except PpcError as error:
                problem = problem or error
        if problem is not None and not read:
            raise problem
        return tuple(read)

    def files(self) -> list[Path]:
        """Newest first."""
        if not self.path.is_dir():
            return []
        with reading(self.path):
            return sorted((path for path in self.path.iterdir() if _NAME.fullmatch(path.name)), reverse=True)

    def _opened(self, path: Path) -> Kept:
        with reading(path), open(self.disk.open(path, os.O_RDONLY), "rb") as file:
            data = file.read(most_bytes(self.plan) + 1)
        kept = unseal(data, self._key, self.plan, path.name)
        if f"step-{kept.header.step:09}{ENDING}" != path.name:
            raise damaged(path.name, f"has step {kept.header.step} in it")
        return kept

    def write(self, kept: Kept) -> None:
        """When this returns, no end of the process or the machine loses it."""
        path = self.path / f"step-{kept.header.step:09}{ENDING}"
        part = path.with_name(f".{path.name}.part")
        with writing(path):
            self.disk.folder(self.path)
            part.unlink(missing_ok=True)  # of a process that was ended here
            self._written(part, kept.seal(self._key, self.plan))
            self.disk.rename(part, path)
            self.disk.sync_folder(self.path)
            self._forget(self.files()[LAST:])

    # ---- whether the model was given out ----

    def release(self, step: int) -> None:
        """The disk knows it before anybody is given the model."""
        path = self.path / RELEASED
        part = path.with_name(f".{RELEASED}.part")
        with writing(path):
            self.disk.folder(self.path)
            part.unlink(missing_ok=True)
            self._written(part, f"{step}\n".encode())
            self.disk.rename(part, path)
            self.disk.sync_folder(self.path)

    @property
    def released(self) -> bool:
        return (self.path / RELEASED).exists()

    def _written(self, path: Path, data: bytes) -> None:
        number = self.disk.open(path, _NEW)
        try:
            self.disk.write(number, data)
            self.disk.sync(number)
        finally:
            os.close(number)

    def _forget(self, old: Sequence[Path]) -> None:
        for path in old:
            self.disk.remove(path)

    def after(self, step: int) -> None:
        """Take back what lies behind a step, from which the training goes on anew."""
        with writing(self.path):
            self._forget([path for path in self.files() if _step(path) > step])


def _step(path: Path) -> int:
    found = _NAME.fullmatch(path.name)
    return int(found[1]) if found else 0


def machine_key(folder: Path, *, disk: Disk | None = None) -> bytes:
    """The key of this machine's checkpoints, made when there is none."""
    disk, path = disk or Disk(), folder / KEY_NAME
    try:
        return _read_key(disk, path)
    except FileNotFoundError:
        pass
    part = folder / f".{KEY_NAME}.{os.getpid()}.part"
    with writing(path):
        disk.folder(folder)
        number = disk.open(part, _NEW)
        try:
            disk.write(number, os.urandom(KEY_BYTES))
            disk.sync(number)
        finally:
            os.close(number)
        try:
            os.link(part, path)  # whoever comes first; the other takes what is there then
        except FileExistsError:
            pass
        finally:
            disk.remove(part)
        disk.sync_folder(folder)
    return _read_key(disk, path)


def _read_key(disk: Disk, path: Path) -> bytes:
    try:
        number = disk.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise fail("PPC501", f"`{path}` cannot be read: {error.strerror}.", hint="Check its rights.") from None
    try:
        key = os.read(number, KEY_BYTES + 1)
    finally:
        os.close(number)
    if len(key) != KEY_BYTES:
        raise damaged(str(path), f"has {len(key)} bytes; a key has {KEY_BYTES}")
    return key
