"""What a package holds: a few images, a row of numbers as a label for each, and the sizes of the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail

HALF = np.finfo(np.float16)

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """`rates[t]` is the size of step t, which goes over all images."""

    images: Floats  # [samples, …]
    labels: Floats  # [samples, classes]; any numbers, also below 0
    rates: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def arrays(self) -> Mapping[str, Floats]:
        return {"images": self.images, "labels": self.labels}

    def halved(self) -> Samples:
        """In half precision, as they travel; the few sizes of steps in single precision."""
        found = {name: _half(name, values) for name, values in self.arrays.items()}
        return Samples(**found, rates=tuple(float(np.float32(rate)) for rate in self.rates))

    def relabelled(self, order: Sequence[int]) -> Samples:
        """Each image with the label of another."""
        return Samples(images=self.images, labels=self.labels[list(order)], rates=self.rates)


def _half(name: str, values: Floats) -> NDArray[np.float16]:
    if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > HALF.max:
        raise fail(
            "PPC597",
            f"The {name} of the samples have grown beyond what half precision holds.",
            hint="The learning diverged: take a smaller `rate`, fewer `steps`, or a smaller `spread`.",
        )
    return values.astype(np.float16)
