"""What `ppc check` says of a program without mistakes: its models, and what each party holds and learns."""

from __future__ import annotations

from collections.abc import Iterator

from ppc.compiler import Checked, Compiled
from ppc.ir.collaborative import Collaborative, Pate
from ppc.ir.graph import JOINT, Graph, Node
from ppc.ir.layers import LEARNED, weighted
from ppc.ir.policy import PUBLIC, Network, Policy
from ppc.ir.selective import Selective
from ppc.ir.sent import message_bytes
from ppc.ir.types import example_shape
from ppc.passes.openings import VEILED

WHERE = {
    "collaborative": "each worker on its own machine",
    "distilled": "on the owner's machine",
    "selective": "each participant on its own machine",
}


def summary(checked: Checked) -> str:
    """A few lines a person reads."""
    return "\n".join(_lines(checked)) + "\n"


def _lines(checked: Checked) -> Iterator[str]:
    yield f"{checked.source.name}: no mistakes"
    for compiled in checked.compiled:
        yield ""
        yield _model_line(compiled)
        yield from (f"  note: {note}" for note in dropped_pixels(compiled.graph))
        if compiled.policy is None:
            yield "  no private block: nothing is said of who holds what"
            continue
        yield from _policy_lines(compiled.policy, compiled)
    for lessons in checked.resolved.lessons.values():
        yield ""
        yield f"{lessons.model} by {lessons.by}, {WHERE[lessons.by]}:"
        yield from (f"  {sentence}" for sentence in lessons.sentences())
        if isinstance(lessons, Selective):
            yield from (f"  {sentence}" for sentence in lessons.amounts(_learned(checked, lessons.model)))
    for label in checked.resolved.labels:
        yield ""
        yield f"{label.data} labelled by pate:"
        yield from (f"  {sentence}" for sentence in label.sentences())
        if label.opened == "winner":
            yield from (f"  {sentence}" for sentence in _compared(checked, label))


def _compared(checked: Checked, label: Pate) -> Iterator[str]:
    """What it takes to find the winners on shares, and who learns them."""
    from ppc import winner_program  # needs numpy, which a check does not

    voters = next(one for one in checked.resolved.lessons.values() if isinstance(one, Collaborative))
    yield from winner_program.sentences(voters, label, _classes(checked, label.student))


def _classes(checked: Checked, model: str) -> int:
    graph = next(one.graph for one in checked.compiled if one.graph.name == model)
    return graph[graph.output("result").value].shape[-1]


def _learned(checked: Checked, model: str) -> int:
    """The parameters that a training changes; running statistics are not among them."""
    graph = next(one.graph for one in checked.compiled if one.graph.name == model)
    return sum(node.typed.size for node in graph.parameters if node.word("role") in LEARNED)


def _model_line(compiled: Compiled) -> str:
    graph = compiled.graph
    kind = "one training step" if compiled.training else "inference"
    name = f" as {compiled.policy.name}" if compiled.policy and compiled.policy.name != graph.name else ""
    shapes = ", ".join(example_shape(node.typed) for node in graph.inputs if node.word("role") == "data")
    result = example_shape(graph[graph.output("result").value].typed)
    count = sum(node.typed.size for node in graph.parameters)
    return f"{graph.name}{name}, {kind}: {shapes} -> {result}, {len(weighted(graph))} layers, {count:,} parameters"


def dropped_pixels(graph: Graph) -> Iterator[str]:
    """Windows floor, as in PyTorch: where the last ones do not fit, rows or columns of the input are not read."""
    for node in graph.with_op("conv2d", "avg_pool", "max_pool"):
        sizes = graph[node.inputs[0]].shape[2:]
        left = [
            (size + 2 * padding - kernel) % stride
            for size, kernel, stride, padding in zip(
                sizes, node.pair("kernel"), node.pair("stride"), node.pair("padding"), strict=True
            )
        ]
        if any(left):
            where = f"line {node.span.line}"
            yield f"{node.name} ({where}) leaves {left[0]} rows and {left[1]} columns of its input unread"


def _policy_lines(policy: Policy, compiled: Compiled) -> Iterator[str]:
    holders: dict[str, list[str]] = {party: [] for party in (*policy.parties, PUBLIC)}
    for name, owner in policy.owners.items():
        holders[owner.party].append(name)
    holders[PUBLIC] += [f"the weights of {name}" for name in policy.public_layers]
    if not compiled.training:
        holders[policy.weights.party].append("the weights")
    else:
        holders[policy.weights.party].append("the first weights")
        holders[compiled.training.labels.party].append("the labels")
    for party in policy.parties:
        alone = _layers_at(compiled.graph, party)
        yield f"  {party} holds {_listed(holders[party])}" + (f"; computes {_listed(alone)} alone" if alone else "")
    if holders[PUBLIC]:
        yield f"  public: {_listed(holders[PUBLIC])}"
    if joint := _layers_at(compiled.graph, JOINT):
        yield f"  computed jointly on shares: {_listed(joint)}"
    yield from _openings(compiled)
    yield from _range(policy)
    yield from _release(compiled)
    yield from _heuristic(policy)


