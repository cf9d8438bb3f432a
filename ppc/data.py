"""Inputs for a run, from numpy files. Only what the model asks for is read, once its header fits the model."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from ppc.arrays import StoredArray, npy_array, npz_arrays, reading
from ppc.errors import fail
from ppc.ir.graph import Graph
from ppc.source import Span

Array = NDArray[np.float64]
MOST_VALUES = 2**28  # of one input, two gigabytes as float64


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One array that a file must hold, with an example in each row."""

    name: str
    shape: tuple[int, ...]  # of one example
    rows: int | None = None  # exactly so many, where that is known
    label: bool = False  # one of so many classes: whole numbers stand for their places
    span: Span | None = None


def load_inputs(path: Path, graph: Graph) -> dict[str, Array]:
    """The data inputs of a graph, by name; a single example gets a batch of one."""
    wanted = [node for node in graph.inputs if node.word("role") == "data"]
    return load_rows(path, [Expected(name=node.name, shape=node.shape[1:], span=node.span) for node in wanted])


def load_rows(path: Path, wanted: Sequence[Expected]) -> dict[str, Array]:
    """The arrays that are expected, by name; a single example gets a batch of one."""
    with reading(path), _stored(path, [one.name for one in wanted]) as found:
        arrays = {array.name: array for array in found}
        if missing := [one.name for one in wanted if one.name not in arrays]:
            raise fail(
                "PPC508",
                f"{path} has no array named {', '.join(missing)}; it has {', '.join(sorted(arrays)) or 'none'}.",
                hint="Save it with `numpy.savez(file, NAME=array)`, one array for each input.",
            )
        loaded = {one.name: _loaded(path, arrays[one.name], one) for one in wanted}
    if len({len(array) for array in loaded.values()}) > 1:
        sizes = ", ".join(f"{name} {len(array):,}" for name, array in loaded.items())
        raise fail("PPC508", f"The arrays in {path} have different numbers of examples: {sizes}.")
    return loaded


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


def _loaded(path: Path, array: StoredArray, wanted: Expected) -> Array:
    """The numbers of one input, if its header says that they fit the model and this machine."""
    example, shape = wanted.shape, array.shape
    if wanted.label and len(shape) == 1 and len(example) == 1 and array.dtype.kind in "iu" and shape != example:
        return _classes(path, array, wanted)
    single = shape == example and wanted.rows is None
    if not single and (shape[1:] != example or wanted.rows not in (None, *shape[:1])):
        found = "×".join(map(str, shape)) or "a single number"
        raise fail(
            "PPC508",
            f"`{array.name}` in {path} is {found}; the model takes "
            f"{'×'.join(map(str, (wanted.rows or 'batch', *example)))}.",
            span=wanted.span,
            hint="Reshape the array; the first size counts the examples.",
        )
    if array.dtype.kind not in "fiub":
        raise fail("PPC508", f"`{array.name}` in {path} holds {array.dtype}, not real numbers.", span=wanted.span)
    if int(np.prod(shape, dtype=object)) > MOST_VALUES:
        raise fail("PPC508", f"`{array.name}` in {path} has more than {MOST_VALUES:,} values.", hint="Run it in parts.")
    values = array.read().astype(np.float64)
    return values[np.newaxis] if single else values


def _classes(path: Path, array: StoredArray, wanted: Expected) -> Array:
    """Numbers of classes as rows with a 1 at their places."""
    (count,), numbers = wanted.shape, array.read()
    if len(numbers) * count > MOST_VALUES or (len(numbers) and not 0 <= numbers.min() <= numbers.max() < count):
        raise fail("PPC508", f"`{array.name}` in {path} has classes outside of 0 to {count - 1}.", span=wanted.span)
    return np.eye(count)[numbers]
