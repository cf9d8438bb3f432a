"""Does the program compute what the model computed? Sample inputs go through both; a difference refuses the import.

The model runs in onnx's own evaluator, the program as its text says: parsed, resolved, typed, evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ppc.errors import InternalError, Note, PpcError, fail
from ppc.grammar.parse import parse
from ppc.grammar.resolve import resolve
from ppc.importing.names import named
from ppc.importing.network import Network
from ppc.importing.reading import OnnxModel, require_onnx
from ppc.importing.repairs import repairs
from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.passes.infer_shapes import InferShapes
from ppc.reference import trace
from ppc.source import Source
from ppc.weights import Weights

SEEDS = range(3)
# The model computes in float32. Its rounding errors grow with the layers, but stay far below this part of the values.
TOLERANCE = 1e-4
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Everything that is compared: the model, its network, the text and the numbers made of it."""

    model: OnnxModel
    network: Network
    name: str
    text: str
    weights: Weights
    bounds: Interval


def typed_graph(text: str, name: str, *, batch: int) -> Graph:
    """The graph of an imported program. A mistake in its text is ours, but for numbers beyond the language's limits."""
    source = Source(f"{name}.pnn", text)
    try:
        resolved = resolve(parse(source), source=source.name)
        if beyond := [mistake for mistake in resolved.mistakes if mistake.code == "PPC111"]:
            raise fail("PPC604", f"The model is beyond the limits of the language: {beyond[0].message}")
        if resolved.mistakes:
            raise PpcError(*resolved.mistakes)
        body = resolved.bodies[name]
        bounds = resolved.policies[0].weight_bounds
        return InferShapes(batch, bounds, body.promise, body.span).run(body.graph)
    except PpcError as error:
        if error.diagnostics[0].code == "PPC604":
            raise
        raise InternalError(f"an imported program does not compile: {error}", place=name) from error


def check_agreement(imported: Imported) -> float:
    """The largest difference over all samples, relative to the size of the values; too large a one is an error."""
    graph = typed_graph(imported.text, imported.name, batch=imported.network.inputs[0].shape[0])
    return max(_difference(imported, graph, seed) for seed in SEEDS)


def _difference(imported: Imported, graph: Graph, seed: int) -> float:
    given = _sample(imported, seed)
    theirs = _run(imported.model, given)
    ours = _trace(imported, graph, given)
    output = imported.model.outputs[0]
    gap = distance(theirs[output], ours[imported.network.output])
    if gap > TOLERANCE:
        raise _refused(imported, gap, theirs, ours, seed)
    return gap


def _sample(imported: Imported, seed: int) -> dict[str, NDArray[Any]]:
    generator = np.random.default_rng(seed)
    low, high = imported.bounds.low, imported.bounds.high
    return {
        given.name: generator.uniform(low, high, given.shape).astype(given.dtype).clip(low, high)
        for given in imported.model.inputs
    }


def _run(model: OnnxModel, given: Arrays) -> dict[str, NDArray[Any]]:
    """Every value of the model, by onnx's evaluator."""
    onnx = require_onnx()
    try:
        evaluator = onnx.reference.ReferenceEvaluator(model.proto, new_ops=repairs(model.opset))
        with np.errstate(all="ignore"):
            return cast(dict[str, NDArray[Any]], evaluator.run(None, dict(given), intermediate=True))
    except Exception as error:  # the evaluator raises whatever its numpy code meets
        raise fail(
            "PPC603",
            f"onnx's own evaluator cannot run `{model.label}`, so nothing can be compared: {error}",
            hint="Export the model again with an opset from 13 to 20.",
        ) from None


def _trace(imported: Imported, graph: Graph, given: Arrays) -> dict[str, NDArray[Any]]:
    """Every layer's value, by the key of the layer."""
    called = named(imported.network).called
    inputs = {called[layer.key]: given[layer.key] for layer in imported.network.inputs}
    values = trace(graph, {**inputs, **imported.weights})
    return {layer.key: values[called[layer.key]] for layer in imported.network.layers}


def distance(theirs: NDArray[Any], ours: NDArray[Any]) -> float:
    """The largest difference, relative to the largest value (or to 1, if that is larger)."""
    if theirs.size != ours.size:
        return float("inf")
    theirs = theirs.astype(np.float64).reshape(ours.shape)
    if not (np.isfinite(theirs).all() and np.isfinite(ours).all()):
        return float("inf")
    return float(np.abs(theirs - ours).max(initial=0.0)) / max(1.0, float(np.abs(theirs).max(initial=0.0)))


def _refused(imported: Imported, gap: float, theirs: Arrays, ours: Arrays, seed: int) -> PpcError:
    called = named(imported.network).called
    notes = [Note(text=f"largest difference {gap:.3g} of the values (at most {TOLERANCE:g} is rounding), seed {seed}")]
    for layer in imported.network.body:
        if layer.value in theirs and distance(theirs[layer.value], ours[layer.key]) > TOLERANCE:
            notes.append(
                Note(text=f"the first layer that differs is `{called[layer.key]}` ({layer.value} in the model)")
            )
            break
    return fail(
        "PPC603",
        f"The program made of `{imported.model.label}` gives other answers than the model.",
        notes=tuple(notes),
        hint="Nothing was written. This is a mistake of ppc or of the file: please report it with the model.",
    )
