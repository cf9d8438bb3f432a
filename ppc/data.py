"""Inputs for a run, from numpy files. Only what the model asks for is read, once its header fits the model."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from ppc.arrays import StoredArray, npy_array, npz_arrays, reading
from ppc.errors import fail
from ppc.ir.graph import Graph, Node

Array = NDArray[np.float64]
MOST_VALUES = 2**28  # of one input, two gigabytes as float64


def load_inputs(path: Path, graph: Graph) -> dict[str, Array]:
    """The data inputs of a graph, by name; a single example gets a batch of one."""
    wanted = {node.name: node for node in graph.inputs if node.word("role") == "data"}
    with reading(path), _stored(path, list(wanted)) as found:
        arrays = {array.name: array for array in found}
        if missing := [name for name in wanted if name not in arrays]:
            raise fail(
                "PPC508",
                f"{path} has no array named {', '.join(missing)}; it has {', '.join(sorted(arrays)) or 'none'}.",
                hint="Save it with `numpy.savez(file, NAME=array)`, one array for each input.",
            )
        return {name: _loaded(path, arrays[name], node) for name, node in wanted.items()}


@contextmanager
def _stored(path: Path, names: list[str]) -> Generator[tuple[StoredArray, ...]]:
    """What the file holds. A .npy has no names: it is the model's only input."""
    with path.open("rb") as file:
        is_npy = file.read(6) == b"\x93NUMPY"
    if is_npy or path.suffix == ".npy":
        yield (npy_array(path, names[0]),) if len(names) == 1 else ()
        return
    with ZipFile(path) as archive:
        yield npz_arrays(path, archive)


def _loaded(path: Path, array: StoredArray, node: Node) -> Array:
    """The numbers of one input, if its header says that they fit the model and this machine."""
    example, shape = node.shape[1:], array.shape
    single = shape == example
    if not single and shape[1:] != example:
        found = "×".join(map(str, shape)) or "a single number"
        raise fail(
            "PPC508",
            f"`{array.name}` in {path} is {found}; the model takes {'×'.join(map(str, ('batch', *example)))}.",
            span=node.span,
            hint="Reshape the array; the first size counts the examples.",
        )
    if array.dtype.kind not in "fiub":
        raise fail("PPC508", f"`{array.name}` in {path} holds {array.dtype}, not real numbers.", span=node.span)
    if int(np.prod(shape, dtype=object)) > MOST_VALUES:
        raise fail("PPC508", f"`{array.name}` in {path} has more than {MOST_VALUES:,} values.", hint="Run it in parts.")
    values = array.read().astype(np.float64)
    return values[np.newaxis] if single else values
