"""A set of images: what every reader returns. Pixels stay as they are stored, until somebody asks for real numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.errors import PpcError, fail

Array = NDArray[np.float64]
MOST_VALUES = 2**28  # of one input, two gigabytes as float64
BYTES = 255  # the brightest pixel of a file of bytes


@dataclass(frozen=True, kw_only=True)
class Examples:
    """`images[i]` shows `classes[labels[i]]`; its pixels are whole numbers from 0 to `brightest`."""

    images: NDArray[Any]  # [count, channels, height, width]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    name: str
    brightest: int = BYTES
    notes: tuple[str, ...] = ()  # what a reader left out, or did not find

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image."""
        return self.images.shape[1:]

    def first(self, count: int) -> Examples:
        """Only the first ones; all, where there are no more."""
        labels = None if self.labels is None else self.labels[:count]
        return replace(self, images=self.images[:count], labels=labels)

    def scaled(self, low: float = 0.0, high: float = 1.0) -> Array:
        """Real numbers: black is `low`, the brightest that a pixel can be is `high`, and between them it is a line."""
        found = self.images.astype(np.float64)
        found *= (high - low) / self.brightest
        found += low
        return np.clip(found, low, high, out=found)  # rounding may go beyond by the last bit


def checked_size(where: object, shape: tuple[int, ...]) -> int:
    """How many values a file says it has, if that many are read at all."""
    found = prod(map(int, shape))
    if found > MOST_VALUES:
        raise too_large(where, f"it says that it holds {'×'.join(map(str, shape))}")
    return found


def too_large(where: object, why: str) -> PpcError:
    return fail(
        "PPC531",
        f"`{where}` is larger than data may be: {why}, and at most {MOST_VALUES:,} values are read.",
        hint="Split it, or keep fewer examples in it.",
    )


def checked_labels(where: object, labels: NDArray[Any], count: int, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """One class for each image."""
    if labels.shape != (count,):
        raise fail(
            "PPC532",
            f"`{where}` has {count:,} images, and labels {'×'.join(map(str, labels.shape)) or 'that are one number'}.",
            hint="Each image has one label, in the same order: take both files from one place.",
        )
    if labels.dtype.kind not in "iu" or (count and not 0 <= labels.min() <= labels.max() < len(classes)):
        raise fail(
            "PPC532",
            f"`{where}` has labels that are not the number of one of its {len(classes)} classes.",
            hint="Labels are whole numbers from 0.",
        )
    return labels.astype(np.int64)
