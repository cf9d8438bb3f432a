"""New labels: the truth table of Algorithm 1, the shift of Algorithm 2, and what each kind of answer is taught."""

from __future__ import annotations

import pytest
import torch

from ppc.retraining.labels import new_label, new_label_2, targets

LABELS, SIGNALS = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])


def test_algorithm_1() -> None:
    assert new_label(LABELS, SIGNALS).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_algorithm_2_from_zero(classes: int) -> None:
    """Every offset moves every class to another one, and it comes back by the same offset."""
    pairs = torch.cartesian_prod(torch.arange(classes), torch.arange(classes))
    labels, offsets = pairs[:, 0], pairs[:, 1]

    made = new_label_2(labels, offsets, classes)

    assert torch.equal((made - offsets) % classes, labels)
    for offset in range(classes):
        assert sorted(made[offsets == offset].tolist()) == list(range(classes))


def test_the_paper_s_own_counting_from_one_is_off() -> None:
    """Classes 1 to n and `o + l mod n`: class n with offset n becomes 0, which is no class."""
    assert (3 + 3) % 3 not in range(1, 4)


def test_of_two_classes_both_are_the_same() -> None:
    assert torch.equal(new_label(LABELS, SIGNALS), new_label_2(LABELS, SIGNALS, 2))


@pytest.mark.parametrize(
    ("how", "wanted"),
    [("roll", [0, 1, 1, 0]), ("flip", [[0.0], [1.0], [1.0], [0.0]]), ("negate", [[-1.0], [1.0], [1.0], [-1.0]])],
)
def test_what_an_answer_is_taught(how: str, wanted: list[object]) -> None:
    assert targets(LABELS, SIGNALS, how, 2).tolist() == wanted


def test_without_a_signal_labels_stay() -> None:
    assert torch.equal(targets(LABELS, None, "roll", 2), LABELS)