def _layers_at(graph: Graph, place: str) -> list[str]:
    return [node.name for node in weighted(graph) if node.place == place]


def _listed(items: list[str]) -> str:
    return ", ".join(items) or "nothing"


def openings(graph: Graph) -> Iterator[Node]:
    """The values that are opened to a party, in order."""
    yield from graph.with_op("reveal")


def _openings(compiled: Compiled) -> Iterator[str]:
    given = [node for node in openings(compiled.graph) if node.word("grant") == "split"]
    if given:
        values = sum(node.typed.size for node in given)
        layers = dict.fromkeys(node.inputs[0].rsplit(".", 1)[0] for node in given)
        yield f"  {given[0].word('to')} is given {values:,} weights, of {', '.join(layers)} ({_line(given[0])})"
    veiled = [output.value for output in compiled.graph.outputs if output.name == VEILED]
    for node in openings(compiled.graph):
        if node not in given:
            what = f"{node.inputs[0]} {example_shape(node.typed)}"
            if node.name in veiled:
                what += " with the client's signal in it"
            yield f"  {node.word('to')} learns {what} ({_line(node)}){_cost(compiled, node)}"


def _range(policy: Policy) -> Iterator[str]:
    """Bounds in a program are public; the line says that these were taken from the weights."""
    for grant in policy.grants:
        if grant.what == "range of weights" and policy.weight_bounds:
            learners = ", ".join(party for party in grant.to if party != policy.weights.party)
            yield f"  {learners} learns that the weights lie in {policy.weight_bounds} (line {grant.span.line}: range)"


def _release(compiled: Compiled) -> Iterator[str]:
    """What becomes of the trained weights."""
    if compiled.training is None or compiled.training.by == "clear":
        return
    grants = [grant for grant in compiled.training.grants if grant.what == "model" and grant.to]
    for grant in grants:
        yield f"  {', '.join(grant.to)} is given the trained weights when training ends (line {grant.span.line}: model)"
    if evaluation := compiled.training.evaluation:
        often = "every epoch" if evaluation.every == 1 else f"every {evaluation.every:,} epochs"
        what = f"how many answers are right of examples held out, after {often}"
        yield f"  {', '.join(evaluation.to)} learns {what} (line {evaluation.span.line}: {evaluation.what})"
    if not grants:
        yield "  the trained weights stay in shares: nobody learns them"


def _line(opening: Node) -> str:
    return f"line {opening.span.line}: {opening.word('grant')}"


def _cost(compiled: Compiled, node: Node) -> str:
    """How long a value that crosses in the clear is on its way, where the program names a network."""
    policy = compiled.policy
    if policy is None or policy.network is None or policy.server_clear is None:
        return ""
    if node.word("grant") not in ("server clear", "result"):
        return ""
    sent = policy.sent if node.word("grant") == "server clear" else "float32"
    size = message_bytes(node.typed.size, sent, node.shape[0])
    how = "as bytes between two ends" if sent == "byte" else f"as {sent}"
    return f": {size:,} bytes {how}, {transfer_seconds(size, policy.network) * 1e3:,.1f} ms"


def transfer_seconds(size: int, network: Network) -> float:
    """One message of `size` bytes, one way: half a round trip and its bits."""
    return network.rtt / 2 + 8 * size / network.bandwidth


def _heuristic(policy: Policy) -> Iterator[str]:
    if policy.server_clear is not None:
        yield f"  {policy.server} sees what the split sends, and may invert it: no proof says what it cannot learn"
        if policy.complement:
            yield "  the complement hides the answer heuristically only"


def as_dictionary(checked: Checked) -> dict[str, object]:
    """The same for a machine."""
    return {"file": checked.source.name, "models": [_model(compiled) for compiled in checked.compiled]}


def _model(compiled: Compiled) -> dict[str, object]:
    graph = compiled.graph
    return {
        "model": graph.name,
        "private": compiled.policy.name if compiled.policy else None,
        "training": compiled.training is not None,
        "parameters": sum(node.typed.size for node in graph.parameters),
        "layers": [node.name for node in weighted(graph)],
        "notes": list(dropped_pixels(graph)),
        "openings": [
            {"value": node.inputs[0], "to": node.word("to"), "line": node.span.line, "grant": node.word("grant")}
            for node in openings(graph)
        ],
    }
