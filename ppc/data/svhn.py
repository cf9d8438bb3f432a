"""SVHN's files: `X` and `y` in MATLAB's format of version 5, read by scipy.

Variables are deflated one by one. They are inflated here, as far as a file may go, so that scipy is given no more than
that; and what is neither `X` nor `y` is never looked at, so that no object of MATLAB's is made.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.arrays import damaged, reading
from ppc.data.examples import MOST_VALUES, Examples, checked_labels, checked_size, too_large
from ppc.data.stream import inflated

MAGIC = b"MATLAB 5.0 MAT-file"
HEADER = 128  # bytes: text, version, and which end comes first
TAG = 8  # bytes before each variable: kind and length
DEFLATED = 15
MOST_BYTES = MOST_VALUES + 2**24
KINDS = {"X": "uint8", "y": "uint8"}
CLASSES = tuple(map(str, range(10)))


def read(path: Path) -> Examples:
    """The images [32, 32, 3, count], turned, and their labels, where 10 says the digit 0."""
    with reading(path, zlib.error):
        found = _arrays(path)
    if any(array.dtype != np.uint8 for array in found.values()):
        raise damaged(path, "`X` and `y` are not plain bytes")
    pixels, labels = found["X"], found["y"].reshape(-1).astype(np.int64)
    if labels.size and labels.min() < 1:
        raise damaged(path, "a label is 0, where SVHN writes 10 for the digit 0")
    images = np.ascontiguousarray(pixels.transpose(3, 2, 0, 1))
    return Examples(
        images=images,
        labels=checked_labels(path, np.where(labels == 10, 0, labels), len(images), CLASSES),
        classes=CLASSES,
        name=path.name,
    )


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import MatReadError

    plain = _inflated(path)
    try:
        shapes = {name: shape for name, shape, kind in whosmat(BytesIO(plain)) if KINDS.get(name) == kind}
        if shapes.keys() != KINDS.keys() or len(shapes["X"]) != 4 or shapes["X"][2] not in (1, 3):
            raise damaged(path, "it has no `X` of height×width×channels×count and `y`, both of bytes")
        for shape in shapes.values():
            checked_size(path, shape)
        loaded = loadmat(BytesIO(plain), variable_names=list(KINDS))
        return {name: loaded[name] for name in KINDS}
    except (MatReadError, TypeError, IndexError, AttributeError) as error:  # what scipy raises where a file lies
        raise damaged(path, str(error)) from None


def _inflated(path: Path) -> bytes:
    """The same file with its variables as they were before they were deflated."""
    data, order = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b"", "little"
    if not data:
        raise too_large(path, f"it has {path.stat().st_size:,} bytes")
    if data[126:HEADER] == b"MI":
        order = "big"
    parts, place, room = [data[:HEADER]], HEADER, MOST_BYTES
    while place < len(data):
        kind, size = (int.from_bytes(data[place + at : place + at + 4], order) for at in (0, 4))
        part = data[place : place + TAG + size]
        if len(part) < TAG + size:
            raise damaged(path, "")
        if kind == DEFLATED:
            part = inflated(part[TAG:], room + 1)
            if part is None or len(part) > room:
                raise too_large(path, "it inflates to more")
        parts.append(part)
        room -= len(part)
        place += TAG + size
    return b"".join(parts)
