"""What `ppc import …` does, without its command line: read, convert, compare, write.

ppc import model.onnx                                      an ONNX file
ppc import package.module:function --input 1,28,28         a function that makes a torch module (its code is run)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from ppc.compiler import compile_program
from ppc.errors import PpcError, fail
from ppc.importing.agreement import SEEDS, Imported, check_agreement, typed_graph
from ppc.importing.convert import convert
from ppc.importing.names import model_name
from ppc.importing.reading import OnnxModel, read_file
from ppc.importing.rules import RULES
from ppc.importing.torch_source import read_torch
from ppc.importing.writing import program, smallest_bound, weights_of
from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.source import Source
from ppc.weights import Weights, expected, fold, save
from ppc.weights.checks import check_values
from ppc.weights.saving import write_whole

UNIT = Interval(0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Written:
    """The files that an import wrote, and what its user should know."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...]


def import_model(
    origin: str, *, output: Path | None = None, input_shape: str | None = None, bounds: str = "0..1"
) -> Written:
    """Write `output` and, beside it, the weights. Raises a PpcError, and writes nothing, if anything is in the way."""
    model = _read(origin, input_shape)
    output = output or Path(f"{_stem(origin)}.pnn")
    weights_file = output.with_suffix(".safetensors")
    imported = import_network(model, name=model_name(output.name), bounds=_interval(bounds), file=weights_file.name)
    gap = check_agreement(imported)
    if imported.weights:
        save(weights_file, imported.weights)
    write_whole(output, imported.text.encode())
    paths = (output, weights_file) if imported.weights else (output,)
    agreed = f"Model and program agree on {len(SEEDS)} random inputs to {gap:.1e} of their values."
    return Written(paths=paths, notes=(agreed, *_private_notes(imported)))


def import_network(model: OnnxModel, *, name: str, bounds: Interval = UNIT, file: str = "weights") -> Imported:
    """The program and the weights of a model, not compared yet."""
    network = convert(model, RULES)
    weights = weights_of(network)

    def text(bound: float) -> str:
        return program(
            network,
            name=name,
            origin=f"{model.label} (opset {model.opset})",
            bounds=bounds,
            weight_bound=bound,
            file=file,
        )

    # Which batch norms will be folded is a fact about the graph; no bound stands in the way of asking it.
    graph = typed_graph(text(2.0**1000), name, batch=1)
    if mistakes := check_values(expected(graph), weights):
        raise PpcError(*mistakes)
    bound = _needed_bound(graph, weights)
    return Imported(model=model, network=network, name=name, text=text(bound), weights=weights, bounds=bounds)


def _needed_bound(graph: Graph, weights: Weights) -> float:
    """A bound for the weights as they are and as they will be after folding."""
    bounded = {p.name: weights[p.name] for p in expected(graph) if p.bounds is not None}
    return max(smallest_bound(bounded), smallest_bound(fold(graph, weights)))


def _read(origin: str, input_shape: str | None) -> OnnxModel:
    if not _is_torch(origin):
        return read_file(Path(origin))
    if input_shape is None or not re.fullmatch(r"\d+(,\d+)*", input_shape.replace(" ", "")):
        raise fail(
            "PPC606",
            f"The sizes of the input of `{origin}` are {'not given' if input_shape is None else 'not readable'}.",
            hint="Write them without the batch, for example `--input 1,28,28`.",
        )
    return read_torch(origin, tuple(int(size) for size in input_shape.split(",")))


def _is_torch(origin: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", origin) is not None


def _stem(origin: str) -> str:
    return origin.rpartition(":")[2] if _is_torch(origin) else Path(origin).stem


def _interval(text: str) -> Interval:
    """`0..1` or `-1..1`."""
    low, _, high = text.partition("..")
    try:
        interval = Interval(float(low), float(high))
    except ValueError:
        interval = Interval(0.0, 0.0)
    if not interval.low < interval.high or not isfinite(interval.high - interval.low):
        raise fail(
            "PPC301",
            f"`{text}` is no range between two numbers.",
            hint="Write the smallest and the largest value of the input, for example `--bounds 0..1`.",
        )
    return interval


def _private_notes(imported: Imported) -> tuple[str, ...]:
    """A model that is imported rightly may still not fit the field; then its user should hear it now."""
    try:
        compile_program(Source(f"{imported.name}.pnn", imported.text))
    except PpcError as error:
        first = error.diagnostics[0]
        return (f"The program is right, but cannot run jointly as it is: {first.code} {first.message}",)
    return ()
