"""Colours as one channel of brightness and two of colour (YUV, BT.601), and each channel of each image normalised.

From every channel of an image its own mean is taken, and what is left is divided by its own deviation: no number of
another image is needed, so that images for training and for testing, and those of many participants, are treated alike.
"""

from __future__ import annotations

import numpy as np

from ppc.data.examples import Array, Examples
from ppc.errors import fail

# Rows: Y, U, V; columns: red, green, blue, from 0 to 1.
YUV = np.array([[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]])
FLAT = 1e-3  # a deviation below which a channel shows nothing but noise
FAR = 6.0  # deviations at which a value is cut, so that a program can state its bounds


def normalised(found: Examples) -> Array:
    """[count, 3, height, width], within ±6."""
    if found.shape[0] != 3:
        raise fail(
            "PPC532",
            f"{found.name} has images of {found.shape[0]} channels, and YUV is made of red, green and blue.",
            hint="Leave `--yuv` out.",
        )
    mixed = np.einsum("yc,nchw->nyhw", YUV, found.scaled())
    mixed -= mixed.mean((2, 3), keepdims=True)
    mixed /= np.maximum(mixed.std((2, 3), keepdims=True), FLAT)
    return np.clip(mixed, -FAR, FAR, out=mixed)
