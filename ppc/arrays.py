"""Arrays in numpy's files: names, shapes and elements first, numbers only when asked for.

Weights and inputs are read through here. No array of Python objects is ever loaded: loading one can run any code.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ppc.errors import PpcError, fail

_BROKEN = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, NotImplementedError, OverflowError)


@dataclass(frozen=True, kw_only=True)
class StoredArray:
    """One array of a file, not read yet."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]


@contextmanager
def reading(path: Path, *broken: type[Exception]) -> Generator[None]:
    """Failures of the file become coded errors; everything else passes through. A pipe is no file: whoever opens one
    waits until somebody writes."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise fail("PPC501", f"`{path}` is no file.", hint="Write what comes out of it to a file first.")
        yield
    except PpcError:
        raise
    except OSError as error:
        raise fail("PPC501", f"`{path}` cannot be read: {error.strerror or error}.") from None
    except (*_BROKEN, *broken) as error:
        raise damaged(path, str(error)) from None
    except MemoryError:
        raise fail("PPC501", f"`{path}` does not fit into this machine's memory.") from None


def damaged(path: Path, reason: str) -> PpcError:
    """The file is not what its ending says."""
    return fail(
        "PPC502",
        f"`{path.name}` is damaged, or no {path.suffix or 'such'} file: {reason or 'it ends too early'}.",
        hint="Copy or write it again, and compare its size with the original.",
    )


def npz_arrays(path: Path, archive: zipfile.ZipFile) -> tuple[StoredArray, ...]:
    """The arrays of an open .npz, in its order."""
    return tuple(_member(path, archive, member) for member in archive.infolist())


def npy_array(path: Path, name: str) -> StoredArray:
    """The array of a .npy, under a name of the caller's."""
    with path.open("rb") as file:
        shape, dtype = _header(path, file, name)
    return StoredArray(name=name, shape=shape, dtype=dtype, read=partial(_read, path.open, "rb", name))


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> StoredArray:
    if not member.filename.endswith(".npy") or member.flag_bits & 1:
        raise damaged(path, f"`{member.filename}` in it is no plain array")
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as file:
        shape, dtype = _header(path, file, name)
    read = partial(_read, partial(archive.open, member), "r", member.filename)
    return StoredArray(name=name, shape=shape, dtype=dtype, read=read)


def _header(path: Path, file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(file)
    if dtype.hasobject:
        raise fail(
            "PPC502",
            f"`{path.name}` holds Python objects under `{name}`; ppc does not load those.",
            hint="Loading an object can run any code. Save plain arrays: `numpy.savez(path, **arrays)`.",
        )
    return shape, dtype


def _read(opened: Callable[[Any], IO[bytes]], mode: str, name: str) -> NDArray[Any]:
    with opened(mode) as file:
        values = npy.read_array(file, allow_pickle=False)
        if file.read(1):  # also makes zipfile compare the checksum
            raise ValueError(f"`{name}` is longer than its header says")
    return values
