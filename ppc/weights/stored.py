"""Weights files as they are on disk: names, shapes and elements first, numbers only when asked for.

The one place that opens such files. No format here can run code: safetensors has none, arrays of Python objects
in an npz are refused, and torch reads with `weights_only=True`. Nothing is read that the model does not need.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ppc.errors import PpcError, fail
from ppc.weights.torch_file import stored_by_torch

ELEMENTS = {"F16": "float16", "F32": "float32", "F64": "float64"}
_BROKEN = (SafetensorError, zipfile.BadZipFile, ValueError, EOFError, KeyError, NotImplementedError, OverflowError)


class _Header(Protocol):
    """Of safetensors, which has no types of its own: what is known of an array before it is read."""

    def get_dtype(self) -> str: ...
    def get_shape(self) -> list[int]: ...


class _Safe(Protocol):
    """An open safetensors file."""

    def keys(self) -> list[str]: ...
    def get_slice(self, name: str) -> _Header: ...
    def get_tensor(self, name: str) -> NDArray[Any]: ...


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One array of a file. `element` is a numpy name where numpy has one."""

    name: str
    shape: tuple[int, ...]
    element: str
    read: Callable[[], NDArray[Any]]

    @property
    def module(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def role(self) -> str:
        return self.name.rpartition(".")[2]


@contextmanager
def stored(path: Path) -> Generator[tuple[Stored, ...]]:
    """The arrays of a file, in its order; readable inside the `with` only."""
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        raise fail(
            "PPC502",
            f"`{path.name}` has no ending that ppc knows as weights.",
            hint="Weights come as .safetensors, .npz, or a torch state_dict in .pt or .pth.",
        )
    with ExitStack() as stack, reading(path):
        yield opener(path, stack)


@contextmanager
def reading(path: Path) -> Generator[None]:
    """Failures of the file become coded errors; everything else passes through."""
    try:
        yield
    except PpcError:
        raise
    except OSError as error:
        raise fail("PPC501", f"`{path}` cannot be read: {error.strerror or error}.") from None
    except _BROKEN as error:
        raise damaged(path, str(error)) from None


def damaged(path: Path, reason: str) -> PpcError:
    """The file is not what its ending says."""
    return fail(
        "PPC502",
        f"`{path.name}` is damaged, or no {path.suffix} file: {reason or 'it ends too early'}.",
        hint="Copy or write it again, and compare its size with the original.",
    )


def _safetensors(path: Path, stack: ExitStack) -> tuple[Stored, ...]:
    path.stat()  # a missing file is an OSError here; the library has an error of its own
    file = cast(_Safe, stack.enter_context(safe_open(path, framework="numpy")))
    found: list[Stored] = []
    for name in file.keys():  # noqa: SIM118 (not a dict: it has no iterator)
        header = file.get_slice(name)
        element = header.get_dtype()
        found.append(
            Stored(
                name=name,
                shape=tuple(header.get_shape()),
                element=ELEMENTS.get(element, element),
                read=partial(file.get_tensor, name),
            )
        )
    return tuple(found)


def _npz(path: Path, stack: ExitStack) -> tuple[Stored, ...]:
    archive = stack.enter_context(zipfile.ZipFile(path))
    return tuple(_npy(path, archive, member) for member in archive.infolist())


def _npy(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Stored:
    if not member.filename.endswith(".npy") or member.flag_bits & 1:
        raise damaged(path, f"`{member.filename}` in it is no plain array")
    with archive.open(member) as file:
        version = npy.read_magic(file)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = header(file)
    if dtype.hasobject:
        raise fail(
            "PPC502",
            f"`{path.name}` holds Python objects under `{member.filename[:-4]}`; ppc does not load those.",
            hint="Loading an object can run any code. Save plain arrays: `numpy.savez(path, **arrays)`.",
        )
    name = member.filename.removesuffix(".npy")
    return Stored(name=name, shape=shape, element=dtype.name, read=partial(_read_npy, archive, member))


def _read_npy(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        values = npy.read_array(file, allow_pickle=False)
        if file.read(1):  # also makes zipfile compare the checksum
            raise ValueError(f"`{member.filename}` is longer than its header says")
    return values


def _torch(path: Path, _stack: ExitStack) -> tuple[Stored, ...]:
    return tuple(
        Stored(name=name, shape=shape, element=element, read=read)
        for name, shape, element, read in stored_by_torch(path)
    )


_OPENERS: dict[str, Callable[[Path, ExitStack], tuple[Stored, ...]]] = {
    ".safetensors": _safetensors,
    ".npz": _npz,
    ".pt": _torch,
    ".pth": _torch,
}
