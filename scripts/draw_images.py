"""Draws examples/images.npz: five 28×28 images of strokes, in 0..1. Ours, and the same on every machine.

python scripts/draw_images.py [FILE.npz]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIZE = 28
THICKNESS = 1.6
HOME = Path(__file__).resolve().parents[1] / "examples" / "images.npz"

Stroke = tuple[float, float, float, float]  # from (row, column) to (row, column)

# A one, a four, a seven, a cross and a box: enough to see that images go in and numbers come out.
DRAWINGS: tuple[tuple[Stroke, ...], ...] = (
    ((5, 14, 22, 14), (5, 14, 9, 10)),
    ((5, 9, 14, 9), (14, 9, 14, 19), (5, 17, 22, 17)),
    ((6, 8, 6, 19), (6, 19, 22, 11)),
    ((6, 6, 21, 21), (6, 21, 21, 6)),
    ((7, 7, 7, 20), (7, 20, 20, 20), (20, 20, 20, 7), (20, 7, 7, 7)),
)


def image(strokes: tuple[Stroke, ...]) -> NDArray[np.float32]:
    """Bright on a stroke, fading over one pixel beside it; 256 levels, as a scanner would give."""
    distance = np.min([_distance(stroke) for stroke in strokes], axis=0)
    brightness = np.clip(THICKNESS - distance, 0.0, 1.0)
    return np.asarray(np.rint(brightness * 255) / 255, np.float32)


def _distance(stroke: Stroke) -> NDArray[np.float64]:
    """How far every pixel is from the nearest point of the stroke."""
    top, left, bottom, right = stroke
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    down, across = bottom - top, right - left
    along = ((rows - top) * down + (columns - left) * across) / (down**2 + across**2)
    nearest = np.clip(along, 0.0, 1.0)
    return np.sqrt((rows - top - nearest * down) ** 2 + (columns - left - nearest * across) ** 2)


def images() -> NDArray[np.float32]:
    """All drawings: image, channel, row, column."""
    return np.stack([image(strokes)[np.newaxis] for strokes in DRAWINGS])


if __name__ == "__main__":
    np.savez_compressed(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME, image=images())
