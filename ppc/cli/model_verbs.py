"""The verbs that need numbers: run, weights, import."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from secrets import randbelow
from typing import TYPE_CHECKING

from ppc.errors import fail

if TYPE_CHECKING:
    from ppc import compiler
    from ppc.data import Array
    from ppc.ir.graph import Graph


def run(arguments: Namespace) -> int:
    """Evaluate a model in the clear."""
    import numpy as np

    from ppc import compiler, data, reference
    from ppc.weights import fold, initial, load

    if arguments.mode != "clear":
        raise fail("PPC115", f"`--mode {arguments.mode}` is not built yet.", hint="`--mode clear` evaluates in numpy.")
    chosen = {"model": arguments.model, "as_": arguments.as_}
    one = compiler.compile_program(arguments.program, **chosen)
    inputs = data.load_inputs(arguments.input, one.graph)
    batch = max((len(array) for array in inputs.values()), default=1)
    compiled = compiler.compile_program(arguments.program, batch=max(1, batch), **chosen)
    typed = _typed(compiled)
    loaded = initial(typed, arguments.seed) if arguments.weights is None else None
    if loaded is None:
        found = load(arguments.weights, typed)
        loaded = found.weights
        sys.stderr.write("".join(f"note: {note}\n" for note in found.notes))
    values = {**inputs, **fold(typed, loaded), **_signal(compiled.graph)}
    result = reference.evaluate(compiled.graph, values)["result"]
    if arguments.output is not None:
        _save_result(arguments.output, np.asarray(result))
    _print_result(arguments, np.asarray(result))
    return 0


def _typed(compiled: compiler.Compiled) -> Graph:
    """The graph whose parameters a weights file holds: before batch norm is folded, with the complement in."""
    names = [step.name for step in compiled.steps]
    return compiled.steps[names.index("prepare-inference") - 1].graph


def _signal(graph: Graph) -> dict[str, Array]:
    """A fresh signal for each example, where the model takes one; from the system's generator, as it is a secret."""
    import numpy as np

    signals = [node for node in graph.inputs if node.word("role") == "signal"]
    return {
        node.name: np.array([randbelow(int(node.typed.bounds.high) + 1) for _ in range(node.shape[0])])
        for node in signals
        if node.typed.bounds
    }


def _save_result(path: Path, result: Array) -> None:
    import numpy as np

    try:
        with path.open("wb") as file:
            np.savez(file, result=result)
    except OSError as error:
        raise fail("PPC509", f"{path} cannot be written: {error.strerror}.") from None


def _print_result(arguments: Namespace, result: Array) -> None:
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": True, "mode": "clear", "result": result.tolist()}) + "\n")
        return
    rows = result.reshape(len(result), -1)
    for number, row in enumerate(rows):
        shown = "  ".join(f"{value:9.4f}" for value in row[:12]) + (" …" if len(row) > 12 else "")
        best = f"   largest: {int(row.argmax())}" if len(row) > 1 else ""
        sys.stdout.write(f"{number:>4}  {shown}{best}\n")
    sys.stdout.write("Evaluated in the clear on this machine: nothing here was private.\n")


def weights(arguments: Namespace) -> int:
    """List, make, convert or fold weights."""
    from ppc import compiler
    from ppc.weights import as_json, table
    from ppc.weights.commands import export, fold_file, init, list_weights

    graph = _typed(compiler.compile_program(arguments.program, model=arguments.model, as_=arguments.as_))
    if arguments.action == "list":
        rows, notes = list_weights(graph, arguments.file)
        sys.stdout.write((as_json(rows) if arguments.json else table(rows)).rstrip("\n") + "\n")
    elif arguments.output is None:
        raise fail("PPC509", f"`weights {arguments.action}` writes a file.", hint="Name it with `-o FILE.safetensors`.")
    elif arguments.action == "init":
        notes = init(graph, arguments.output, seed=arguments.seed)
    elif arguments.file is None:
        raise fail("PPC501", f"`weights {arguments.action}` reads a weights file.", hint="Name it after the program.")
    else:
        change = {"export": export, "fold": fold_file}[arguments.action]
        notes = change(graph, arguments.file, arguments.output)
    sys.stderr.write("".join(f"{note}\n" for note in notes))
    return 0


def import_(arguments: Namespace) -> int:
    """Write a program and its weights from another system's model."""
    from ppc.importing import import_model

    written = import_model(
        arguments.origin, output=arguments.output, input_shape=arguments.input, bounds=arguments.bounds
    )
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": True, "written": [str(path) for path in written]}) + "\n")
    else:
        sys.stdout.write("".join(f"wrote {path}\n" for path in written))
    return 0
