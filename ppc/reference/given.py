"""What an evaluation is given: is it there, of the right shape, finite, within the bounds that the source states?

`evaluate` asks before any work. All mistakes of a set of values are reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import numpy as np

from ppc.errors import Diagnostic, PpcError
from ppc.ir.graph import Graph, Node
from ppc.ir.ops import SOURCES
from ppc.reference.windows import Array


def given_values(graph: Graph, values: Mapping[str, object]) -> dict[str, Array]:
    """The inputs and parameters of the graph as arrays. Values the graph has no use for are left out."""
    nodes = graph.with_op(*SOURCES)
    arrays = {node.name: _array(node, values[node.name]) for node in nodes if node.name in values}
    mistakes = list(_missing(nodes, values))
    for node in nodes:
        if node.name in arrays:
            mistakes += _mistakes(graph, node, arrays[node.name])
    mistakes += _batches(graph, arrays)
    if mistakes:
        raise PpcError(*mistakes)
    return {name: _as_element(graph[name], array) for name, array in arrays.items()}


def misfit(node: Node, message: str, *, hint: str = "") -> Diagnostic:
    """A value of the wrong name, shape or kind."""
    return Diagnostic(code="PPC508", message=message, span=node.span, label="declared here", hint=hint)


def shown(shape: tuple[int | str, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _array(node: Node, value: object) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise PpcError(misfit(node, f"`{node.name}` must be an array of real numbers; its kind is {array.dtype}."))
    return array.astype(np.float64)


def _as_element(node: Node, array: Array) -> Array:
    return array.astype(np.int64) if node.type and node.type.element == "index" else array


def _missing(nodes: tuple[Node, ...], values: Mapping[str, object]) -> Iterator[Diagnostic]:
    for node in nodes:
        if node.name in values:
            continue
        known = {other.name for other in nodes}
        near = get_close_matches(node.name, [name for name in values if name not in known], n=1)
        hint = f"There is a value `{near[0]}`: rename it." if near else f"Give a value named `{node.name}`."
        yield misfit(node, f"The {node.op} `{node.name}` has no value.", hint=hint)


def _mistakes(graph: Graph, node: Node, array: Array) -> Iterator[Diagnostic]:
    if node.type is None:  # a parameter as written: its layer knows its shape
        return
    wanted = ("batch", *node.shape) if graph.stage == "named" else node.shape
    fixed = tuple(found if size == "batch" else size for size, found in zip(wanted, array.shape, strict=False))
    if len(array.shape) != len(wanted) or array.shape != fixed:
        batch = array.shape[1:] == wanted[1:]
        hint = (
            "Every input holds the same number of examples." if batch else "Shapes start with the number of examples."
        )
        needed = f"`{node.name}` must have shape {shown(wanted)}; the value given has {shown(array.shape)}."
        yield misfit(node, needed, hint=hint)
        return
    yield from outside(node, array)


def outside(node: Node, array: Array) -> Iterator[Diagnostic]:
    """Values that are no numbers, or out of the bounds of an input."""
    bad = ~np.isfinite(array)
    needed = "a finite number"
    if node.typed.element == "index":
        bad |= array != np.floor(array)
        needed = "a whole number"
    if node.op == "input" and (bounds := node.typed.bounds) is not None:
        bad |= (array < bounds.low) | (array > bounds.high)
        needed = f"within {bounds.low:g}..{bounds.high:g}" + (", and whole" if node.typed.element == "index" else "")
    if not bad.any():
        return
    place = tuple(int(index) for index in np.argwhere(bad)[0])
    yield Diagnostic(
        code="PPC307",
        message=f"{int(bad.sum())} of {array.size} values of `{node.name}` are outside of what the program states; "
        f"the first is at {shown(place)}.",
        span=node.span,
        label=f"every value is {needed}",
        hint="Scale the data into the bounds, or widen the bounds in the program.",
    )


def _batches(graph: Graph, arrays: Mapping[str, Array]) -> Iterator[Diagnostic]:
    """Before `infer-shapes` the batch is not fixed, but it is one."""
    inputs = [node for node in graph.inputs if arrays.get(node.name, np.zeros(())).ndim > 0]
    if graph.stage != "named" or not inputs:
        return
    first = inputs[0]
    for node in inputs[1:]:
        count, wanted = arrays[node.name].shape[0], arrays[first.name].shape[0]
        if count != wanted:
            yield misfit(node, f"`{node.name}` holds {count} examples, `{first.name}` holds {wanted}.")
