"""The first value beyond what it may differ by is named, with its worst element."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest

from ppc.difference import differences, first_beyond
from ppc.errors import InternalError

WANTED = {"conv1": np.zeros((2, 3)), "relu1": np.ones((2, 3)), "dense1": np.full(4, 2.0)}
BOUNDS = {"conv1": 0.1, "relu1": 0.1, "dense1": 0.1}


def changed(name: str, index: tuple[int, ...], value: float) -> dict[str, np.ndarray]:
    found = {key: array.copy() for key, array in WANTED.items()}
    found[name][index] = value
    return found


def test_what_agrees_is_within() -> None:
    found = differences(WANTED, WANTED, BOUNDS)

    assert [difference.name for difference in found] == ["conv1", "relu1", "dense1"]
    assert first_beyond(found) is None


def test_the_first_one_beyond_is_named() -> None:
    both = {**changed("dense1", (3,), 9.0), "relu1": changed("relu1", (1, 2), 1.5)["relu1"]}
    found = first_beyond(differences(WANTED, both, BOUNDS))

    assert found is not None
    assert (found.name, found.index, found.error) == ("relu1", (1, 2), 0.5)
    assert (found.wanted, found.found, found.bound) == (1.0, 1.5, 0.1)


def test_a_bound_is_still_within() -> None:
    assert first_beyond(differences(WANTED, changed("conv1", (0, 0), 0.1), BOUNDS)) is None


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_is_beyond(value: float) -> None:
    found = first_beyond(differences(WANTED, changed("conv1", (0, 1), value), {**BOUNDS, "conv1": 1e300}))

    assert found is not None
    assert found.index == (0, 1)


def test_both_may_be_infinite() -> None:
    both = changed("conv1", (0, 1), inf)

    assert first_beyond(differences(both, both, BOUNDS)) is None


def test_a_value_that_only_one_has_is_not_compared() -> None:
    assert [one.name for one in differences(WANTED, {"relu1": WANTED["relu1"]}, BOUNDS)] == ["relu1"]


def test_a_value_without_a_bound_may_be_anything() -> None:
    assert first_beyond(differences(WANTED, changed("conv1", (0, 0), 1e9), {})) is None


def test_nothing_is_within() -> None:
    assert differences({"none": np.zeros((0, 3))}, {"none": np.zeros((0, 3))}, {})[0].error == 0.0


def test_another_shape_is_a_mistake_of_ours() -> None:
    with pytest.raises(InternalError, match="relu1 has shape"):
        differences(WANTED, {"relu1": np.ones(6)}, BOUNDS)
