"""Which layers inference does without: dropouts, and batch norms that their layer can carry.

Facts about a typed graph, read by `passes.prepare_inference` (which changes the graph) and by
`ppc.weights.fold` (which changes the numbers), so that the two can never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ppc.ir.graph import Graph, Node

FOLDS_INTO = frozenset({"conv2d", "dense"})


@dataclass(frozen=True, kw_only=True)
class Folding:
    """The batch norm `norm` goes into the weights of `layer`."""

    layer: str
    norm: str

    @property
    def bias(self) -> str:
        """The parameter that receives the shift; made where the layer had none."""
        return f"{self.layer}.bias"


def without_dropout(graph: Graph) -> Graph:
    """The graph as inference sees it: a dropout passes its input on."""
    renames: dict[str, str] = {}
    for node in graph.with_op("dropout"):
        renames[node.name] = renames.get(node.inputs[0], node.inputs[0])
    if not renames:
        return graph
    kept = tuple(node for node in graph.nodes if node.op != "dropout")
    return replace(graph, nodes=kept).redirected(renames)


def foldings(graph: Graph) -> tuple[Folding, ...]:
    """Every batch norm that a layer can carry, in order. A chain of batch norms goes into one layer."""
    graph = without_dropout(graph)
    carried: dict[str, str] = {}
    for norm in graph.with_op("batch_norm"):
        source = norm.inputs[0]
        layer = graph[carried.get(source, source)]
        if _may_fold(graph, source, layer, norm):
            carried[norm.name] = layer.name
    return tuple(Folding(layer=layer, norm=norm) for norm, layer in carried.items())


def _may_fold(graph: Graph, source: str, layer: Node, norm: Node) -> bool:
    """Nobody else may see the value before the batch norm, and nobody else may use the parameters that change."""
    if layer.op not in FOLDS_INTO or graph.uses[source] != (norm,):
        return False
    if any(output.value == source for output in graph.outputs):
        return False
    changed = [graph[name] for name in (*layer.inputs[1:], *norm.inputs[1:])]
    return all(node.op == "parameter" and len(graph.uses[node.name]) == 1 for node in changed)
