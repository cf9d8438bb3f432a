"""Images in numpy's files, as `ppc data make` writes them: `images`, and beside them in a .npz `labels`, `classes` and
`brightest`. A .npy holds images alone.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from ppc.arrays import StoredArray, damaged, npy_array, npz_arrays, reading
from ppc.data.examples import BYTES, Examples, checked_labels, checked_size
from ppc.data.yuv import normalised
from ppc.errors import fail

IMAGES = "images"
NUMPY = b"\x93NUMPY"


@contextmanager
def stored(path: Path, names: list[str]) -> Generator[tuple[StoredArray, ...]]:
    """What the file holds. A .npy has no names: it is the only array that is expected."""
    with path.open("rb") as file:
        is_npy = file.read(len(NUMPY)) == NUMPY
    if is_npy or path.suffix == ".npy":
        yield (npy_array(path, names[0]),) if len(names) == 1 else ()
        return
    with ZipFile(path) as archive:
        yield npz_arrays(path, archive)


def read(path: Path) -> Examples:
    """The set of images in a file."""
    with reading(path), stored(path, [IMAGES]) as found:
        arrays = {array.name: array for array in found}
        if IMAGES not in arrays:
            raise fail(
                "PPC532",
                f"`{path}` has no array named `{IMAGES}`; it has {', '.join(sorted(arrays)) or 'none'}.",
                hint="`numpy.savez(file, images=…, labels=…)`, or `ppc data make`.",
            )
        checked_size(path, arrays[IMAGES].shape)
        return _examples(path, arrays)


def _examples(path: Path, arrays: dict[str, StoredArray]) -> Examples:
    held = arrays[IMAGES]
    if held.dtype != np.uint8 or len(held.shape) not in (3, 4):
        raise fail(
            "PPC532",
            f"`{held.name}` in `{path}` is {held.dtype} of {'×'.join(map(str, held.shape)) or 'one number'}.",
            hint="Images are bytes (uint8), count×height×width or count×channels×height×width.",
        )
    images = held.read()
    images = images[:, np.newaxis] if images.ndim == 3 else images
    numbers = _numbers(path, arrays)
    classes = _classes(path, arrays, numbers)
    labels = None if numbers is None else checked_labels(path, numbers, len(images), classes)
    brightest = _brightest(path, arrays)
    if images.size and images.max() > brightest:
        raise fail("PPC532", f"`{path}` has pixels above {brightest}, which it says is the brightest.")
    return Examples(images=images, labels=labels, classes=classes, name=path.name, brightest=brightest)


def _numbers(path: Path, arrays: dict[str, StoredArray]) -> NDArray[Any] | None:
    held = arrays.get("labels")
    if held is None:
        return None
    checked_size(path, held.shape)
    if held.dtype.kind not in "iu":
        raise fail("PPC532", f"`labels` in `{path}` are {held.dtype}, not the numbers of classes.")
    return held.read()


def _classes(path: Path, arrays: dict[str, StoredArray], numbers: NDArray[Any] | None) -> tuple[str, ...]:
    """Their names; numbers, where none are given."""
    held = arrays.get("classes")
    if held is None:
        highest = -1 if numbers is None or not numbers.size else int(numbers.max())
        return tuple(map(str, range(min(highest, BYTES) + 1)))
    if held.dtype.kind != "U" or len(held.shape) != 1 or held.shape[0] > BYTES + 1:
        raise damaged(path, "`classes` in it are no names")
    return tuple(map(str, held.read()))


def _brightest(path: Path, arrays: dict[str, StoredArray]) -> int:
    held = arrays.get("brightest")
    if held is None:
        return BYTES
    if held.shape != () or held.dtype.kind not in "iu" or not 1 <= (found := int(held.read())) <= BYTES:
        raise damaged(path, "`brightest` in it is no number from 1 to 255")
    return found


def written(examples: Examples) -> bytes:
    """The bytes of a .npz that holds the examples."""
    arrays: dict[str, NDArray[Any]] = {IMAGES: examples.images, "brightest": np.array(examples.brightest)}
    if examples.labels is not None:
        arrays |= {"labels": examples.labels, "classes": np.array(examples.classes, np.str_)}
    return _packed(arrays)


def written_as(found: Examples, name: str) -> bytes:
    """The bytes of a .npz with real numbers for an input of this name, and the places of the classes."""
    arrays: dict[str, NDArray[Any]] = {name: normalised(found).astype(np.float32)}
    return _packed(arrays if found.labels is None else {**arrays, "labels": found.labels})


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    held = BytesIO()
    np.savez_compressed(held, **arrays)  # pyright: ignore[reportArgumentType]
    return held.getvalue()
