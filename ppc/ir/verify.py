"""The rules that every graph keeps, whatever pass made it.

Raises `InternalError`: a graph that breaks a rule is the compiler's mistake (or a hand-written text's),
never the user's program. Messages give what was found, what was expected, and the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeGuard, cast

from ppc.errors import InternalError
from ppc.ir.graph import JOINT, Graph, Node
from ppc.ir.ops import OPS, STAGES, AttributeKind
from ppc.ir.shapes import SHAPES, ShapeError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


def verify(graph: Graph, *, after: str = "") -> Graph:
    """The graph itself, if it keeps every rule."""
    for problem in problems(graph):
        raise InternalError(f"graph {graph.name}: {problem}", place=after)
    return graph


def problems(graph: Graph) -> Iterator[str]:
    """Every broken rule, in order. Types are looked at only where everything else is in order."""
    if graph.stage not in STAGES:
        yield f"unknown stage {graph.stage!r}; the stages are {', '.join(STAGES)}"
        return
    structural = list(_structural_problems(graph))
    yield from structural
    if not structural and graph.stage != "named":
        yield from _type_problems(graph)


def _structural_problems(graph: Graph) -> Iterator[str]:
    seen: set[str] = set()
    for node in graph.nodes:
        # %b = relu(%c) before %c is made, or %a made twice: the order of nodes is the order of evaluation
        if node.name in seen:
            yield f"{node.name} is defined twice; a value has one definition"
        if missing := [name for name in node.inputs if name not in seen]:
            yield f"{node.name} uses {', '.join(missing)} before their definition; nodes stand in topological order"
        seen.add(node.name)
        yield from _node_problems(graph, node)
    for output in graph.outputs:
        if output.value not in seen:
            yield f"output {output.name} names {output.value}, which no node defines"
        yield from (f"output {output.name} goes to unknown party {p}" for p in output.to if p not in graph.parties)
    if len({output.name for output in graph.outputs}) < len(graph.outputs):
        yield "two outputs have one name"


def _node_problems(graph: Graph, node: Node) -> Iterator[str]:
    op = OPS.get(node.op)
    if op is None:
        yield f"{node.name} has the unknown op {node.op}"
        return
    if not NAME.fullmatch(node.name):
        yield f"{node.name!r} is no name"
    if not op.legal_in(graph.stage):
        yield f"{node.name}: {op.name} is legal from stage {op.since} to {op.until}; this graph is {graph.stage}"
    if not op.fewest <= len(node.inputs) <= op.most:
        yield f"{node.name}: {op.name} takes {', '.join(op.operands)}; found {len(node.inputs)} operands"
    if not set(op.attrs) <= set(node.attrs) <= {*op.attrs, *op.options}:
        yield f"{node.name}: {op.name} has attributes {sorted(op.attrs)}; found {sorted(node.attrs)}"
    for key, kind in (*op.attrs.items(), *op.options.items()):
        if key in node.attrs and not _is(node.attrs[key], kind):
            yield f"{node.name}: {key} must be of kind {kind}; found {node.attrs[key]!r}"
    if node.op == "reveal" and node.attrs.get("to") not in graph.parties:
        yield f"{node.name} opens to {node.attrs.get('to')!r}, which is no party"
    if node.type and node.type.bounds and not node.type.bounds.low <= node.type.bounds.high:
        yield f"{node.name} lies in {node.type.bounds}; a range goes from its low to its high end"
    if node.place not in (None, JOINT, *graph.parties):
        yield f"{node.name} is placed at {node.place}; the places are {JOINT} and the parties"


def _is(value: object, kind: AttributeKind) -> bool:
    match kind:
        case "int":
            return type(value) is int
        case "float":
            return type(value) is float
        case "word":
            return type(value) is str
        case "flag":
            return type(value) is bool
        case "pair":
            return _all(value, int) and len(value) == 2
        case "ints":
            return _all(value, int)
        case "floats":
            return _all(value, float)


def _all(value: object, kind: type) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple) and all(type(item) is kind for item in cast(tuple[object, ...], value))


def _type_problems(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.type is None:
            yield f"{node.name} has no type; from stage typed on every value has one"
            continue
        if graph.stage == "placed" and (node.place is None or node.type.readers is None):
            yield f"{node.name} has no place or no readers; at stage placed every value has both"
        operands = graph.operands(node)
        if node.op not in SHAPES or any(operand.type is None for operand in operands):
            continue
        try:
            expected = SHAPES[node.op](node, [operand.shape for operand in operands])
        except ShapeError as error:
            yield f"{node.name}: {error.message}"
            continue
        except (ArithmeticError, IndexError, ValueError):  # three sizes where a rule takes two, groups=0, …
            found = ", ".join(str(operand.shape) for operand in operands)
            yield f"{node.name}: {node.op} has no rule for operands of shape {found}"
            continue
        if node.shape != expected:
            yield f"{node.name} has shape {node.shape}; {node.op} of its operands gives {expected}"
