"""Small files of every kind that data come in, written here so that what is in them is known."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNT = 7


def pixels(*shape: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def labels(count: int = COUNT) -> NDArray[np.uint8]:
    return (np.arange(count) * 3 % 10).astype(np.uint8)


# ---- MNIST ----


def idx(array: NDArray[Any]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def mnist(folder: Path, *, compressed: bool = False) -> Path:
    """The images' file of a pair."""
    ending = ".gz" if compressed else ""
    packed = gzip.compress if compressed else bytes
    (folder / f"train-labels-idx1-ubyte{ending}").write_bytes(packed(idx(labels())))
    path = folder / f"train-images-idx3-ubyte{ending}"
    path.write_bytes(packed(idx(pixels(COUNT, 28, 28))))
    return path


# ---- SVHN ----


def svhn(path: Path, *, compressed: bool = True, **others: object) -> Path:
    from scipy.io import savemat

    numbers = np.where(labels() == 0, 10, labels()).astype(np.uint8)[:, np.newaxis]
    arrays = {"X": pixels(COUNT, 3, 32, 32).transpose(2, 3, 1, 0), "y": numbers}
    savemat(path, {**arrays, **others}, do_compression=compressed)
    return path


# ---- CIFAR-10 ----


def cifar_rows(count: int = COUNT, seed: int = 1) -> NDArray[np.uint8]:
    return pixels(count, 3072, seed=seed)


def cifar_binary(path: Path, seed: int = 1) -> Path:
    path.write_bytes(np.concatenate([labels()[:, np.newaxis], cifar_rows(seed=seed)], axis=1).tobytes())
    return path


def _text(value: bytes) -> bytes:
    """A text of Python 2."""
    if len(value) < 256:
        return b"U" + bytes([len(value)]) + value
    return b"T" + len(value).to_bytes(4, "little") + value


def _number(value: int) -> bytes:
    if 0 <= value < 256:
        return b"K" + bytes([value])
    return b"M" + value.to_bytes(2, "little") if 0 <= value < 65536 else b"J" + value.to_bytes(4, "little", signed=True)


def cifar_python(path: Path, *, reconstruct: bytes = b"numpy.core.multiarray\n_reconstruct\n", seed: int = 1) -> Path:
    """A batch as Python 2 wrote it: a dictionary with a note, labels, an array of numpy's, and names of files."""
    rows = cifar_rows(seed=seed)
    dtype = b"cnumpy\ndtype\n" + b"q\x09" + _text(b"u1") + _number(0) + _number(1) + b"\x87R"
    dtype += b"(" + _number(3) + _text(b"|") + b"NNN" + _number(-1) + _number(-1) + _number(0) + b"tb"
    shape = _number(len(rows)) + _number(3072) + b"\x86"
    array = b"c" + reconstruct + b"q\x07cnumpy\nndarray\n" + _number(0) + b"\x85" + _text(b"b") + b"\x87R"
    array += b"(" + _number(1) + shape + dtype + b"\x89" + _text(rows.tobytes()) + b"tb"
    numbers = b"]q\x05(" + b"".join(map(_number, labels().tolist())) + b"e"
    names = b"](" + b"".join(_text(b"a%d.png" % number) for number in range(COUNT)) + b"e"
    pairs = {b"batch_label": _text(b"a batch"), b"labels": numbers, b"data": array, b"filenames": names}
    body = b"".join(_text(key) + b"q\x02" + value for key, value in pairs.items())
    path.write_bytes(b"\x80\x02}q\x01(" + body + b"u.")
    return path


# ---- pictures ----


def picture(path: Path, array: NDArray[np.uint8]) -> Path:
    """[height, width] is grey, [height, width, 3] in colour."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def classes(folder: Path, names: tuple[str, ...] = ("cat", "dog")) -> Path:
    """Two pictures in the folder of each class."""
    for number, name in enumerate(names):
        for turn in range(2):
            picture(folder / name / f"{turn}.png", pixels(5, 4, seed=10 * number + turn))
    return folder
