"""Damaged, lying and hostile files of data: a code that says what, and no memory for what is not there."""

from __future__ import annotations

import gzip
import pickle
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ppc.data import examples
from ppc.data.layout import unpacked
from ppc.errors import PpcError
from tests.data import files

Change = Callable[[Path], Path]


def refused(path: Path | str) -> str:
    with pytest.raises(PpcError) as caught:
        examples(path)
    one = caught.value.diagnostics[0]
    assert one.hint or one.code in ("PPC501", "PPC532")
    return one.code


# ---- files cut off or changed at any place ----


WRITERS: dict[str, Change] = {
    "images-idx3": lambda path: files.mnist(path.parent),
    "images-idx3.gz": lambda path: files.mnist(path.parent, compressed=True),
    "a.mat": files.svhn,
    "a.bin": files.cifar_binary,
    "a_batch": files.cifar_python,
    "a.png": lambda path: files.picture(path, files.pixels(9, 9)),
    "a.npz": lambda path: _npz(path),
}


@contextmanager
def suppress_refusals() -> Generator[None]:
    """A refusal is one of these; everything else that is raised passes through."""
    try:
        yield
    except PpcError as error:
        if error.diagnostics[0].code not in ("PPC502", "PPC530", "PPC531", "PPC532"):
            raise


def _npz(path: Path) -> Path:
    np.savez_compressed(path, images=files.pixels(4, 3, 3), labels=np.arange(4))
    return path


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_ends_early(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name)
    whole = path.read_bytes()
    for part in (0, 3, len(whole) // 3, len(whole) // 2, len(whole) - 60):
        path.write_bytes(whole[:part])
        assert refused(path) in ("PPC502", "PPC530", "PPC532"), part


@pytest.mark.parametrize("name", WRITERS)
def test_a_changed_byte_is_an_error_or_another_picture(tmp_path: Path, name: str) -> None:
    """Where the format has no checksum a pixel may change; nothing else may happen."""
    path = WRITERS[name](tmp_path / name)
    whole = bytearray(path.read_bytes())
    places = [*range(min(160, len(whole))), *range(160, len(whole), max(1, len(whole) // 60))]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 0xA5
        path.write_bytes(changed)
        with suppress_refusals():
            found = examples(path)
            assert found.images.dtype == np.uint8
            assert found.labels is None or len(found.labels) == len(found)


# ---- sizes that are no sizes ----


def test_a_header_that_promises_more_than_any_memory(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3]) + b"\xff\xff\xff\xff" * 3)

    assert refused(path) == "PPC531"


def test_a_small_file_that_inflates(tmp_path: Path) -> None:
    """Behind the pixels that its header names it would go on for 64 MB: one byte of them is looked at."""
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(files.idx(files.pixels(2, 28, 28)) + bytes(2**26)))

    assert refused(path) == "PPC502"


def test_a_variable_that_inflates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppc.data.svhn.MOST_BYTES", 2**20)
    path = files.svhn(tmp_path / "a.mat")
    bomb = zlib.compress(bytes(2**24))
    path.write_bytes(path.read_bytes() + (15).to_bytes(4, "little") + len(bomb).to_bytes(4, "little") + bomb)

    assert refused(path) == "PPC531"


def test_a_picture_of_more_pixels_than_can_be_meant(tmp_path: Path) -> None:
    """A PNG's header says 65,535×65,535; it is refused before its pixels are looked at."""
    path = files.picture(tmp_path / "a.png", files.pixels(4, 4))
    data = bytearray(path.read_bytes())
    data[16:24] = (65535).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(data)

    assert refused(path) == "PPC531"
    data[16:24] = (5000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(data)

    assert refused(path) == "PPC531"


# ---- files that would run something ----


class Harm:
    """What a hostile file of Python's would do."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (str(Path("harmed").absolute()),)


@pytest.mark.parametrize("protocol", range(6))
def test_a_file_of_python_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({"data": Harm(), "labels": [1]}, protocol))

    assert refused(path) in ("PPC502", "PPC530")
    assert not (tmp_path / "harmed").exists()


def test_another_name_in_a_batch(tmp_path: Path) -> None:
    assert refused(files.cifar_python(tmp_path / "a", reconstruct=b"os\nsystem\n")) == "PPC502"


PROGRAMS = (b".", b"0.", b"(", b"(.", b"u.", b"e.", b"R.", b"b.", b"tb.", b"K\x01K\x02a.", b"}(K\x01K\x02u.", b"h\x05.")


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_that_are_none(program: bytes) -> None:
    """A stack that is empty, a mark that is not there, a key that is no text."""
    with pytest.raises(ValueError, match=r"^it |a key in it|pickle exhausted"):
        unpacked(b"\x80\x02" + program)


def test_objects_in_a_file_of_matlab(tmp_path: Path) -> None:
    """`X` is a cell of objects, where an array of bytes is needed."""
    from scipy.io import savemat

    savemat(tmp_path / "a.mat", {"X": np.array([[1, "two"]], dtype=object), "y": files.labels()})

    assert refused(tmp_path / "a.mat") == "PPC502"


# ---- sets that are not whole ----


def test_labels_of_another_number(tmp_path: Path) -> None:
    path = files.mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(files.idx(files.labels(5)))

    assert refused(path) == "PPC532"


def test_the_file_of_labels_alone(tmp_path: Path) -> None:
    files.mnist(tmp_path)

    assert refused(tmp_path / "train-labels-idx1-ubyte") == "PPC532"


def test_a_batch_is_missing(tmp_path: Path) -> None:
    files.cifar_binary(tmp_path / "data_batch_1.bin")

    assert refused(tmp_path) == "PPC532"


def test_pictures_of_two_sizes(tmp_path: Path) -> None:
    files.classes(tmp_path)
    files.picture(tmp_path / "cat" / "9.png", files.pixels(6, 4))

    assert refused(tmp_path) == "PPC532"


def test_pictures_beside_classes(tmp_path: Path) -> None:
    files.classes(tmp_path)
    files.picture(tmp_path / "9.png", files.pixels(5, 4))

    assert refused(tmp_path) == "PPC532"


def test_a_picture_that_is_transparent(tmp_path: Path) -> None:
    assert refused(files.picture(tmp_path / "a.png", files.pixels(4, 4, 4))) == "PPC532"


def test_an_empty_folder(tmp_path: Path) -> None:
    assert refused(tmp_path) == "PPC532"


@pytest.mark.parametrize(
    "arrays",
    [
        {"pictures": np.zeros((2, 3, 3), np.uint8)},
        {"images": np.zeros((2, 3, 3))},
        {"images": np.zeros((2, 9), np.uint8)},
        {"images": np.zeros((2, 3, 3), np.uint8), "labels": np.array([0.5, 1.0])},
        {"images": np.zeros((2, 3, 3), np.uint8), "labels": np.array([0, -1])},
        {"images": np.zeros((2, 3, 3), np.uint8), "labels": np.array([0, 2]), "classes": np.array(["a", "b"])},
        {"images": np.full((2, 3, 3), 99, np.uint8), "brightest": np.int64(16)},
    ],
)
def test_arrays_that_are_no_set(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "a.npz", **arrays)  # pyright: ignore[reportArgumentType]

    assert refused(tmp_path / "a.npz") == "PPC532"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    assert refused(tmp_path / "not_there.npz") == "PPC501"


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some words")

    assert refused(tmp_path / "a.txt") == "PPC530"
