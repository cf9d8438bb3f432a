"""From a file on disk to weights that fit a model, or to the list of everything that does not fit.

Called by whoever owns the weights: `ppc run`, `ppc party`, `ppc weights`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppc.errors import Diagnostic, PpcError
from ppc.ir.graph import Graph
from ppc.weights.checks import check_values, listed
from ppc.weights.expected import Parameter, Weights, clipped, expected
from ppc.weights.matching import match, name_diagnostics, shape_diagnostics
from ppc.weights.stored import Stored, reading, stored

REAL = frozenset({"float16", "float32", "float64"})


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The weights, and what their owner should know about how they were read."""

    weights: Weights
    notes: tuple[str, ...] = ()


def load(path: str | Path, graph: Graph) -> Loaded:
    """Weights for a typed graph from .safetensors, .npz, .pt or .pth; all mismatches are reported at once."""
    path = Path(path)
    parameters = expected(graph)
    with stored(path) as arrays:
        matching = match(parameters, arrays, ordered=path.suffix.lower() != ".safetensors")
        fitting = [
            (parameter, array)
            for parameter, array in matching.pairs
            if parameter.shape == array.shape and array.element in REAL
        ]
        with reading(path):
            weights = {parameter.name: _values(array) for parameter, array in fitting}
    mistakes = [
        *name_diagnostics(matching),
        *shape_diagnostics(matching.pairs),
        *_element_diagnostics(array for _, array in matching.pairs),
        *check_values([parameter for parameter, _ in fitting], weights),
    ]
    if mistakes:
        raise PpcError(*mistakes)
    return Loaded(weights=_held_inside(parameters, weights), notes=(matching.note,) if matching.note else ())


def _values(array: Stored) -> np.ndarray[tuple[int, ...], np.dtype[np.floating]]:
    """The numbers as float32 or float64; float16 widens without loss."""
    dtype = np.float64 if array.element == "float64" else np.float32
    return np.ascontiguousarray(array.read(), dtype=dtype).reshape(array.shape)


def _held_inside(parameters: Iterable[Parameter], weights: Weights) -> Weights:
    """What float32 rounding put a last digit beyond a bound goes back to it: bounds are what ranges are proved from."""
    return {p.name: clipped(weights[p.name], p.bounds, weights[p.name].dtype) for p in parameters}


def _element_diagnostics(arrays: Iterable[Stored]) -> list[Diagnostic]:
    lines = [f"{array.name} is {array.element}" for array in arrays if array.element not in REAL]
    return listed(
        "PPC506",
        "Weights are real numbers: float16, float32 or float64.",
        lines,
        hint="Convert them first, for example with `tensor.float()` or `array.astype('float32')`.",
    )
