"""The parameter server: one vector, how often each coordinate was updated, and updates that are added whole.

It sees no data. A lock makes an upload atomic: of ten that come at once, none is lost and none is half added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ppc.selective.message import Sparse
from ppc.selective.selection import places_of_largest


@dataclass
class ParameterServer:
    """`counts` fade by `decay` with every upload: what was updated lately weighs more."""

    vector: NDArray[np.float32]
    scale: float = 1.0
    decay: float = 0.99
    version: int = 0
    counts: NDArray[np.float64] = field(init=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros(len(self.vector))

    def download(self, coordinates: int) -> Sparse:
        """The coordinates that were updated most, with their present values."""
        with self.lock:
            places = places_of_largest(self.counts, coordinates)
            return Sparse(len(self.vector), self.version, places, self.vector[places])

    def upload(self, update: Sparse) -> int:
        """Add an update; its staleness is the number of uploads since its sender downloaded."""
        with self.lock:
            staleness = self.version - update.version
            self.vector[update.indices] += np.float32(self.scale) * update.values
            self.counts *= self.decay
            self.counts[update.indices] += 1
            self.version += 1
            return staleness
