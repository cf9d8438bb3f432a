"""The index maps of a convolution's three products: forward, gradient to weights, gradient to input.

Called by convolution_run.py. Knows layouts, no arrays. Index maps are tables of places in words; a pixel's place plus
a tap's place is the place of what they multiply, which is why no matrix of patches is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppc.runtime.kernels.bilinear import Maps
from ppc.runtime.kernels.convolution import Layout
from ppc.runtime.kernels.matmul import Axes

Places = NDArray[np.int64]


@dataclass(frozen=True)
class _Side:
    """A factor of the weights' gradient: where its rows are, the pixels they are summed over, and where they go."""

    rows: Places
    depths: Places
    out: Places
    run: int
    step: int
    batches: Places


class ConvolutionMaps:
    """Where a convolution's three products find their factors, for arrays of one layout."""

    def __init__(self, layout: Layout, lanes: int) -> None:
        self.layout, self.lanes, self.field = layout, lanes, layout.field
        lengths = [tuple(length for length, _ in part) for part in (layout.image, layout.weights)]
        self.lines = layout.convolution.lines(*lengths)
        self.vertical, self.horizontal = self.lines
        self.steps = (self.vertical.step, self.horizontal.step)
        self.count, self.channels = lengths[0][:2]
        self.outs, self.group_channels = lengths[1][:2]
        self.groups = layout.convolution.groups
        self.group_outs = self.outs // self.groups
        self.direct = all(line.plain for line in self.lines)
        self.packed_boxed = self._packed(self.channels, self.vertical.boxed, self.horizontal.boxed)
        self.boxed = layout.image if self.direct else self.packed_boxed
        height, width = (line.lead + line.positions(0) for line in self.lines)
        self.padded = self._packed(self.outs, height, width)

    def _packed(self, channels: int, height: int, width: int) -> Axes:
        """The layout of a batch of images without gaps."""
        words = self.field.words
        steps = (channels * height * width, height * width, width, 1)
        lengths = (self.count, channels, height, width)
        return tuple((length, step * words) for length, step in zip(lengths, steps, strict=True))

    # Index maps.

    def _pixels(self, layout: Axes, height: int, width: int, steps: tuple[int, int] = (1, 1)) -> Places:
        """All pixels of all images of a batch, of one channel."""
        batch, _, row, column = layout
        rows = np.arange(height, dtype=np.int64) * row[1] * steps[0]
        columns = np.arange(width, dtype=np.int64) * column[1] * steps[1]
        return outer(along(batch), rows, columns)

    def _patch(self, layout: Axes, rows: Places, columns: Places) -> Places:
        """The channels of a group and the taps, as places."""
        channels = along(layout[1], self.group_channels)
        return outer(channels, rows * layout[2][1], columns * layout[3][1])

    def _batches(self, axis: tuple[int, int], per_group: int) -> Places:
        return np.arange(self.groups, dtype=np.int64) * per_group * axis[1]

    def _taps(self) -> tuple[Places, Places]:
        return np.arange(self.vertical.kernel), np.arange(self.horizontal.kernel)

    def _run(self) -> int:
        """How many neighbouring pixels of the result are equally far apart."""
        _, _, row, column = self.layout.result
        whole = row[1] == column[1] * column[0]
        return row[0] * column[0] if whole else column[0]

    # The three products.

    def forward_maps(self) -> Maps:
        image, weights, result = self.boxed, self.layout.weights, self.layout.result
        return Maps(
            left_rows=along(weights[0], self.group_outs),
            left_depths=self._patch(weights, *self._taps()),
            right_depths=self._patch(image, *self._taps()),
            right_columns=self._pixels(image, self.vertical.out, self.horizontal.out, self.steps),
            out_rows=along(result[1], self.group_outs),
            out_columns=self._pixels(result, self.vertical.out, self.horizontal.out),
            run=self._run(),
            step=result[3][1],
            left_batches=self._batches(weights[0], self.group_outs),
            right_batches=self._batches(image[1], self.group_channels),
            out_batches=self._batches(result[1], self.group_outs),
        )

    def weight_maps(self) -> tuple[Maps, bool]:
        """The gradient of the weights, and whether the image is the left factor (where that wastes fewer lanes)."""
        image, weights, result = self.boxed, self.layout.weights, self.layout.result
        outs, taps = along(result[1], self.group_outs), self._patch(image, *self._taps())
        pixels = self._pixels(result, self.vertical.out, self.horizontal.out)
        patches = self._pixels(image, self.vertical.out, self.horizontal.out, self.steps)
        to_out, to_tap = along(weights[0], self.group_outs), self._patch(weights, *self._taps())
        own = _Side(outs, pixels, to_out, len(outs), weights[0][1], self._batches(result[1], self.group_outs))
        image_batches = self._batches(image[1], self.group_channels)
        other = _Side(taps, patches, to_tap, *self._steady(to_tap), image_batches)
        swapped = self._tiles(len(outs)) * len(taps) < self._tiles(len(taps)) * len(outs)
        left, right = (other, own) if swapped else (own, other)
        maps = Maps(
            left_rows=left.rows,
            left_depths=left.depths,
            right_depths=right.depths,
            right_columns=right.rows,
            out_rows=left.out,
            out_columns=right.out,
            run=right.run,
            step=right.step,
            left_batches=left.batches,
            right_batches=right.batches,
            out_batches=self._batches(weights[0], self.group_outs),
        )
        return maps, swapped

    def _tiles(self, count: int) -> int:
        return -(-count // self.lanes)

    def _steady(self, places: Places) -> tuple[int, int]:
        """The taps' run: all of them if they are equally far apart, else those of one row."""
        column = self.layout.weights[3]
        steps = np.diff(places)
        return (len(places), column[1]) if np.all(steps == column[1]) else column

    def input_maps(self, target: Axes, phase: tuple[int, int]) -> Maps:
        """The gradient of the filtered image at one phase of the stride: a convolution of the padded out gradient."""
        weights, padded = self.layout.weights, self.padded
        taps = [line.taps(start) for line, start in zip(self.lines, phase, strict=True)]
        back = [
            (line.lead - (tap - start) // line.step) for line, start, tap in zip(self.lines, phase, taps, strict=True)
        ]
        outs = along(weights[0], self.group_outs)
        tap_places = outer(taps[0] * weights[2][1], taps[1] * weights[3][1])
        back_places = outer(back[0] * padded[2][1], back[1] * padded[3][1])
        height, width = (line.positions(start) for line, start in zip(self.lines, phase, strict=True))
        return Maps(
            left_rows=along(weights[1], self.group_channels),
            left_depths=outer(outs, tap_places),
            right_depths=outer(along(padded[1], self.group_outs), back_places),
            right_columns=self._pixels(padded, height, width),
            out_rows=along(target[1], self.group_channels),
            out_columns=self._pixels(target, height, width, self.steps),
            run=width,
            step=target[3][1] * self.horizontal.step,
            left_batches=self._batches(weights[0], self.group_outs),
            right_batches=self._batches(padded[1], self.group_outs),
            out_batches=self._batches(target[1], self.group_channels),
        )


def outer(*parts: Places) -> Places:
    """All sums of one place from each part, the last part running fastest."""
    total = np.zeros(1, np.int64)
    for part in parts:
        total = (total[:, None] + part).ravel()
    return total


def along(axis: tuple[int, int], count: int | None = None) -> Places:
    """The places along an axis (length, step)."""
    return np.arange(axis[0] if count is None else count, dtype=np.int64) * axis[1]
