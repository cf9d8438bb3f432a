"""The verbs weights and import, and what run does in the clear."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc import compiler
    from ppc.data import Array
    from ppc.ir.graph import Graph
    from ppc.source import Source
    from ppc.weights import SomeWeights


def clear(arguments: Namespace, compiled: compiler.Compiled, inputs: dict[str, Array]) -> dict[str, Array]:
    """Evaluate a model in the clear."""
    import numpy as np

    from ppc import reference

    values = clear_values(arguments, compiled, inputs)
    with pointing_into(compiled.source):
        return {"result": np.asarray(reference.evaluate(compiled.graph, values)["result"])}


def clear_values(arguments: Namespace, compiled: compiler.Compiled, inputs: dict[str, Array]) -> dict[str, Any]:
    """Everybody's values together: examples, folded weights, and signals."""
    typed = typed_graph(compiled)
    weights = folded_weights(arguments, typed, compiled.after("prepare-inference"))
    return {**inputs, **weights, **_signal(arguments, compiled.graph)}


@contextmanager
def pointing_into(source: Source) -> Generator[None]:
    """Mistakes in the data show the line of the program that the data does not fit."""
    try:
        yield
    except PpcError as error:
        raise error.located(source) from None


def folded_weights(arguments: Namespace, typed: Graph, prepared: Graph) -> SomeWeights:
    """The folded weights: of a file, which may hold them folded already, or seeded ones."""
    from ppc.weights import fold, graph_of, initial, load

    file: Path | None = arguments.weights
    if file is None:
        return fold(typed, initial(typed, arguments.seed))
    graph = graph_of(file, typed, prepared)
    found = load(file, graph)
    sys.stderr.write("".join(f"note: {note}\n" for note in found.notes))
    return found.weights if graph is prepared else fold(typed, found.weights)


def typed_graph(compiled: compiler.Compiled) -> Graph:
    """The graph whose parameters a weights file holds: before batch norm is folded, with the complement in."""
    names = [step.name for step in compiled.steps]
    return compiled.steps[names.index("prepare-inference") - 1].graph


def owned(arguments: Namespace) -> Callable[[compiler.Compiled], SomeWeights]:
    """The folded weights of a program, which may give some of them away."""
    return lambda compiled: folded_weights(arguments, typed_graph(compiled), compiled.after("prepare-inference"))


def _signal(arguments: Namespace, graph: Graph) -> dict[str, Array]:
    """A fresh signal for each example, where the model takes one; from the system's generator, as it is a secret."""
    from ppc.data.pictures import pictures
    from ppc.runtime.roles.signals import drawn, shown

    inputs = {node.word("role"): node for node in graph.inputs}
    if "signal" not in inputs:
        return {}
    signal = inputs["signal"]
    found = {signal.name: drawn(signal.shape[0], signal.typed.bounds)}
    if "picture" in inputs:
        picture, bounds = inputs["picture"], signal.typed.bounds
        if arguments.signals is None:
            hint = "Name a set of images of digits: `--signals digits28:1000`."
            raise fail("PPC508", "The signal of this program shows as a picture, and none are named.", hint=hint)
        size = (picture.shape[-2], picture.shape[-1])
        numbers = int(bounds.high) + 1 if bounds else 2
        found[picture.name] = shown(found[signal.name], pictures(arguments.signals, size, numbers))
    return found


def weights(arguments: Namespace) -> int:
    """List, make, convert or fold weights."""
    from ppc import compiler
    from ppc.weights import as_json, graph_of, table
    from ppc.weights.commands import list_weights

    compiled = compiler.compile_program(arguments.program, model=arguments.model, as_=arguments.as_)
    graph = typed_graph(compiled)
    if arguments.file is not None and arguments.action in ("list", "export"):
        graph = graph_of(arguments.file, graph, compiled.after("prepare-inference"))
    if arguments.action == "list":
        rows, notes = list_weights(graph, arguments.file)
        found: dict[str, object] = {"parameters": as_json(rows)}
        said = table(rows)
    else:
        notes = _written(arguments, graph)
        found = {"written": [str(arguments.output)]}
        said = ""
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": True, **found, "notes": notes}, indent=2) + "\n")
    else:
        sys.stdout.write(said)
        sys.stderr.write("".join(f"{note}\n" for note in notes))
    return 0


def _written(arguments: Namespace, graph: Graph) -> tuple[str, ...]:
    from ppc.weights.commands import export, fold_file, init

    if arguments.output is None:
        raise fail("PPC509", f"`weights {arguments.action}` writes a file.", hint="Name it with `-o FILE.safetensors`.")
    if arguments.action == "init":
        return init(graph, arguments.output, seed=arguments.seed)
    if arguments.file is None:
        raise fail("PPC501", f"`weights {arguments.action}` reads a weights file.", hint="Name it after the program.")
    change = {"export": export, "fold": fold_file}[arguments.action]
    return change(graph, arguments.file, arguments.output)


def import_(arguments: Namespace) -> int:
    """Write a program and its weights from another system's model."""
    from ppc.importing import import_model

    written = import_model(
        arguments.origin, output=arguments.output, input_shape=arguments.input, bounds=arguments.bounds
    )
    if arguments.json:
        sys.stdout.write(
            json.dumps({"ok": True, "written": [str(path) for path in written.paths], "notes": written.notes}) + "\n"
        )
    else:
        sys.stdout.write("".join(f"wrote {path}\n" for path in written.paths))
        sys.stderr.write("".join(f"{note}\n" for note in written.notes))
    return 0
