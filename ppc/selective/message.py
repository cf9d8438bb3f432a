"""What travels: some coordinates of a vector, with their values. Eight bytes each, and a head of fixed size.

head     size of the whole vector, coordinates, version of the server's vector   three little-endian u64
indices  u32 each, strictly increasing
values   f32 each, finite
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.ir.selective import COORDINATE_BYTES, Clip

HEAD = struct.Struct("<QQQ")
ROUNDING = 1e-6  # of float32, over the coordinates of a length
HINT = "The sender made it wrong, or it was changed on its way; its update is not used."


@dataclass(frozen=True)
class Sparse:
    """Coordinates of a vector of `size`, as it was at some version of the server."""

    size: int
    version: int
    indices: NDArray[np.uint32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indices)

    def encoded(self) -> bytes:
        head = HEAD.pack(self.size, len(self), self.version)
        return head + self.indices.astype("<u4").tobytes() + self.values.astype("<f4").tobytes()

    @staticmethod
    def predicted_bytes(coordinates: int) -> int:
        """The length of a message, known before it is made."""
        return HEAD.size + COORDINATE_BYTES * coordinates


def decoded(data: bytes, *, size: int, most: int) -> Sparse:
    """A message of a stranger: every fact that it states is looked at before it is used."""
    if len(data) < HEAD.size:
        raise fail("PPC680", f"A message of {len(data)} bytes is shorter than its head.", hint=HINT)
    told, count, version = HEAD.unpack_from(data)
    if told != size:
        raise fail("PPC680", f"A message speaks of {told:,} parameters; the model has {size:,}.", hint=HINT)
    if count > most or len(data) != Sparse.predicted_bytes(count):
        raise fail("PPC680", f"A message of {len(data):,} bytes says it has {count:,} coordinates.", hint=HINT)
    indices = np.frombuffer(data, "<u4", count, HEAD.size)
    values = np.frombuffer(data, "<f4", count, HEAD.size + 4 * count)
    checked(indices, values, size)
    return Sparse(size, version, indices.astype(np.uint32), values.astype(np.float32))


def checked(indices: NDArray[np.uint32], values: NDArray[np.float32], size: int) -> None:
    """Places inside the vector, each once; values that are numbers."""
    if len(indices) and (int(indices.max()) >= size or not bool((indices[1:] > indices[:-1]).all())):
        raise fail("PPC680", "A message names coordinates that do not exist, or one twice.", hint=HINT)
    if not bool(np.isfinite(values).all()):
        raise fail("PPC680", "A message holds values that are no numbers.", hint=HINT)


def bounded(update: Sparse, clip: Clip) -> None:
    """Within the clip that all participants agreed on: every value, or the length of what is sent."""
    values = update.values.astype(np.float64)
    found = float(np.linalg.norm(values) if clip.whole else np.abs(values).max(initial=0.0))
    if found > clip.bound * (1 + ROUNDING):
        what = "an update of length" if clip.whole else "a value of"
        raise fail("PPC680", f"A message holds {what} {found:g}; the clip is {clip.bound:g}.", hint=HINT)
