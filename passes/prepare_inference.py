"""prepare-inference: the graph that computes a trained model's answer, with nothing in it that only training needs.

Assumes stage `typed`. Guarantees stage `ready`: no dropout; a batch norm that directly follows a `conv2d` or `dense`
whose value nobody else reads is part of that layer. Other batch norms stay, as fixed affine maps.

    conv1 = conv2d(image, conv1.weight)                           conv1 = conv2d(image, conv1.weight, conv1.bias)
    batch_norm1 = batch_norm(conv1, batch_norm1.scale, …)   =>    relu1 = relu(conv1)
    relu1 = relu(batch_norm1)

The owner of the weights makes the numbers to go with it: `ppc.weights.fold`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ppc.errors import Diagnostic, Note, PpcError
from ppc.ir.folding import Folding, foldings, without_dropout
from ppc.ir.graph import Graph, Node
from ppc.ir.policy import PublicLayer
from ppc.ir.typed import retyped_graph
from ppc.ir.types import Type


@dataclass(frozen=True)
class PrepareInference:
    """Drop dropouts and fold batch norms; what runs after it needs no rule for either in most models."""

    name: ClassVar[str] = "prepare-inference"
    public_layers: Mapping[str, PublicLayer] = field(default_factory=dict[str, PublicLayer])

    def run(self, graph: Graph) -> Graph:
        found = foldings(graph)
        if mistakes := [self.half_public(graph, folding) for folding in found if self.is_half_public(folding)]:
            raise PpcError(*mistakes)
        graph = without_dropout(graph)
        for folding in found:
            graph = _folded(graph, folding)
        return replace(retyped_graph(graph) if found else graph, stage="ready")

    def is_half_public(self, folding: Folding) -> bool:
        return (folding.layer in self.public_layers) != (folding.norm in self.public_layers)

    def half_public(self, graph: Graph, folding: Folding) -> Diagnostic:
        """Folded weights tell of both layers, so that everybody has both or not everybody has either."""
        public, other = sorted((folding.layer, folding.norm), key=lambda name: name not in self.public_layers)
        return Diagnostic(
            code="PPC405",
            message=f"`{public}` is public and `{other}` is not, and one is folded into the other.",
            span=self.public_layers[public].span,
            notes=(Note(text="the other layer is here", span=graph[other].span),),
            hint=f"Write `{other} public` too, or let `{public}` be private.",
        )


def _folded(graph: Graph, folding: Folding) -> Graph:
    norm = graph[folding.norm]
    gone = {norm.name, *norm.inputs[1:]}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.name == folding.layer:
            nodes += _with_bias(graph, node, folding)
        elif node.name not in gone:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes)).redirected({norm.name: folding.layer})


def _with_bias(graph: Graph, layer: Node, folding: Folding) -> tuple[Node, ...]:
    """The layer, after the bias it needs to carry the batch norm's shift."""
    if len(layer.inputs) == 3:
        return (layer,)
    weight = graph[layer.inputs[1]]
    bias = Node(
        name=folding.bias,
        op="parameter",
        attrs={"role": "bias"},
        type=Type(shape=(weight.shape[0],), bounds=weight.typed.bounds, readers=weight.typed.readers),
        span=layer.span,
        origin=PrepareInference.name,
    )
    return bias, replace(layer, inputs=(*layer.inputs, bias.name))
