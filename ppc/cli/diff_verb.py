"""The verb diff: a program in float beside its twin in fixed point."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ppc.compiler import Compiled
    from ppc.data import Array
    from ppc.diff.beside import Compared
    from ppc.difference import Difference
    from ppc.weights import SomeWeights


def diff(arguments: Namespace) -> int:
    """Name the first value that is further from float than it may be; 1 if there is one."""
    from ppc.cli.model_verbs import pointing_into
    from ppc.diff.beside import compared
    from ppc.difference import first_beyond
    from ppc.protocol import lowered

    compiled = _compiled(arguments, arguments.batch)
    with pointing_into(compiled.source):
        given = _given(arguments, compiled)
        batch = max((len(array) for array in given.values()), default=compiled.batch)
        if batch != compiled.batch:
            compiled = _compiled(arguments, batch)
        values = _values(arguments, compiled, given)
        found = compared(lowered(compiled, level=arguments.level), values, tolerance=arguments.tolerance)
    first = first_beyond(found.differences)
    if arguments.json:
        _print_json(found, first)
    else:
        sys.stdout.write(_text(found, first))
    return 1 if first else 0


def _compiled(arguments: Namespace, batch: int | None) -> Compiled:
    from ppc import compiler

    return compiler.compile_program(
        arguments.program, model=arguments.model, as_=arguments.as_, train=arguments.train, batch=batch
    )


def _given(arguments: Namespace, compiled: Compiled) -> dict[str, Array]:
    from ppc import data

    return data.load_inputs(arguments.input, compiled.graph) if arguments.input else {}


def _values(arguments: Namespace, compiled: Compiled, given: dict[str, Array]) -> dict[str, Array]:
    """The user's data and weights; what is not given is drawn from a seed."""
    from ppc.cli.model_verbs import folded_weights, typed_graph
    from ppc.diff import drawn

    if compiled.training is None:
        weights = folded_weights(arguments, typed_graph(compiled), compiled.after("prepare-inference"))
    else:
        weights = _first_weights(arguments, compiled)
    drawn_or_given: dict[str, Array] = drawn.inputs(compiled.graph, given, arguments.seed)
    return {**drawn_or_given, **{name: array.astype(float) for name, array in weights.items()}}


def _first_weights(arguments: Namespace, compiled: Compiled) -> SomeWeights:
    """Training starts from weights as they are written, batch norms and all."""
    from ppc.weights import initial, load

    typed = compiled.after("infer-shapes")
    return load(arguments.weights, typed).weights if arguments.weights else initial(typed, arguments.seed)


def _text(found: Compared, first: Difference | None) -> str:
    lines = [_row(found, difference) for difference in found.differences]
    if first is None:
        return "".join(lines) + f"{len(lines)} values, none further from float than it may be\n"
    place = f"[{', '.join(map(str, first.index))}]"
    return (
        "".join(lines) + f"{first.name} (line {found.lines[first.name]}) is the first beyond: at {place} float has "
        f"{first.wanted:.9g} and fixed point {first.found:.9g}\n"
    )


def _row(found: Compared, one: Difference) -> str:
    sign = "beyond" if one.beyond else "within"
    return f"line {found.lines[one.name]:<4}  {one.name:<32}  {one.error:10.3g}  {sign} {one.bound:.3g}\n"


def _print_json(found: Compared, first: Difference | None) -> None:
    rows = [
        {
            "value": one.name,
            "line": found.lines[one.name],
            "error": one.error if isfinite(one.error) else None,
            "bound": one.bound if isfinite(one.bound) else None,
            "beyond": one.beyond,
        }
        for one in found.differences
    ]
    sys.stdout.write(json.dumps({"ok": first is None, "first": first.name if first else None, "values": rows}) + "\n")
