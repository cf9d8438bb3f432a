"""weights.json: the arrays that a role must bring, and the graphs that say how to make them of a weights file.

No number of any weight is in it. `written` is the model as the program has it, whose parameters a weights file may
hold; `folded` the same with batch norms folded into the layers before them, where there is a difference to make.
Owners of weights have this file, and everybody where the weights are public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ppc.bundle.canonical import bad, parsed, written
from ppc.bundle.entries import Entry
from ppc.bundle.facts import training
from ppc.bundle.manifest import MOST_ROWS, contradiction
from ppc.errors import InternalError, PpcError
from ppc.ir import text
from ppc.ir.graph import Graph
from ppc.ir.verify import verify
from ppc.plan.steps import Plan

WEIGHTS = "weights.json"
WRITTEN = "graph.written.txt"
FOLDED = "graph.folded.txt"
LONGEST_LINE = 65_536  # of a graph's or a plan's text


@dataclass(frozen=True, kw_only=True)
class Brought:
    """One array: its name in the graph, and the step of the plan that takes it."""

    name: str
    step: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What the owner of weights brings. `folded` is None where a weights file is taken as it is."""

    arrays: tuple[Brought, ...]
    written: Graph
    folded: Graph | None


def brought(plan: Plan, party: str) -> tuple[Brought, ...]:
    """The parameters that a party gives; public ones are given by both, and to the dealer. Shares are no arrays of a
    weights file."""
    suffix = ".first" if training(plan) else ""
    return tuple(
        Brought(name=step.name.removesuffix(suffix), step=step.name, shape=step.wire.shape)
        for step in plan.steps()
        if step.op == "given" and step.word("what") == "parameter" and step.wire.at in ("", party)
        if step.wire.form != "shared"
    )


def files(arrays: tuple[Brought, ...], original: Graph, folded: Graph | None) -> dict[str, bytes]:
    """weights.json, and the graphs that it names."""
    rows = [{"name": one.name, "step": one.step, "shape": list(one.shape)} for one in arrays]
    found = {WRITTEN: text.show(original).encode()}
    if folded is not None:
        found[FOLDED] = text.show(folded).encode()
    found[WEIGHTS] = written({"folded": folded and FOLDED, "parameters": rows, "written": WRITTEN})
    return found


def read_needed(held: Mapping[str, bytes]) -> Needed | None:
    """What weights.json says; None for a role without it."""
    if WEIGHTS not in held:
        if graphs := held.keys() & {WRITTEN, FOLDED}:
            raise contradiction(f"it has `{min(graphs)}` and no {WEIGHTS}")
        return None
    top = Entry.of(parsed(held[WEIGHTS], WEIGHTS), file=WEIGHTS, place="it")
    top.only("folded", "parameters", "written")
    folds = top.get("folded") is not None
    if top.get("written") != WRITTEN or top.get("folded") not in (None, FOLDED):
        raise bad(WEIGHTS, f"its graphs are not in {WRITTEN} and {FOLDED}")
    if (WRITTEN in held, FOLDED in held) != (True, folds):
        raise contradiction(f"the graphs that {WEIGHTS} names are not those that are there")
    arrays = tuple(_array(one) for one in top.entries("parameters", most=MOST_ROWS))
    graph = _graph(held[WRITTEN], WRITTEN)
    folded = _graph(held[FOLDED], FOLDED) if folds else None
    _fits(arrays, folded or graph)
    return Needed(arrays=arrays, written=graph, folded=folded)


def _array(entry: Entry) -> Brought:
    entry.only("name", "shape", "step")
    shape = entry.items("shape", most=16)
    if not all(type(size) is int and size > 0 for size in shape):
        raise entry.wrong("shape", "a list of sizes")
    name, step = entry.get("name"), entry.get("step")
    if not isinstance(name, str) or not isinstance(step, str):
        raise entry.wrong("name", "a name")
    return Brought(name=name, step=step, shape=tuple(shape))


def _graph(data: bytes, name: str) -> Graph:
    try:
        graph = text.parse(plain(data, name))
        verify(graph, after="the bundle")
    except InternalError as error:
        raise contradiction(f"`{name}` is no graph: {error}") from None
    return graph


def _fits(arrays: tuple[Brought, ...], graph: Graph) -> None:
    shapes = {node.name: node.shape for node in graph.parameters if node.type}
    for one in arrays:
        if shapes.get(one.name) != one.shape:
            raise contradiction(f"{WEIGHTS} has `{one.name}` {list(one.shape)}, which the graph does not have")


def plain(data: bytes, name: str) -> str:
    """The text of a plan or a graph: UTF-8, in lines of a length that is soon read."""
    try:
        found = data.decode()
    except UnicodeDecodeError:
        raise _no_text(name, "it is not UTF-8 text") from None
    if max(map(len, found.split("\n"))) > LONGEST_LINE:
        raise _no_text(name, f"it has a line of more than {LONGEST_LINE:,} characters")
    if not found.endswith("}\n"):
        raise _no_text(name, "it ends too early")
    return found


def _no_text(name: str, why: str) -> PpcError:
    return contradiction(f"`{name}` is no text of ppc: {why}")
