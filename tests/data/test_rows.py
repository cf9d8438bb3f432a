"""Which images go to which input of a program, how they are scaled, and that it is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppc.data import Expected, examples, load_rows
from ppc.data.archive import written
from ppc.errors import PpcError
from tests.data import files

IMAGE = Expected(name="image", shape=(1, 8, 8), bounds=(-1.0, 1.0))
LABEL = Expected(name="label", shape=(10,), label=True)


def test_images_and_labels_of_a_set() -> None:
    said: list[str] = []
    found = load_rows(Path("digits"), [IMAGE, LABEL], first=5, say=said.append)

    whole = examples("digits:5")
    assert np.array_equal(found["image"], whole.scaled(-1.0, 1.0))
    assert whole.labels is not None
    assert np.array_equal(found["label"].argmax(1), whole.labels)
    assert said == [
        "image: 5 images of digits, 1×8×8, pixels 0 to 16 scaled to -1 to 1",
        "label: the labels of digits, 10 classes",
    ]


def test_images_as_rows() -> None:
    said: list[str] = []
    found = load_rows(Path("digits:3"), [replace(IMAGE, shape=(64,))], say=said.append)

    assert found["image"].shape == (3, 64)
    assert said == ["image: 3 images of digits, 1×8×8 in rows of 64, pixels 0 to 16 scaled to -1 to 1"]


def test_a_set_in_a_file_of_numpy(tmp_path: Path) -> None:
    """`images` of a .npz are a set, unless an input of the program has that name: then nothing is scaled."""
    path = tmp_path / "some.npz"
    path.write_bytes(written(examples("digits:4")))

    assert load_rows(path, [IMAGE])["image"].min() == -1.0
    assert load_rows(path, [Expected(name="images", shape=(1, 8, 8))])["images"].max() == 16.0
    with_labels = load_rows(path, [IMAGE, replace(LABEL, name="labels")])  # as programs call them too
    assert with_labels["labels"].shape == (4, 10)


def test_arrays_by_name_may_be_fewer(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", image=np.ones((7, 1, 8, 8)))

    assert len(load_rows(tmp_path / "in.npz", [IMAGE], first=3)["image"]) == 3


@pytest.mark.parametrize("labels", [np.zeros(0, np.int64), np.zeros((0, 10))])
def test_files_without_an_example(tmp_path: Path, labels: Any) -> None:
    path = tmp_path / "empty.npz"
    np.savez(path, image=np.ones((0, 1, 8, 8)), label=labels)

    for wanted in ([IMAGE], [IMAGE, LABEL]):
        with pytest.raises(PpcError) as caught:
            load_rows(path, wanted)
        assert [one.code for one in caught.value.diagnostics] == ["PPC508"]
        assert "no examples" in caught.value.diagnostics[0].message


def test_pictures_go_to_an_input(tmp_path: Path) -> None:
    files.classes(tmp_path)
    wanted = [Expected(name="photo", shape=(1, 5, 4), bounds=(0.0, 1.0)), replace(LABEL, shape=(2,))]
    found = load_rows(tmp_path, wanted)

    assert found["label"].tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert found["photo"].shape == (4, 1, 5, 4)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("PPC508", [IMAGE, replace(IMAGE, name="other")]),
        ("PPC508", [replace(IMAGE, shape=(1, 28, 28))]),
        ("PPC508", [replace(IMAGE, rows=4)]),
        ("PPC508", [IMAGE, replace(LABEL, shape=(7,))]),
    ],
)
def test_what_does_not_fit(code: str, wanted: list[Expected]) -> None:
    with pytest.raises(PpcError, match=code) as caught:
        load_rows(Path("digits:3"), wanted)

    assert caught.value.diagnostics[0].hint


def test_labels_that_are_needed_and_are_not_there(tmp_path: Path) -> None:
    files.picture(tmp_path / "one.png", files.pixels(8, 8))
    with pytest.raises(PpcError, match="PPC532"):
        load_rows(tmp_path, [IMAGE, LABEL])
