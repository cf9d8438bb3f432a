"""Bytes of a file that may be compressed, read as far as its header says and no further.

A few kilobytes can inflate to more than a machine has. So nothing is inflated without a bound.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ppc.arrays import damaged, reading

GZIP = b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Generator[IO[bytes]]:
    """The file, inflated where it is a .gz; every failure is a coded error."""
    with reading(path):
        with path.open("rb") as file:
            compressed = file.read(len(GZIP)) == GZIP
        try:
            with gzip.open(path, "rb") if compressed else path.open("rb") as stream:
                yield stream  # pyright: ignore[reportReturnType] - a GzipFile reads as any other
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise damaged(path, str(error)) from None


def exactly(path: Path, stream: IO[bytes], size: int, *, last: bool = False) -> bytes:
    """So many bytes; behind the `last` ones the file has to end."""
    found = stream.read(size)
    if len(found) != size:
        raise damaged(path, f"it ends after {len(found):,} of {size:,} bytes")
    if last and stream.read(1):
        raise damaged(path, "it goes on where it should end")
    return found


def inflated(data: bytes, most: int) -> bytes | None:
    """What was deflated into these bytes; None where it is more than so many."""
    found = zlib.decompressobj()
    whole = found.decompress(data, most)
    if found.eof:
        return whole
    if len(whole) >= most and not found.eof:
        return None
    raise zlib.error("it ends too early")
