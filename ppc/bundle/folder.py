"""The files of a role's folder, read once and whole: ordinary files under names that a bundle has, and nothing else.

Everything is opened below the folder that was opened first, and no link is followed there, so what was looked at is
what is read; a pipe or a device does not make a reader wait.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ppc.errors import PpcError, fail

MANIFEST = "manifest.json"
TRAIN, EVALUATE = ".train", ".evaluate"  # how the folders of a training end, and of what measures it
NAME = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z0-9]+){1,3}", re.ASCII)
LONGEST_NAME = 60
MOST_FILES = 200
MANIFEST_BYTES = 4_000_000
_LINKS = (errno.ELOOP, errno.EMLINK)
FILE_BYTES = 8_000_000  # a plan of a hundred layers has a tenth of that
ALL_BYTES = 32_000_000  # of a role's folder; checking so much takes seconds


@contextmanager
def opened(folder: Path) -> Generator[int]:
    """The folder, as a number for what is opened in it. The way to it is the user's, and may have links."""
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file has such a name"
        hint = "`ppc compile MODEL.pnn -o build/` makes bundles."
        raise fail("PPC540", f"`{folder}` is no folder of a bundle: {reason}.", hint=hint) from None
    try:
        yield number
    finally:
        os.close(number)


def names(folder: int) -> frozenset[str]:
    """What is in the folder, all of it with names that files of a bundle may have."""
    found: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if len(found) == MOST_FILES + 1:
                raise wrong(f"it has more than {MOST_FILES} files")
            if len(entry.name) > LONGEST_NAME or not NAME.fullmatch(entry.name):
                raise wrong(f"{entry.name[:LONGEST_NAME]!a} is no name of a file of a bundle")
            found.add(entry.name)
    return frozenset(found)


def content(folder: int, name: str, *, most: int = FILE_BYTES) -> bytes:
    """All of an ordinary file."""
    try:
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        why = "is a link" if error.errno in _LINKS else f"cannot be read: {error.strerror}"
        raise wrong(f"`{name}` {why}") from None
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise wrong(f"`{name}` is no ordinary file")
        if status.st_size > most:
            raise wrong(f"`{name}` has {status.st_size:,} bytes, and may have {most:,}")
        with open(number, "rb", closefd=False) as file:
            return file.read(most)
    except OSError as error:
        raise wrong(f"`{name}` cannot be read: {error.strerror}") from None
    finally:
        os.close(number)


def wrong(what: str) -> PpcError:
    return fail("PPC542", f"The bundle is damaged: {what}.", hint="Copy it again, or compile the program again.")
