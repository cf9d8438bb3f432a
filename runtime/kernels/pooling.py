"""Sums over pooling windows, and their backward: each pixel of a gradient spread over its window.

Called by the workbench. Average pooling is the sum; the division is a truncation elsewhere.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ppc.errors import fail
from ppc.field import Field, Words
from ppc.runtime.kernels.buffers import check_apart, check_elements, check_own_places, check_shape
from ppc.runtime.kernels.convolution_maps import along, outer
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.matmul import Axes, axes, shape
from ppc.runtime.kernels.windows import Axis, Images, Windows


def check_pooling(field: Field, large: Words, small: Words, window: int, *, written: str) -> None:
    """large [n, c, h, w], small [n, c, h // window, w // window]; pixels that fill no window are dropped."""
    arrays = {"large": large, "small": small}
    for name, array in arrays.items():
        check_elements(array, name, field, rank=4, written=name == written)
    count, channels, height, width = shape(large, field)
    if not 1 <= window <= min(height, width):
        raise fail("PPC525", f"A window of {window} does not fit {height} × {width}.", hint="Use a smaller window.")
    check_shape(small, "small", field, (count, channels, height // window, width // window))
    check_own_places(arrays[written], written)
    check_apart(arrays[written], written, [(name, array) for name, array in arrays.items() if name != written])


def sum_axis(length: int, window: int) -> Axis:
    """small[i] = Σ_u large[window·i + u]"""
    return Axis(np.arange(length // window)[:, None] * window + np.arange(window), length)


def spread_axis(length: int, window: int) -> Axis:
    """large[i] = small[i // window]; zero where no window reaches."""
    return Axis(np.arange(length)[:, None] // window, length // window)


def pool_sums(library: Library, field: Field, image: Words, out: Words, window: int, threads: int) -> None:
    _sums(library, field, axes(image, field), axes(out, field), window).run(
        image.ctypes.data, out.ctypes.data, threads=threads
    )


def pool_spread(library: Library, field: Field, gradient: Words, out: Words, window: int, threads: int) -> None:
    _spread(library, field, axes(gradient, field), axes(out, field), window).run(
        gradient.ctypes.data, out.ctypes.data, threads=threads
    )


def images(layout: Axes) -> Images:
    """All planes of a batch of images."""
    return Images(planes=outer(along(layout[0]), along(layout[1])), row=layout[2][1], column=layout[3][1])


@lru_cache(maxsize=64)
def _sums(library: Library, field: Field, image: Axes, out: Axes, window: int) -> Windows:
    rows, columns = (sum_axis(length, window) for length, _ in image[2:])
    return Windows(library, field, rows, columns, images(image), images(out))


@lru_cache(maxsize=64)
def _spread(library: Library, field: Field, gradient: Axes, out: Axes, window: int) -> Windows:
    rows, columns = (spread_axis(length, window) for length, _ in out[2:])
    return Windows(library, field, rows, columns, images(gradient), images(out))
