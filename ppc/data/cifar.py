"""CIFAR-10's files: the binary version, and the Python version without running it. A file is one batch; the folder that
is given away is its five batches of training.

Binary: 3,073 bytes for each image, its class and then its pixels, red, green and blue. https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ppc.arrays import damaged, reading
from ppc.data.examples import MOST_VALUES, Examples, checked_labels, too_large
from ppc.data.layout import Reduced, unpacked
from ppc.errors import fail

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
PROTOCOL = b"\x80\x02"  # how a batch of the Python version begins
BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))


def read(path: Path) -> Examples:
    """One batch, of either version."""
    with reading(path):
        size = path.stat().st_size
        if size > MOST_VALUES:
            raise too_large(path, f"it has {size:,} bytes")
        data = path.read_bytes()
    return _python(path, data) if data.startswith(PROTOCOL) else _binary(path, data)


def is_folder(path: Path) -> bool:
    return any((path / f"{name}{ending}").exists() for name in BATCHES for ending in ("", ".bin"))


def read_folder(path: Path) -> Examples:
    """The batches of training, together."""
    paths = [path / f"{name}{ending}" for ending in ("", ".bin") for name in BATCHES]
    found = [one for one in paths if one.exists()]
    if len(found) != len(BATCHES):
        raise fail(
            "PPC532",
            f"`{path}` has {len(found)} of the {len(BATCHES)} batches of CIFAR-10's training, or some of two kinds.",
            hint="Unpack the archive again; a batch alone is read where its file is named.",
        )
    parts = [read(one) for one in found]
    return Examples(
        images=np.concatenate([part.images for part in parts]),
        labels=np.concatenate([part.labels for part in parts if part.labels is not None]),
        classes=CLASSES,
        name=path.name,
    )


def _binary(path: Path, data: bytes) -> Examples:
    if not data or len(data) % (1 + PIXELS):
        raise damaged(path, f"{len(data):,} bytes are no whole number of images of {1 + PIXELS:,} bytes")
    rows = np.frombuffer(data, np.uint8).reshape(-1, 1 + PIXELS)
    return _examples(path, np.ascontiguousarray(rows[:, 1:]), rows[:, 0])


def _examples(path: Path, pixels: NDArray[np.uint8], numbers: NDArray[Any]) -> Examples:
    labels = checked_labels(path, numbers, len(pixels), CLASSES)
    return Examples(images=pixels.reshape(-1, *SHAPE), labels=labels, classes=CLASSES, name=path.name)


def _python(path: Path, data: bytes) -> Examples:
    """A dictionary with `data`, an array [count, 3072] of bytes, and `labels`, a list."""
    try:
        found = unpacked(data)
        if not isinstance(found, dict):
            raise ValueError("it holds no names")
        held = cast("dict[str, object]", found)
        pixels, labels = _pixels(held.get("data")), _labels(held.get("labels"))
    except ValueError as error:
        raise damaged(path, str(error)) from None
    return _examples(path, pixels, labels)


def _labels(held: object) -> NDArray[np.int64]:
    numbers = cast("list[object]", held) if isinstance(held, list) else []
    if not all(type(number) is int and 0 <= number < len(CLASSES) for number in numbers):
        raise ValueError("its labels are not the numbers of 10 classes")
    return np.array(numbers, np.int64)


def _pixels(held: object) -> NDArray[np.uint8]:
    """An array of bytes as numpy describes it: its sizes, its element, row by row, and the bytes."""
    match held:
        case Reduced(
            name="numpy.core.multiarray _reconstruct",
            state=(1, (int() as count, int() as width), Reduced("numpy dtype", ("u1", *_)), False, str() as text),
        ) if width == PIXELS and len(text) == count * width:
            return np.frombuffer(text.encode("latin-1"), np.uint8).reshape(count, width)
        case _:
            raise ValueError("its `data` is no array of so many images of bytes")
