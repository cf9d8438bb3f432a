"""Sums over windows of images: padding, box filters, pooling and its backward are all this one kernel.

Called by convolution and pooling. A target pixel is the sum of the source pixels that two public tables name, one
for rows and one for columns; a source outside the image is masked to zero by the table, not by a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ppc.field import Field
from ppc.runtime.kernels.arithmetic import Arithmetic, Digit
from ppc.runtime.kernels.emit import Function, Value, constant, module
from ppc.runtime.kernels.lanes import LaneOperations
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.limbs import plan
from ppc.runtime.kernels.memory import load_lanes, store_columns
from ppc.runtime.kernels.threads import run_all, shares
from ppc.runtime.kernels.variants import Variant

Table = NDArray[np.int64]

PARAMETERS = (
    *("source", "target", "source_planes", "target_planes", "planes"),
    *("rows", "row_terms", "row_places", "row_masks", "row_step"),
    *("tiles", "column_terms", "column_places", "column_masks", "counts", "column_step"),
)
_NUMBERS = frozenset({"planes", "rows", "row_terms", "row_step", "tiles", "column_terms", "column_step"})


@dataclass(frozen=True)
class WindowKernel:
    """target[plane, i, j] = Σ_u Σ_v source[plane, row_places[i, u] + column_places[v, j]], masked."""

    field: Field
    columns: str

    @property
    def name(self) -> str:
        return f"windows_{self.columns}_{self.field.name}"

    def module(self, variant: Variant) -> str:
        return module([_Windows(self, variant).function()], triple=variant.triple)


class _Windows:
    def __init__(self, kernel: WindowKernel, variant: Variant) -> None:
        self.kernel, self.variant = kernel, variant
        self.f = Function(kernel.name, ("ptr",), exported=True)
        self.operations = LaneOperations(self.f, variant.lanes, variant.multiplier)
        self.arithmetic = Arithmetic(kernel.field, self.operations, plan(kernel.field, variant.multiplier))
        (block,) = self.f.parameters
        self.p = {
            name: self.f.load(self.f.address(block, constant(number)), "i64" if name in _NUMBERS else "ptr")
            for number, name in enumerate(PARAMETERS)
        }

    def function(self) -> Function:
        self.f.repeat(self.p["planes"], self._plane)
        return self.f

    def _table(self, name: str, index: Value, kind: str = "i64") -> Value:
        return self.f.load(self.f.address(self.p[name], index), kind)

    def _plane(self, plane: Value) -> None:
        source = self.f.address(self.p["source"], self._table("source_planes", plane))
        target = self.f.address(self.p["target"], self._table("target_planes", plane))

        def row(i: Value) -> None:
            line = self.f.address(target, self.f.multiply(i, self.p["row_step"]))
            self.f.repeat(self.p["tiles"], lambda tile: self._tile(source, line, i, tile))

        self.f.repeat(self.p["rows"], row)

    def _tile(self, source: Value, line: Value, row: Value, tile: Value) -> None:
        f, lanes = self.f, self.variant.lanes
        zero = [self.operations.constant(0)] * len(self.arithmetic.widths)
        first_row = f.multiply(row, self.p["row_terms"])
        first_lane = f.multiply(tile, constant(lanes))

        def over_rows(u: Value, sums: list[Value]) -> Sequence[Value]:
            at = f.add(first_row, u)
            place = f.address(source, self._table("row_places", at))
            row_mask = f.splat(self._table("row_masks", at), lanes)

            def over_columns(v: Value, inner: list[Value]) -> Sequence[Value]:
                lane = f.add(f.multiply(f.multiply(v, self.p["tiles"]), constant(lanes)), first_lane)
                mask = f.both(row_mask, self._table("column_masks", lane, self.operations.type))
                places = self._table("column_places", lane, self.operations.type)
                words = [f.both(word, mask) for word in load_lanes(f, self.variant, self.kernel.field, place, places)]
                return self._added(inner, words)

            return f.loop(self.p["column_terms"], sums, over_columns)

        sums = f.loop(self.p["row_terms"], zero, over_rows)
        total = self.arithmetic.pack(self._element(sums))
        step = self.p["column_step"] if self.kernel.columns == "strided" else None
        unit = self.p["column_step"] if step else constant(self.kernel.field.words)
        target = f.address(line, f.multiply(first_lane, unit))
        store_columns(f, self.variant, self.kernel.field, target, self._table("counts", tile), total, step)

    def _element(self, digits: Sequence[Value]) -> list[Digit[Value]]:
        """A sum under way: every digit at most one above its mask, which one carry after each addition restores."""
        return [Digit(value, mask + 1) for value, mask in zip(digits, self.arithmetic.masks, strict=True)]

    def _added(self, digits: Sequence[Value], words: Sequence[Value]) -> list[Value]:
        total = self.arithmetic.add(self._element(digits), self.arithmetic.unpack(words))
        return [digit.value for digit in self.arithmetic.carry(total)]


@dataclass(frozen=True)
class Axis:
    """One axis of a window sum: which source indices each target index adds, and which of them exist."""

    index: Table  # target × terms
    length: int  # of the source

    @property
    def targets(self) -> int:
        return int(self.index.shape[0])

    @property
    def terms(self) -> int:
        return int(self.index.shape[1])

    @property
    def mask(self) -> Table:
        return -((self.index >= 0) & (self.index < self.length)).astype(np.int64)

    @property
    def inside(self) -> Table:
        """Indices that may be read: those outside point at the border instead, and are masked."""
        return np.clip(self.index, 0, self.length - 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """Where planes start, and the steps of rows and columns, in words."""

    planes: Table
    row: int
    column: int


class Windows:
    """A window sum ready to run."""

    def __init__(
        self, library: Library, field: Field, rows: Axis, columns: Axis, source: Images, target: Images
    ) -> None:
        self.library, self.field, self.source, self.target = library, field, source, target
        self.kernel = WindowKernel(field, "unit" if target.column == field.words else "strided")
        lanes = library.variant.lanes
        count = columns.targets
        starts = np.arange(0, count, lanes, dtype=np.int64)
        reach = np.minimum(np.arange(starts.size * lanes), count - 1)
        self.tables = {
            "row_places": rows.inside * source.row,
            "row_masks": rows.mask,
            "column_places": columns.inside[reach].T * source.column,
            "column_masks": columns.mask[reach].T,
            "counts": np.minimum(lanes, count - starts),
        }
        self.tables = {name: np.ascontiguousarray(table) for name, table in self.tables.items()}
        self.numbers = {
            "rows": rows.targets,
            "row_terms": rows.terms,
            "row_step": target.row,
            "tiles": starts.size,
            "column_terms": columns.terms,
            "column_step": target.column,
        }

    def run(self, source: int, target: int, *, threads: int) -> None:
        """The arguments are addresses."""
        parts = shares(len(self.source.planes), threads)
        run_all([partial(self._share, source, target, first, last) for first, last in parts])

    def _share(self, source: int, target: int, first: int, last: int) -> None:
        values = self.numbers | {name: table.ctypes.data for name, table in self.tables.items()}
        values |= {"source": source, "target": target, "planes": last - first}
        values["source_planes"] = self.source.planes[first:].ctypes.data
        values["target_planes"] = self.target.planes[first:].ctypes.data
        self.library.kernel(self.kernel)(np.array([values[name] for name in PARAMETERS], np.int64))
