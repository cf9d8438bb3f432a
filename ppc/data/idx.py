"""MNIST's files: IDX, as they are or as .gz. The labels lie in a file of their own beside the images.

    2 bytes         zero
    1 byte          what the elements are: 8 says unsigned bytes, the only kind that images have
    1 byte          how many sizes follow
    4 bytes each    the sizes, most significant byte first
    the elements, the last size fastest

http://yann.lecun.com/exdb/mnist/ describes the format.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.arrays import damaged
from ppc.data.examples import Examples, checked_labels, checked_size
from ppc.data.stream import exactly, opened
from ppc.errors import fail

MAGIC = b"\x00\x00"
BYTES = 8
SIGNS = (("images", "labels"), ("idx3", "idx1"))


def read(path: Path) -> Examples:
    """The images of a file, with the labels that lie beside it."""
    images = array(path)
    if images.ndim == 1:
        raise fail(
            "PPC532",
            f"`{path}` holds labels, without images.",
            hint="Name the file of the images: its labels are found beside it. Labels alone go into a .npz.",
        )
    if images.ndim != 3:
        raise damaged(path, f"its images have {images.ndim} sizes, where count, height and width are three")
    beside = labels_of(path)
    if beside is None:
        notes = (f"no file of labels was found beside {path.name}",)
        return Examples(images=images[:, np.newaxis], labels=None, classes=(), name=path.name, notes=notes)
    numbers = array(beside)
    classes = tuple(map(str, range(max(10, int(numbers.max(initial=0)) + 1))))
    labels = checked_labels(beside, numbers, len(images), classes)
    return Examples(images=images[:, np.newaxis], labels=labels, classes=classes, name=path.name)


def array(path: Path) -> NDArray[Any]:
    """What one file holds."""
    with opened(path) as stream:
        head = exactly(path, stream, 4)
        if head[:2] != MAGIC or head[2] != BYTES or not 1 <= head[3] <= 4:
            raise damaged(path, "an IDX file of bytes begins otherwise")
        sizes = np.frombuffer(exactly(path, stream, 4 * head[3]), ">u4")
        shape = tuple(int(size) for size in sizes)
        data = exactly(path, stream, checked_size(path, shape), last=True)
    return np.frombuffer(data, np.uint8).reshape(shape)


def labels_of(path: Path) -> Path | None:
    """`train-images-idx3-ubyte.gz` has its labels in `train-labels-idx1-ubyte.gz`."""
    name = path.name.removesuffix(".gz")
    for images, labels in SIGNS:
        name = name.replace(images, labels)
    if name == path.name.removesuffix(".gz"):
        return None
    return next((found for ending in ("", ".gz") if (found := path.with_name(name + ending)).is_file()), None)
