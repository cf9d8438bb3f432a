"""Runs a product given by index maps: makes the tables, chooses kernels and blocks, shares the work among threads.

Called by matmul and convolution. Knows where elements are (in words), not what their axes mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ppc.field import Field
from ppc.runtime.kernels.buffers import scratch
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.limbs import plan
from ppc.runtime.kernels.memory import depths_at_once
from ppc.runtime.kernels.packing import PackKernel
from ppc.runtime.kernels.product import PARAMETERS, SHALLOW, SLIVER, ProductKernel, depth_limit
from ppc.runtime.kernels.threads import run_all, shares

Places = NDArray[np.int64]

_CALL = [PARAMETERS.index(name) for name in ("left", "right", "out", "keep", "flip")]
_KEEP = 3  # its place among them
_ROOMS = [PARAMETERS.index(name) for name in ("left_room", "right_room")]
_RIGHT_TILE_WORDS = 4096  # a packed tile of the right factor fills most of the nearest cache
_ROOM_WORDS = 1 << 16  # a packed block stays in the second cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Maps:
    """Where things are, in words: out[rows + columns] = Σ_k left[rows + k] · right[k + columns].

    Columns come in runs of `run`; within a run the out matrix's columns are `step` apart.
    """

    left_rows: Places
    left_depths: Places
    right_depths: Places
    right_columns: Places
    out_rows: Places
    out_columns: Places
    run: int
    step: int
    left_batches: Places
    right_batches: Places
    out_batches: Places


@dataclass(frozen=True)
class Tiling:
    """An axis cut into tiles: each tile's lanes (the last one repeated to fill it) and how many are real."""

    lanes: Places
    counts: Places
    firsts: Places


def _tiling(starts: Places, counts: Places, width: int) -> Tiling:
    lanes = starts[:, None] + np.minimum(np.arange(width), counts[:, None] - 1)
    return Tiling(np.ascontiguousarray(lanes), np.ascontiguousarray(counts), np.ascontiguousarray(starts))


