"""A model's parameters as rows, for a table and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.weights.checks import shown_bounds
from ppc.weights.expected import SomeWeights, expected

_HEADS = ("name", "shape", "values", "smallest", "largest", "declared")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One parameter; smallest and largest are known only where there are weights."""

    name: str
    shape: tuple[int, ...]
    count: int
    low: float | None
    high: float | None
    bounds: Interval | None


def listing(graph: Graph, weights: SomeWeights | None = None) -> tuple[Row, ...]:
    """The parameters of a graph, with the range of their values if weights are given."""
    rows: list[Row] = []
    for parameter in expected(graph):
        values = weights[parameter.name] if weights is not None and parameter.count else None
        rows.append(
            Row(
                name=parameter.name,
                shape=parameter.shape,
                count=parameter.count,
                low=float(values.min()) if values is not None else None,
                high=float(values.max()) if values is not None else None,
                bounds=parameter.bounds,
            )
        )
    return tuple(rows)


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as JSON holds them; bounds are a pair or null."""
    return [asdict(row) | {"bounds": [row.bounds.low, row.bounds.high] if row.bounds else None} for row in rows]


def table(rows: Sequence[Row]) -> str:
    """The rows as a person reads them, with the sum last."""
    cells = [_HEADS, *(_cells(row) for row in rows)]
    cells.append(("all", "", f"{sum(row.count for row in rows):,}", "", "", ""))
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADS))]
    return "".join(f"{_line(line, widths)}\n" for line in cells)


def _cells(row: Row) -> tuple[str, ...]:
    low, high = ("" if value is None else f"{value:.4g}" for value in (row.low, row.high))
    return row.name, "×".join(map(str, row.shape)), f"{row.count:,}", low, high, shown_bounds(row.bounds)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    return "  ".join(
        cell.rjust(width) if column in (2, 3, 4) else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()
