"""Writing files so that a failure leaves what was there. Knows `errors` only."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkstemp

from ppc.errors import fail


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
        raise fail(
            "PPC509",
            f"`{path}` cannot be written: {error.strerror or error}.",
            hint="Check the folder, its rights, and the space that is left.",
        ) from None


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