def _even_tiles(count: int, width: int) -> Tiling:
    """Tiles of nearly equal height: nine rows are five and four, not eight and one."""
    tiles = -(-count // width)
    borders = np.arange(tiles + 1) * count // tiles
    return _tiling(borders[:-1], np.diff(borders), width)


def _run_tiles(count: int, run: int, width: int) -> Tiling:
    """Tiles of `width` that never cross from one run into the next."""
    within = np.arange(0, run, width)
    starts = (np.arange(0, count, run)[:, None] + within).ravel()
    counts = np.tile(np.minimum(width, run - within), count // run)
    return _tiling(starts, counts, width)


class Share:
    """One thread's stretch of one axis of a product: the kernel's parameters but for the addresses of a call."""

    def __init__(self, product: Product, axis: str, first: int, last: int) -> None:
        maps, library = product.maps, product.library
        bounds = {"batches": (0, len(maps.left_batches)), "tiles": (0, len(product.columns.counts))}
        bounds |= {"slivers": (0, len(product.rows.counts)), axis: (first, last)}
        (b0, b1), (t0, t1), (s0, s1) = bounds["batches"], bounds["tiles"], bounds["slivers"]
        depth_block, tile_block, sliver_block = product.blocks()
        limbs = plan(product.field, library.variant.multiplier)
        self.left_room = sliver_block * SLIVER * depth_block * len(limbs.left)
        hold = s1 - s0 > sliver_block
        self.right_room = (tile_block if hold else 1) * library.variant.lanes * depth_block * len(limbs.right)
        values = {
            "left_pack": library.kernel(product.left_pack).address,
            "right_pack": library.kernel(product.right_pack).address,
            "slivers": s1 - s0,
            "tiles": t1 - t0,
            "depth": len(maps.left_depths),
            "sliver_block": sliver_block,
            "tile_block": tile_block,
            "depth_block": depth_block,
            "left_lanes": _at(product.left_lanes[s0:]),
            "left_depths": _at(maps.left_depths),
            "row_counts": _at(product.rows.counts[s0:]),
            "row_places": _at(product.row_places[s0:]),
            "right_lanes": _at(product.right_lanes[t0:]),
            "right_depths": _at(maps.right_depths),
            "column_counts": _at(product.columns.counts[t0:]),
            "column_places": _at(product.column_places[t0:]),
            "hold": int(hold),
            "column_step": maps.step,
            "batches": b1 - b0,
            "left_batches": _at(maps.left_batches[b0:]),
            "right_batches": _at(maps.right_batches[b0:]),
            "out_batches": _at(maps.out_batches[b0:]),
        }
        self.block = np.array([values.get(name, 0) for name in PARAMETERS], np.int64)


class Product:
    """A product ready to run on any arrays with the same layout."""

    def __init__(self, library: Library, field: Field, maps: Maps) -> None:
        self.library, self.field, self.maps = library, field, maps
        rows = _even_tiles(len(maps.left_rows), SLIVER)
        columns = _run_tiles(len(maps.right_columns), maps.run, library.variant.lanes)
        self.rows, self.columns = rows, columns
        self.left_lanes, self.right_lanes = maps.left_rows[rows.lanes], maps.right_columns[columns.lanes]
        self.row_places, self.column_places = maps.out_rows[rows.lanes], maps.out_columns[columns.firsts]
        left = self._neighbours(self.left_lanes, rows, maps.left_depths)
        right = self._neighbours(self.right_lanes, columns, maps.right_depths)
        self.left_pack = PackKernel(field, "left", left)
        self.right_pack = PackKernel(field, "right", right)
        columns = "unit" if maps.step == field.words else "strided"
        self.kernel = ProductKernel(field, columns)
        self.shallow = ProductKernel(field, columns, shallow=True) if len(maps.left_depths) <= SHALLOW else None
        self.shares: dict[int, list[Share]] = {}

    def _neighbours(self, lanes: Places, tiling: Tiling, depths: Places) -> str:
        """What lies side by side in memory, so that it can be loaded as vectors: see PackKernel."""
        words, together = self.field.words, depths_at_once(self.field)
        width: int = lanes.shape[1]
        steps = np.minimum(np.arange(width), tiling.counts[:, None] - 1) * words
        if np.array_equal(lanes, lanes[:, :1] + steps):
            return "lanes"
        groups = depths[::together, None] + np.arange(together) * words
        return "depths" if np.array_equal(depths, groups.ravel()) else "none"

    def run(self, left: int, right: int, out: int, *, keep: bool, negate: bool, threads: int) -> None:
        """The arguments are addresses. keep: add to what is there. negate: the product's sign."""
        values = (left, right, out, -int(keep), -int(negate))
        run_all([partial(self._share, share, values) for share in self._shares(threads)])

    def _shares(self, threads: int) -> list[Share]:
        if threads not in self.shares:
            self.shares[threads] = [Share(self, *bounds) for bounds in self._bounds(threads)]
        return self.shares[threads]

    def _bounds(self, threads: int) -> list[tuple[str, int, int]]:
        """The axis that is cut for the threads, and each one's stretch of it."""
        sizes = {"batches": len(self.maps.left_batches), "tiles": len(self.columns.counts)}
        sizes["slivers"] = len(self.rows.counts)
        axis = "batches" if sizes["batches"] >= threads else max(("tiles", "slivers"), key=lambda name: sizes[name])
        return [(axis, first, last) for first, last in shares(sizes[axis], threads)]

    def _share(self, share: Share, values: tuple[int, ...]) -> None:
        block = share.block.copy()
        block[_CALL] = values
        block[_ROOMS] = _at(scratch("left", share.left_room)), _at(scratch("right", share.right_room))
        fresh = self.shallow if not values[_KEEP] else None
        self.library.kernel(fresh or self.kernel)(block)

    def blocks(self) -> tuple[int, int, int]:
        """Depth, tiles and slivers of a block, by the sizes of the caches."""
        limbs = plan(self.field, self.library.variant.multiplier)
        right_words = len(limbs.right) * self.library.variant.lanes
        depth = max(1, min(len(self.maps.left_depths), _RIGHT_TILE_WORDS // right_words))
        depth = min(depth, depth_limit(self.field, self.library.variant))
        depth -= depth % depths_at_once(self.field) if depth < len(self.maps.left_depths) else 0
        tiles = max(1, min(len(self.columns.counts), _ROOM_WORDS // (right_words * depth)))
        slivers = max(1, min(len(self.rows.counts), _ROOM_WORDS // (len(limbs.left) * SLIVER * depth)))
        return depth, tiles, slivers


def _at(array: NDArray[np.int64] | NDArray[np.uint64]) -> int:
    return int(array.__array_interface__["data"][0])
