"""Writing files so that a failure leaves what was there. Knows `errors` only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ppc.errors import fail


def write_whole(path: Path, data: bytes) -> None:
    """Write a file completely or not at all. A link is followed, rights are kept, a device is written to as it is."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(target, data)
    except OSError as error:
        raise fail(
            "PPC509",
            f"`{path}` cannot be written: {error.strerror or error}.",
            hint="Check the folder, its rights, and the space that is left.",
        ) from None


def _replace(target: Path, data: bytes) -> None:
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
