"""Sliding windows over images: cut them out, and add them back.

The rules of convolution and pooling call it. An image is (batch, channels, height, width); its windows are
(batch, channels, rows, columns, kernel height, kernel width).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[int, int]


def windows(image: Array, *, kernel: Pair, stride: Pair, padding: Pair, border: float = 0.0) -> Array:
    """Every window that fits, as a view of the padded image; rows and columns that fill no window are dropped."""
    sides = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    padded = np.pad(image, sides, constant_values=border)
    return sliding_window_view(padded, kernel, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]


def add_windows(parts: Array, *, size: Pair, stride: Pair, padding: Pair) -> Array:
    """The adjoint of `windows`: an image of `size` in which every window's part is added at its place."""
    batch, channels, rows, columns, *kernel = parts.shape
    image = np.zeros((batch, channels, size[0] + 2 * padding[0], size[1] + 2 * padding[1]))
    for row, column in np.ndindex(*kernel):  # few steps: one per place in the kernel
        down = slice(row, row + stride[0] * (rows - 1) + 1, stride[0])
        across = slice(column, column + stride[1] * (columns - 1) + 1, stride[1])
        image[:, :, down, across] += parts[..., row, column]
    return image[:, :, padding[0] : padding[0] + size[0], padding[1] : padding[1] + size[1]]
