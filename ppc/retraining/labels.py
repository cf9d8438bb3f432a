"""New labels from labels and signals: what a model is taught, so that its answer tells nothing without the signal."""

from __future__ import annotations

from torch import Tensor

HOWS = ("roll", "flip", "negate")  # how an answer is taken back by the signal, in the graph's words


def new_label(labels: Tensor, signals: Tensor) -> Tensor:
    """Algorithm 1 of the paper: true stays true where the signal is 0, and becomes false where it is 1."""
    return ((labels == 1) != (signals == 1)).long()


def new_label_2(labels: Tensor, offsets: Tensor, classes: int) -> Tensor:
    """Algorithm 2: the label plus the offset, modulo n.

    The paper counts classes and offsets from 1 to n; its `o + l mod n` then makes n to 0, which is no class. From 0 on
    it is right.
    """
    return (labels + offsets) % classes


def targets(labels: Tensor, signals: Tensor | None, how: str, classes: int) -> Tensor:
    """What the raw answer of a model should be: classes for a row of scores, numbers for a single one."""
    taught = labels if signals is None else _new(labels, signals, how, classes)
    match how:
        case "flip":
            return taught.float()[:, None]
        case "negate":
            return 2.0 * taught.float()[:, None] - 1.0
        case _:
            return taught


def _new(labels: Tensor, signals: Tensor, how: str, classes: int) -> Tensor:
    return new_label(labels, signals) if how != "roll" or classes == 2 else new_label_2(labels, signals, classes)
