"""A client's secret signals: a fresh one for each example, from the system's generator, shown as pictures or not."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import randbelow
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.ir.types import Interval

Array = NDArray[Any]
Pictures = Sequence[Array]  # [count, height, width] of each number


def drawn(count: int, bounds: Interval | None) -> Array:
    """Numbers from 0 to the highest one; of a bit, where nothing is said."""
    highest = int(bounds.high) if bounds else 1
    return np.array([randbelow(highest + 1) for _ in range(count)])


def shown(signals: Array, pictures: Pictures) -> Array:
    """For each signal one of the pictures of its number, as an image of one channel."""
    return np.stack([_one(pictures[int(signal)]) for signal in signals])[:, np.newaxis]


def _one(pictures: Array) -> Array:
    return pictures[randbelow(len(pictures))]
