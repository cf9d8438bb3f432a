"""The digits that come with scikit-learn, and the images of 28×28 that are made from them."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest

from ppc.data import digits28, examples
from ppc.data.digits import digits
from ppc.errors import PpcError


def test_digits() -> None:
    found = examples("digits")

    assert (found.images.shape, found.images.max(), found.brightest) == ((1797, 1, 8, 8), 16, 16)
    assert len(examples("digits:7")) == 7


def test_no_digit_is_in_both_parts() -> None:
    whole, parts = digits(), (digits("train"), digits("test"))
    rows = [{image.tobytes() for image in part.images} for part in (whole, *parts)]

    assert rows[1] | rows[2] == rows[0]
    assert not rows[1] & rows[2]
    assert len(parts[0]) + len(parts[1]) == len(whole)


def test_images_of_a_seed_are_the_same_everywhere() -> None:
    """To the bit, so that two machines train on the same images."""
    found = examples("digits28:3000,seed=1")
    assert found.labels is not None
    told = sha256(found.images.tobytes() + found.labels.astype("<i8").tobytes()).hexdigest()

    assert told[:16] == "5b3d89f4e817685d"
    assert np.array_equal(examples("digits28:2048,seed=1").images, found.images[:2048])


def test_another_seed_and_another_part_give_other_images() -> None:
    first = examples("digits28:100,seed=1").images

    for other in ("digits28:100,seed=2", "digits28:100,seed=1,part=test", "digits28:100"):
        assert not np.array_equal(examples(other).images, first)


def test_images_are_made_of_the_digits_of_their_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without movement and noise an image is its digit, so whose it is can be seen."""
    for name in ("WIDER", "TURN", "MOVE", "NOISE"):
        monkeypatch.setattr(digits28, name, 0)
    monkeypatch.setattr(digits28, "GAIN", (256, 256))
    made = {part: {image.tobytes() for image in digits28.digits28(4000, 5, part).images} for part in ("train", "test")}

    assert len(made["test"]) <= 360 < len(made["train"]) <= 1437
    assert not made["train"] & made["test"]


def test_every_class_is_there_about_as_often() -> None:
    found = examples("digits28:5000,seed=3")
    assert found.labels is not None
    counts = np.bincount(found.labels, minlength=10)

    assert counts.min() > 400
    assert counts.max() < 600


def test_a_simple_rule_learns_the_images() -> None:
    """They look like digits: the nearest of the mean images of the classes names most of those for testing."""
    train, test = examples("digits28:3000,seed=1"), examples("digits28:500,seed=1,part=test")
    assert train.labels is not None
    assert test.labels is not None
    means = np.stack([train.scaled()[train.labels == number].mean(0).ravel() for number in range(10)])
    rows = test.scaled().reshape(len(test), -1)
    nearest = ((rows[:, np.newaxis] - means) ** 2).sum(2).argmin(1)

    assert (nearest == test.labels).mean() > 0.75


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.1, 0.7), (-4.0, -1.0)])
def test_pixels_are_scaled_onto_the_bounds(low: float, high: float) -> None:
    found = examples("digits:200").scaled(low, high)

    assert (found.min(), found.max()) == (low, high)


@pytest.mark.parametrize(
    "name",
    [
        "digits28:ten",
        "digits28:10;seed=1",
        "digits28:10,seed=x",
        "digits28:10,seed=1,seed=2",
        "digits28:10,part=all",
        "digits28:10,sead=1",
        "digits,part=best",
        "digits:",
        "no_such_data",
    ],
)
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(PpcError, match="PPC530") as caught:
        examples(name)

    assert "digits28:60000,seed=1,part=train" in caught.value.diagnostics[0].hint


def test_more_images_than_may_be() -> None:
    with pytest.raises(PpcError, match="PPC531"):
        examples("digits28:999999999")
