"""Which coordinates of an update are sent: the largest, or random ones among those above a threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppc.ir.selective import Upload


def places_of_largest(vector: NDArray[np.floating], count: int) -> NDArray[np.uint32]:
    """The `count` largest by value; of equal ones the first, so that every machine chooses the same."""
    if count >= len(vector):
        return np.arange(len(vector), dtype=np.uint32)
    bound = np.partition(vector, -count)[-count]
    above = np.flatnonzero(vector > bound)
    equal = np.flatnonzero(vector == bound)[: count - len(above)]
    return np.sort(np.concatenate([above, equal])).astype(np.uint32)


def selected(update: NDArray[np.float32], upload: Upload, count: int, coins: np.random.Generator) -> NDArray[np.uint32]:
    """The places that are sent, in order. There may be fewer than `count` above a threshold."""
    size = np.abs(update)
    if upload.how == "largest":
        return places_of_largest(size, count)
    above = np.flatnonzero(size > upload.above)
    chosen = coins.choice(above, min(count, len(above)), replace=False, shuffle=False)
    return np.sort(chosen).astype(np.uint32)
