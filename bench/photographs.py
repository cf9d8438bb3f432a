"""Patches of 8×8 out of the two photographs that come with scikit-learn, grey and in 0..1: images of another data set.

python -m bench.photographs examples/photographs.npz
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

PHOTOGRAPHS = ("flower.jpg", "china.jpg")
SIDE, APART = 8, 24  # pixels of a patch, and between where two begin


def patches() -> NDArray[np.float32]:
    """On a grid, count×1×8×8."""
    return np.array([patch[np.newaxis] for name in PHOTOGRAPHS for patch in _cut(load_sample_image(name))], np.float32)


def _cut(photograph: NDArray[np.uint8]) -> Iterator[NDArray[np.float64]]:
    grey = photograph.mean(axis=2) / 255
    for top in range(0, grey.shape[0] - SIDE, APART):
        for left in range(0, grey.shape[1] - SIDE, APART):
            yield grey[top : top + SIDE, left : left + SIDE]


if __name__ == "__main__":
    found = patches()
    np.savez(Path(sys.argv[1]), image=found)
    print(f"wrote {sys.argv[1]}: {len(found):,} patches")
