"""Networks like the target and yet others: what somebody would try who guesses its architecture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ppc.distilled import Target
from ppc.errors import PpcError
from ppc.ir.graph import Graph, Node

SIZES = {"conv2d": "channels", "dense": "features"}
ACTIVATIONS = ("relu", "sigmoid", "tanh", "polynomial")


def others(target: Target) -> Iterator[tuple[str, Target]]:
    """Half and twice as wide, a layer more, a layer less: those of them that are networks."""
    graph = target.graph
    made = {
        "half as wide": wider(graph, 0.5),
        "twice as wide": wider(graph, 2),
        "a layer more": deeper(graph),
        "a layer less": shallower(graph),
    }
    for words, other in made.items():
        found = replace(target, graph=other) if other is not None else None
        if found is not None and _is_network(found, target.classes):
            yield words, found


def _is_network(target: Target, classes: int) -> bool:
    try:
        return target.classes == classes and bool(target.step(2, 1.0))
    except PpcError:  # sizes that no longer fit, groups that do not divide
        return False


def _sized(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op in SIZES]


def wider(graph: Graph, factor: float) -> Graph | None:
    """All layers but the last, so many times as wide."""
    hidden = {node.name for node in _sized(graph)[:-1]}
    if not hidden:
        return None

    def scaled(node: Node) -> Node:
        if node.name not in hidden:
            return node
        size = SIZES[node.op]
        return replace(node, attrs={**node.attrs, size: max(1, round(node.integer(size) * factor))})

    return replace(graph, nodes=tuple(map(scaled, graph.nodes)))


def deeper(graph: Graph) -> Graph | None:
    """Another dense layer before the last, as wide as what comes in, with the activation that was used last."""
    sized = _sized(graph)
    kinds = [node for node in graph.nodes if node.op in ACTIVATIONS]
    widths = [node for node in sized[:-1] if node.op == "dense"]
    if not kinds or not widths:
        return None
    last = sized[-1]
    layer = "another"
    weights = tuple(Node(name=f"{layer}.{role}", op="parameter", attrs={"role": role}) for role in ("weight", "bias"))
    attrs = {"features": widths[-1].integer("features")}
    dense = Node(name=layer, op="dense", inputs=(last.inputs[0], *(node.name for node in weights)), attrs=attrs)
    active = Node(name=f"{layer}.active", op=kinds[-1].op, inputs=(layer,), attrs=kinds[-1].attrs)
    changed = replace(last, inputs=(active.name, *last.inputs[1:]))
    place = graph.nodes.index(last)
    return replace(graph, nodes=(*graph.nodes[:place], *weights, dense, active, changed, *graph.nodes[place + 1 :]))


def shallower(graph: Graph) -> Graph | None:
    """Without the last layer but one, and without its activation."""
    sized = _sized(graph)
    if len(sized) < 2 or sized[-2].op != "dense":
        return None
    gone = sized[-2]
    renames = {gone.name: gone.inputs[0]}
    left = {gone.name, *gone.inputs[1:]}
    for user in graph.uses[gone.name]:
        if user.op in ACTIVATIONS:
            renames[user.name] = gone.inputs[0]
            left.add(user.name)
    changed = graph.redirected(renames)
    return replace(changed, nodes=tuple(node for node in changed.nodes if node.name not in left))
