"""Writing files so that a failure leaves what was there, and asking before long work whether it will be possible.

Knows `errors` only.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile, mkstemp

from ppc.errors import PpcError, fail


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file completely or not at all. A link is followed, a device is written to as it is. Rights are kept; a
    `private` file is its owner's alone."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(target, data, private=private)
    except OSError as error:
        raise _unwritable(path, error) from None


def append(path: Path, data: bytes) -> None:
    """To a file that is its owner's alone; on disk when this returns."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(number, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from None


def make_folder(path: Path, *, private: bool = False) -> None:
    """A folder with all above it, if it is not there; a `private` one is its owner's alone."""
    try:
        path.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None


def check_writable(path: Path) -> None:
    """Whether a file can be written to this place, before it is known what. Nothing is changed there."""
    try:
        target = path.resolve()
        if target.is_dir():
            raise IsADirectoryError("it is a folder")
        if not target.exists() or target.is_file():
            _try(target.parent)
    except OSError as error:
        raise _unwritable(path, error) from None


def check_folder(path: Path) -> None:
    """Whether a folder is there that can be written to, or can be made."""
    try:
        there = path.resolve()
        while not there.exists() and there != there.parent:
            there = there.parent
        _try(there)
    except OSError as error:
        raise _unwritable(path, error) from None


def _try(folder: Path) -> None:
    with TemporaryFile(dir=folder):  # rights alone do not tell: a file system may be read-only, or none for files
        pass


def remove_parts(folder: Path, start: str) -> None:
    """What processes that were killed have left of files whose names begin so, and that nobody else writes now."""
    for part in folder.glob(f".{start}*.part"):
        part.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> PpcError:
    return fail(
        "PPC509",
        f"`{path}` cannot be written: {error.strerror or error}.",
        hint="Check the folder, its rights, and the space that is left.",
    )


def _replace(target: Path, data: bytes, *, private: bool) -> None:
    # made anew under a name that nobody can foresee, readable to nobody else until it has its rights
    number, name = mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
    beside = Path(name)
    try:
        with open(number, "wb") as file:
            if not private:  # as which it is made
                os.fchmod(number, target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
            file.write(data)
            file.flush()
            os.fsync(number)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    """The rights that new files do not get; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
