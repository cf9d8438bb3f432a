"""Every kind of file gives the pixels, labels and classes that were written into it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ppc.data import Examples, examples
from ppc.data.archive import written
from ppc.data.yuv import normalised
from ppc.errors import PpcError
from tests.data import files


@pytest.mark.parametrize("compressed", [False, True])
def test_mnist(tmp_path: Path, compressed: bool) -> None:
    found = examples(files.mnist(tmp_path, compressed=compressed))

    assert np.array_equal(found.images[:, 0], files.pixels(files.COUNT, 28, 28))
    assert found.labels is not None
    assert found.labels.tolist() == files.labels().tolist()
    assert (found.classes, found.brightest, found.notes) == (tuple("0123456789"), 255, ())


def test_images_without_labels_say_so(tmp_path: Path) -> None:
    path = files.mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()

    found = examples(path)

    assert found.labels is None
    assert found.notes == ("no file of labels was found beside train-images-idx3-ubyte",)


@pytest.mark.parametrize("compressed", [False, True])
def test_svhn(tmp_path: Path, compressed: bool) -> None:
    """10 says the digit 0; other variables are not looked at."""
    other = np.array([{"an": "object"}], dtype=object)
    found = examples(files.svhn(tmp_path / "train_32x32.mat", compressed=compressed, other=other))

    assert np.array_equal(found.images, files.pixels(files.COUNT, 3, 32, 32))
    assert found.labels is not None
    assert found.labels.tolist() == files.labels().tolist()


def test_svhn_becomes_brightness_and_colours_normalised_image_by_image(tmp_path: Path) -> None:
    found = examples(files.svhn(tmp_path / "train_32x32.mat"))

    made = normalised(found)

    red, green, blue = found.images[0].astype(float) / 255
    bright = 0.299 * red + 0.587 * green + 0.114 * blue
    np.testing.assert_allclose(made[0, 0], (bright - bright.mean()) / bright.std(), atol=1e-9)
    np.testing.assert_allclose(made.mean((2, 3)), 0, atol=1e-9)
    np.testing.assert_allclose(made.std((2, 3)), 1, atol=1e-9)


def test_an_image_of_one_colour_is_zeros_and_one_without_colours_is_refused() -> None:
    grey = Examples(images=np.full((1, 3, 4, 4), 9, np.uint8), labels=None, classes=(), name="grey")

    assert np.abs(normalised(grey)).max() < 1e-9
    with pytest.raises(PpcError, match="1 channels"):
        normalised(replace(grey, images=grey.images[:, :1]))


@pytest.mark.parametrize("write", [files.cifar_binary, files.cifar_python])
def test_cifar(tmp_path: Path, write: object) -> None:
    path = tmp_path / ("data_batch_1.bin" if write is files.cifar_binary else "data_batch_1")
    found = examples(write(path))  # pyright: ignore[reportCallIssue, reportUnknownArgumentType, reportUnknownVariableType]

    assert np.array_equal(found.images, files.cifar_rows().reshape(-1, 3, 32, 32))
    assert found.labels is not None
    assert found.labels.tolist() == files.labels().tolist()
    assert found.classes[3] == "cat"


def test_the_folder_of_cifar_is_its_batches_of_training(tmp_path: Path) -> None:
    for number in range(1, 6):
        files.cifar_python(tmp_path / f"data_batch_{number}", seed=number)
    files.cifar_python(tmp_path / "test_batch", seed=9)

    found = examples(tmp_path)

    assert np.array_equal(found.images[2 * files.COUNT], files.cifar_rows(seed=3)[0].reshape(3, 32, 32))
    assert len(found) == 5 * files.COUNT


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    """In the order of names; what is no picture is left out, and that is said."""
    files.classes(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("a cat")

    found = examples(tmp_path / "pets")

    assert found.labels is not None
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert found.classes == ("cat", "dog")
    assert np.array_equal(found.images[3, 0], files.pixels(5, 4, seed=11))
    assert found.notes == ("1 other files in pets were left out",)


def test_pictures_without_classes(tmp_path: Path) -> None:
    """In colour: channels stand first."""
    for number in range(3):
        files.picture(tmp_path / f"{number}.png", files.pixels(4, 5, 3, seed=number))

    found = examples(tmp_path)

    assert (found.images.shape, found.labels, found.classes) == ((3, 3, 4, 5), None, ())
    assert np.array_equal(found.images[1].transpose(1, 2, 0), files.pixels(4, 5, 3, seed=1))


def test_one_picture(tmp_path: Path) -> None:
    found = examples(files.picture(tmp_path / "one.png", files.pixels(8, 8)))

    assert np.array_equal(found.images[0, 0], files.pixels(8, 8))


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 1, 8, 8)])
def test_images_of_numpy(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "images.npy", files.pixels(*shape))
    np.savez(tmp_path / "images.npz", images=files.pixels(*shape), labels=np.array([0, 2, 1]))

    alone, labelled = examples(tmp_path / "images.npy"), examples(tmp_path / "images.npz")

    assert alone.shape == labelled.shape == (1, 8, 8)
    assert alone.labels is None
    assert labelled.classes == ("0", "1", "2")


@pytest.mark.parametrize("kind", ["uint8", "int32", "uint64"])
def test_labels_of_numpy_are_of_any_whole_kind(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "set.npz"
    np.savez(path, images=np.zeros((3, 4, 4), np.uint8), labels=np.array([2, 0, 1], kind))
    found = examples(path)

    assert found.classes == ("0", "1", "2")
    assert found.labels is not None
    assert found.labels.tolist() == [2, 0, 1]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    first = examples("digits:20")
    (tmp_path / "digits.npz").write_bytes(written(first))

    found = examples(tmp_path / "digits.npz")

    assert np.array_equal(found.images, first.images)
    assert found.labels is not None
    assert first.labels is not None
    assert np.array_equal(found.labels, first.labels)
    assert (found.classes, found.brightest) == (first.classes, 16)
