"""Runs convolutions: filters or pads the image into the thread's own room, then the product, then what must be undone.

Called by convolution_threads.py with checked arrays.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product as pairs

from ppc.field import Words
from ppc.runtime.kernels.bilinear import Product
from ppc.runtime.kernels.buffers import scratch
from ppc.runtime.kernels.convolution import Layout
from ppc.runtime.kernels.convolution_maps import ConvolutionMaps
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.matmul import Axes
from ppc.runtime.kernels.pooling import images
from ppc.runtime.kernels.windows import Windows


def forward(
    library: Library,
    layout: Layout,
    image: Words,
    weights: Words,
    out: Words,
    *,
    keep: bool,
    negate: bool,
    threads: int,
) -> None:
    run = _forward(library, layout)
    source = run.filtered(image, threads)
    run.product.run(weights.ctypes.data, source, out.ctypes.data, keep=keep, negate=negate, threads=threads)


def to_weights(
    library: Library,
    layout: Layout,
    image: Words,
    gradient: Words,
    out: Words,
    *,
    keep: bool,
    negate: bool,
    threads: int,
) -> None:
    run = _to_weights(library, layout)
    factors = [gradient.ctypes.data, run.filtered(image, threads)]
    left, right = reversed(factors) if run.swapped else factors
    run.product.run(left, right, out.ctypes.data, keep=keep, negate=negate, threads=threads)


def to_input(library: Library, layout: Layout, gradient: Words, weights: Words, out: Words, *, threads: int) -> None:
    _to_input(library, layout).run(gradient, weights, out, threads)


class _Filtered:
    """What the forward pass and the weights' gradient share: the filtered image."""

    def __init__(self, library: Library, layout: Layout) -> None:
        self.maps = ConvolutionMaps(layout, library.variant.lanes)
        vertical, horizontal = self.maps.lines
        self.filter = Windows(
            library,
            layout.field,
            vertical.box(),
            horizontal.box(),
            images(layout.image),
            images(self.maps.boxed),
        )

    def filtered(self, image: Words, threads: int) -> int:
        """The address of the image that the product reads."""
        if self.maps.direct:
            return image.ctypes.data
        room = _room("image", self.maps.boxed)
        self.filter.run(image.ctypes.data, room.ctypes.data, threads=threads)
        return room.ctypes.data


class _Forward(_Filtered):
    def __init__(self, library: Library, layout: Layout) -> None:
        super().__init__(library, layout)
        self.product = Product(library, layout.field, self.maps.forward_maps())


class _ToWeights(_Filtered):
    def __init__(self, library: Library, layout: Layout) -> None:
        super().__init__(library, layout)
        maps, self.swapped = self.maps.weight_maps()
        self.product = Product(library, layout.field, maps)


class _ToInput:
    """One product for each phase of the stride, then the transposed filter."""

    def __init__(self, library: Library, layout: Layout) -> None:
        self.maps = ConvolutionMaps(layout, library.variant.lanes)
        self.layout = layout
        vertical, horizontal = self.maps.lines
        exact = (vertical.boxed, horizontal.boxed) == (vertical.size, horizontal.size)
        self.direct = self.maps.direct and exact
        self.target = layout.image if self.direct else self.maps.packed_boxed
        self.pad = Windows(
            library,
            layout.field,
            vertical.padded_out(),
            horizontal.padded_out(),
            images(layout.result),
            images(self.maps.padded),
        )
        self.unfilter = Windows(
            library,
            layout.field,
            vertical.unbox(),
            horizontal.unbox(),
            images(self.target),
            images(layout.image),
        )
        phases = pairs(range(min(vertical.step, vertical.kernel)), range(min(horizontal.step, horizontal.kernel)))
        self.phases = [
            (self._start(phase), Product(library, layout.field, self.maps.input_maps(self.target, phase)))
            for phase in phases
        ]
        self.gaps = vertical.step > vertical.kernel or horizontal.step > horizontal.kernel

    def _start(self, phase: tuple[int, int]) -> int:
        return 8 * (phase[0] * self.target[2][1] + phase[1] * self.target[3][1])

    def run(self, gradient: Words, weights: Words, out: Words, threads: int) -> None:
        padded = _room("gradient", self.maps.padded)
        self.pad.run(gradient.ctypes.data, padded.ctypes.data, threads=threads)
        target = out if self.direct else _room("image", self.target)
        if self.gaps:
            target[...] = 0  # no tap reaches the pixels between
        for start, product in self.phases:
            places = (weights.ctypes.data, padded.ctypes.data, target.ctypes.data + start)
            product.run(*places, keep=False, negate=False, threads=threads)
        if not self.direct:
            self.unfilter.run(target.ctypes.data, out.ctypes.data, threads=threads)


def _room(name: str, layout: Axes) -> Words:
    count, step = layout[0]
    return scratch(name, count * step)


@lru_cache(maxsize=64)
def _forward(library: Library, layout: Layout) -> _Forward:
    return _Forward(library, layout)


@lru_cache(maxsize=64)
def _to_weights(library: Library, layout: Layout) -> _ToWeights:
    return _ToWeights(library, layout)


@lru_cache(maxsize=64)
def _to_input(library: Library, layout: Layout) -> _ToInput:
    return _ToInput(library, layout)
