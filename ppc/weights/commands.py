"""What `ppc weights …` does, without its command line: each takes a typed graph and paths, and returns what to print.

list    names, shapes, ranges        init    seeded weights
export  any weights file to another  fold    weights for the graph that `prepare-inference` makes
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ppc.ir.graph import Graph
from ppc.weights.expected import Weights
from ppc.weights.fold import fold
from ppc.weights.initial import initial
from ppc.weights.listing import Row, listing
from ppc.weights.loading import load
from ppc.weights.saving import save


def list_weights(graph: Graph, file: Path | None = None) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Rows for `table` or `as_json`, and notes; with a file, the file is checked and its ranges are shown."""
    if file is None:
        return listing(graph), ()
    loaded = load(file, graph)
    return listing(graph, loaded.weights), loaded.notes


def export(graph: Graph, file: Path, to: Path) -> tuple[str, ...]:
    """Write the weights of `file` under the model's names; the ending of `to` says as what."""
    return _rewrite(graph, file, to, lambda weights: weights)


def fold_file(graph: Graph, file: Path, to: Path) -> tuple[str, ...]:
    """Write the weights of `file` with every batch norm folded into the layer before it."""
    return _rewrite(graph, file, to, lambda weights: fold(graph, weights))


def init(graph: Graph, to: Path, *, seed: int) -> tuple[str, ...]:
    """Write seeded weights for a model that has not been trained."""
    return (_write(to, initial(graph, seed)),)


def _rewrite(graph: Graph, file: Path, to: Path, change: Callable[[Weights], Weights]) -> tuple[str, ...]:
    loaded = load(file, graph)
    return (*loaded.notes, _write(to, change(loaded.weights)))


def _write(to: Path, weights: Weights) -> str:
    save(to, weights)
    return f"{to}: {len(weights):,} arrays, {sum(values.size for values in weights.values()):,} values"
