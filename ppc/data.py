"""Inputs for a run, from numpy files. Checked against the graph by whoever evaluates it."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ppc.errors import PpcError, fail
from ppc.ir.graph import Graph

Array = NDArray[np.float64]


def load_inputs(path: Path, graph: Graph) -> dict[str, Array]:
    """The data inputs of a graph, by name; a single example gets a batch of one."""
    names = [node.name for node in graph.inputs if node.word("role") == "data"]
    arrays = _read(path, names)
    if missing := [name for name in names if name not in arrays]:
        raise fail(
            "PPC508",
            f"{path} has no array named {', '.join(missing)}; it has {', '.join(sorted(arrays)) or 'none'}.",
            hint="Save it with `numpy.savez(file, NAME=array)`, one array for each input.",
        )
    return {name: _batched(arrays[name], graph[name].typed.shape) for name in names}


def _read(path: Path, names: list[str]) -> dict[str, Array]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {names[0]: _real(path, names[0], loaded)} if len(names) == 1 else {}
        with loaded:
            return {name: _real(path, name, loaded[name]) for name in loaded.files}
    except OSError as error:
        raise fail("PPC501", f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, EOFError, BadZipFile, KeyError) as error:
        if isinstance(error, PpcError):
            raise
        raise _damaged(path) from None


def _damaged(path: Path) -> PpcError:
    return fail(
        "PPC502",
        f"{path} is no .npz or .npy file of numbers, or is damaged.",
        hint="Save it with `numpy.savez(file, NAME=array)`; arrays of objects are refused, they could run code.",
    )


def _real(path: Path, name: str, array: NDArray[np.generic]) -> Array:
    if array.dtype.kind not in "fiub":
        raise fail("PPC508", f"{name} in {path} holds {array.dtype}, not real numbers.")
    return array.astype(np.float64)


def _batched(array: Array, wanted: tuple[int, ...]) -> Array:
    """An array of one example gets the batch's axis; anything else stays, and is judged by its shape."""
    return array[np.newaxis] if array.ndim == len(wanted) - 1 and array.shape == wanted[1:] else array
