"""Every touch of the disk on which it depends that nothing is used twice.

One method is one step that a crash can come before, after, or into: tests put a disk in its place that kills the
process there. Files are readable to their owner only. Knows nothing of what is written.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ppc.errors import fail

OWNER_ONLY = 0o600
OWNER_ONLY_FOLDER = 0o700


class Disk:
    """The disk of this machine."""

    def folder(self, path: Path) -> None:
        path.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)

    def open(self, path: Path, flags: int) -> int:
        """A link in the last place is not followed."""
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, OWNER_ONLY)

    def write(self, number: int, data: bytes | memoryview) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(number, left) :]

    def write_at(self, number: int, data: bytes, place: int) -> None:
        left = memoryview(data)
        while left:
            written = os.pwrite(number, left, place)
            left, place = left[written:], place + written

    def truncate(self, number: int, length: int) -> None:
        os.ftruncate(number, length)

    def sync(self, number: int) -> None:
        os.fsync(number)

    def sync_folder(self, path: Path) -> None:
        """New, renamed and removed names of a folder survive a crash from here on."""
        number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(number)
        finally:
            os.close(number)

    def rename(self, old: Path, new: Path) -> None:
        old.rename(new)

    def remove(self, path: Path) -> None:
        path.unlink()

    def lock(self, number: int, *, wait: bool, shared: bool = False) -> bool:
        """Whether this process has the file for itself now, until it closes it; `shared`: with others of its kind."""
        try:
            fcntl.flock(number, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise
        return True

    def unlock(self, number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_UN)


@contextmanager
def locked_folder(disk: Disk, folder: Path, *, shared: bool) -> Generator[bool]:
    """Whoever deals into a folder has it with other dealers; whoever sweeps what dealers left has it alone, or not."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield disk.lock(number, wait=shared, shared=shared)
    finally:
        os.close(number)


@contextmanager
def reading(path: Path) -> Generator[None]:
    """A file that cannot be read is a mistake with a code."""
    try:
        yield
    except OSError as error:
        raise fail(
            "PPC501", f"`{path}` cannot be read: {error.strerror or error}.", hint="Check the path and its rights."
        ) from None


@contextmanager
def writing(path: Path) -> Generator[None]:
    """The same for one that cannot be written; then nothing may be used that it should have said."""
    try:
        yield
    except OSError as error:
        raise fail(
            "PPC509",
            f"`{path}` cannot be written: {error.strerror or error}.",
            hint="Check the folder, its rights, and the space that is left.",
        ) from None
