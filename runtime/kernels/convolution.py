"""Convolution forward and its two gradients, with stride, padding, groups, and the average pool that follows it.

Called by the workbench. Knows what a convolution is; its index maps are convolution_maps.py's.

A convolution and the sum over pool×pool windows after it are one bilinear map: the image's box filter, convolved with
stride·pool. That is a quarter of the products for a pool of two, forward and backward. The products read the padded
(and filtered) image in place; no matrix of patches is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.field import Field, Words
from ppc.runtime.kernels.buffers import check_apart, check_elements, check_own_places, check_shape, wrong
from ppc.runtime.kernels.matmul import Axes, shape
from ppc.runtime.kernels.windows import Axis

Places = NDArray[np.int64]
Size = int | tuple[int, int]


def both(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


@dataclass(frozen=True)
class Line:
    """One axis of a convolution with its pooling."""

    size: int
    kernel: int
    stride: int
    padding: int
    pool: int

    @property
    def out(self) -> int:
        """Pooling drops what does not fill a window, as PyTorch does."""
        return ((self.size + 2 * self.padding - self.kernel) // self.stride + 1) // self.pool

    @property
    def step(self) -> int:
        return self.stride * self.pool

    @property
    def boxed(self) -> int:
        """The length of the filtered image that the convolution reads."""
        return self.step * (self.out - 1) + self.kernel

    @property
    def plain(self) -> bool:
        """Whether the filtered image is (a part of) the image itself."""
        return self.pool == 1 and self.padding == 0

    def box(self) -> Axis:
        """filtered[i] = Σ_u image[i + stride·u - padding]"""
        u = np.arange(self.pool) * self.stride - self.padding
        return Axis(np.arange(self.boxed)[:, None] + u, self.size)

    def unbox(self) -> Axis:
        """The transposed filter: image[h] = Σ_u filtered[h + padding - stride·u]"""
        u = self.padding - np.arange(self.pool) * self.stride
        return Axis(np.arange(self.size)[:, None] + u, self.boxed)

    def taps(self, phase: int) -> Places:
        """The taps that reach filtered positions phase, phase + step, …"""
        return np.arange(phase, self.kernel, self.step)

    def positions(self, phase: int) -> int:
        return -(-(self.boxed - phase) // self.step)

    @property
    def lead(self) -> int:
        """Zeros before the out gradient, so that every tap of every phase reads inside it."""
        return -(-self.kernel // self.step) - 1

    def padded_out(self) -> Axis:
        return Axis(np.arange(self.lead + self.positions(0))[:, None] - self.lead, self.out)


@dataclass(frozen=True)
class Convolution:
    """What a convolution does, apart from the arrays' layouts. `pool` sums windows of the result.

    A stride or padding is one number for both axes, or one for each.
    """

    stride: Size = 1
    padding: Size = 0
    groups: int = 1
    pool: int = 1

    def __post_init__(self) -> None:
        pairs = [size if type(size) is tuple else (size, size) for size in (self.stride, self.padding)]
        pairs.append((self.groups, self.pool))
        whole = all([type(number) for number in pair] == [int, int] for pair in pairs)
        if not whole or min(*both(self.stride), self.groups, self.pool) < 1 or min(both(self.padding)) < 0:
            raise fail("PPC525", f"There is no such convolution: {self}.", hint="Only the padding may be zero.")

    def lines(self, image: tuple[int, ...], weights: tuple[int, ...]) -> tuple[Line, Line]:
        """The two axes for an image [n, c, h, w] and weights [o, c / groups, h, w]."""
        if image[1] != weights[1] * self.groups or weights[0] % self.groups:
            raise fail(
                "PPC522",
                f"An image of {image[1]} channels and weights {weights} do not make {self.groups} groups.",
                hint="The weights' second axis is the image's channels divided by the groups.",
            )
        vertical, horizontal = (
            Line(size, kernel, stride, padding, self.pool)
            for size, kernel, stride, padding in zip(
                image[2:], weights[2:], both(self.stride), both(self.padding), strict=True
            )
        )
        if min(vertical.out, horizontal.out, vertical.kernel, horizontal.kernel) < 1:
            raise fail(
                "PPC525",
                f"Weights {weights} do not fit an image {image} in {self}.",
                hint="Use less pooling.",
            )
        return vertical, horizontal

    def out_shape(self, image: tuple[int, ...], weights: tuple[int, ...]) -> tuple[int, int, int, int]:
        vertical, horizontal = self.lines(image, weights)
        return image[0], weights[0], vertical.out, horizontal.out


def check_convolution(
    field: Field, convolution: Convolution, image: Words, weights: Words, result: Words, *, written: str
) -> None:
    """image [n, c, h, w], weights [o, c / groups, h, w], result [n, o, h', w']; one of them is written."""
    arrays = {"image": image, "weights": weights, "result": result}
    for name, array in arrays.items():
        check_elements(array, name, field, rank=4, written=name == written)
        if array.size == 0 and 0 in shape(array, field)[1:]:
            raise wrong(name, f"has shape {shape(array, field)}", "Only the batch may be empty.")
    expected = convolution.out_shape(shape(image, field), shape(weights, field))
    check_shape(result, "result", field, expected)
    check_own_places(arrays[written], written)
    check_apart(arrays[written], written, [(name, array) for name, array in arrays.items() if name != written])


@dataclass(frozen=True)
class Layout:
    """Everything a prepared convolution depends on but the addresses."""

    field: Field
    convolution: Convolution
    image: Axes
    weights: Axes
    result: Axes
