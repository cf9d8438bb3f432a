"""check-flow trusts no earlier pass: no single change to a placed graph may show a party more than before.

Every place, opening, operand of an opening and output of a few programs is changed in every way, and openings are
added. The readers that a graph states are worked out again after each change, so that only a real check can refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ppc.compiler import Compiled
from ppc.errors import InternalError, PpcError
from ppc.ir.graph import JOINT, Graph, Node, Output
from ppc.ir.types import Readers, common_readers, only
from ppc.ir.verify import verify
from ppc.passes.check_flow import CheckFlow
from ppc.passes.ownership import source_readers
from tests.programs import compiled, program

LESSONS = "labels from hospital\nlogits to hospital\nmodel to lab\nloss = softmax_cross_entropy\nsgd(rate=0.1, batch=2)"
GRANTS = ("split", "server clear", "result", "logits", "model")
PROGRAMS = {
    "joint": program("joint"),
    "two receivers": program("joint", "result to hospital, lab"),
    "split": program("split at 1", "server clear"),
    "split and joint": program("split at 2", "joint"),
    "complement": program("split at 2", "server clear", "complement", classes=2),
    "training": program("joint", lessons=LESSONS),
}
Seen = set[tuple[str, str]]


def roots(graph: Graph) -> dict[str, str]:
    """For each value, what it is when openings are looked through."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        found[node.name] = found[node.inputs[0]] if node.op == "reveal" else node.name
    return found


def handled(graph: Graph) -> Seen:
    """What each party has before its eyes: operands and results of what it computes, openings, and outputs."""
    root, seen = roots(graph), Seen()
    for node in graph.nodes:
        parties = {str(node.place), node.word("to")} if node.op == "reveal" else {str(node.place)}
        seen |= {(party, root[name]) for party in parties - {JOINT} for name in (node.name, *node.inputs)}
    return seen | {(party, root[output.value]) for output in graph.outputs for party in output.to}


def known(done: Compiled) -> Seen:
    """What each party may see: what it handles, what it holds, and what it can compute from these."""
    graph, root, seen = done.graph, roots(done.graph), handled(done.graph)
    assert done.policy is not None
    for node in graph.nodes:
        for party in graph.parties:
            if node.op in ("input", "parameter"):
                may = source_readers(node, done.policy, done.training).allows(party)
            else:
                may = all((party, root[name]) in seen for name in node.inputs)
            seen |= {(party, root[node.name])} if may else set()
    return seen


def mutants(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """Every single change, with its name."""
    for index, node in enumerate(graph.nodes):
        for changed in changes(graph, node, index):
            nodes = (*graph.nodes[:index], changed, *graph.nodes[index + 1 :])
            yield f"{node} became {changed}", replace(graph, nodes=nodes)
    for index, output in enumerate(graph.outputs):
        others = [replace(output, to=to) for to in ((), ("hospital",), ("lab",), graph.parties)]
        others += [replace(output, value=node.name) for node in graph.nodes]
        for other in others:
            outputs = (*graph.outputs[:index], other, *graph.outputs[index + 1 :])
            yield f"{output} became {other}", replace(graph, outputs=outputs)
    for node in graph.nodes:
        for party in graph.parties:
            extra = Output(name="extra", value=node.name, to=(party,))
            yield f"added {extra}", replace(graph, outputs=(*graph.outputs, extra))
            for grant in GRANTS:
                opening = Node(
                    name="added", op="reveal", inputs=(node.name,), attrs={"to": party, "grant": grant}, place=party
                )
                added = replace(opening, type=node.type)
                yield f"added {added}", replace(graph, nodes=(*graph.nodes, added))


def changes(graph: Graph, node: Node, index: int) -> Iterator[Node]:
    """Other places; for an opening, other receivers, words and values."""
    yield from (replace(node, place=place) for place in (*graph.parties, JOINT) if place != node.place)
    if node.op != "reveal":
        return
    for party in graph.parties:
        for grant in GRANTS:
            yield replace(node, attrs={"to": party, "grant": grant}, place=party)
    yield from (replace(node, inputs=(earlier.name,)) for earlier in graph.nodes[:index])


def honest(graph: Graph, done: Compiled) -> Graph:
    """The graph with the readers that follow from it."""
    assert done.policy is not None
    readers: dict[str, Readers] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op in ("input", "parameter"):
            readers[node.name] = source_readers(node, done.policy, done.training)
        else:
            readers[node.name] = common_readers(readers[name] for name in node.inputs)
        if node.op == "reveal":
            readers[node.name] |= only(node.word("to"))
        nodes.append(replace(node, type=node.typed.seen_by(readers[node.name])))
    return replace(graph, nodes=tuple(nodes))


def accepted(graph: Graph, done: Compiled) -> bool:
    assert done.policy is not None
    try:
        CheckFlow(done.policy, done.training).run(verify(honest(graph, done)))
    except (PpcError, InternalError):
        return False
    return True


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_change_shows_a_party_more(name: str) -> None:
    """A split alone may send another value of the client's layers: which of them cross is the model's own business."""
    done = compiled(PROGRAMS[name], train="train" in PROGRAMS[name])
    may = known(done)
    head = (
        {node.name for node in done.graph.nodes if node.place == "hospital"} if "split at" in PROGRAMS[name] else set()
    )
    found = list(mutants(done.graph))
    worse = {what: handled(mutant) - may for what, mutant in found if accepted(mutant, done)}

    assert len(found) > 100
    assert not {what: shown for what, shown in worse.items() if shown - {("lab", value) for value in head}}
    assert not any(("lab", secret) in shown for shown in worse.values() for secret in ("image", "signal", "labels"))
