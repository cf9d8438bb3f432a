"""fold-norms: a batch norm on shares is a factor and a shift that the owner of its parameters works out in the clear.

    batch_norm1 = batch_norm(relu1, batch_norm1.scale, …) at joint
    =>
    batch_norm1.factor = norm_factor(batch_norm1.scale, batch_norm1.variance) {epsilon} at lab
    batch_norm1.offset = norm_shift(batch_norm1.shift, batch_norm1.mean, batch_norm1.factor) at lab
    batch_norm1.scaled = multiply_channel(relu1, batch_norm1.factor) at joint
    batch_norm1 = add_channel(batch_norm1.scaled, batch_norm1.offset) at joint

Right behind a convolution or a dense layer whose result nobody else reads, the factor goes into the weights and the
shift into the bias, and nothing is left to do on shares: `prepare-inference` has done so already for what follows a
layer directly, and this pass does it for what `fuse-pools` brought together. Division and root never meet a secret.

Assumes a placed graph. A batch norm whose parameters are on shares, or that one party computes alone, stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.ir.folding import FOLDS_INTO
from ppc.ir.graph import JOINT, Attribute, Builder, Graph, Node
from ppc.ir.typed import retyped_graph, typed_node
from ppc.ir.types import NOBODY, common_readers


@dataclass(frozen=True)
class FoldNorms:
    """Fold every joint batch norm whose parameters lie at one party."""

    name: ClassVar[str] = "fold-norms"

    def run(self, graph: Graph) -> Graph:
        before = graph
        for name in [node.name for node in graph.with_op("batch_norm")]:
            if owner := _owner(graph, graph[name]):
                graph = _Folding(graph, graph[name], owner).folded()
        return graph if graph is before else retyped_graph(graph)


def _owner(graph: Graph, norm: Node) -> str | None:
    """The party that may see every parameter of a joint batch norm."""
    parameters = graph.operands(norm)[1:]
    readers = common_readers(node.typed.readers or NOBODY for node in parameters)
    if norm.place != JOINT:
        return None
    return parameters[0].place if readers.everyone else min(readers.parties, default=None)


@dataclass
class _Folding:
    """One batch norm on its way out. What takes its place stands where it stood, behind its parameters."""

    graph: Graph
    norm: Node
    owner: str

    def __post_init__(self) -> None:
        self.layer = self.carrier()
        self.index = self.graph.nodes.index(self.norm)
        before = [node for node in self.graph.nodes[: self.index] if node is not self.layer]
        self.builder = Builder(FoldNorms.name, before, {node.name for node in self.graph.nodes} - {self.norm.name})

    def carrier(self) -> Node | None:
        """The layer that can take the factor into its weights, because their owner knows both."""
        layer = self.graph[self.norm.inputs[0]]
        if layer.op not in FOLDS_INTO or layer.place != JOINT or self.graph.uses[layer.name] != (self.norm,):
            return None
        if any(output.value == layer.name for output in self.graph.outputs):
            return None
        weights = self.graph.operands(layer)[1:]
        return layer if all((node.typed.readers or NOBODY).allows(self.owner) for node in weights) else None

    def folded(self) -> Graph:
        x, scale, shift, mean, variance = self.graph.operands(self.norm)
        factor = self.make("norm_factor", scale, variance, part="factor", epsilon=self.norm.number("epsilon"))
        # Behind fixed statistics the way back is a batch norm without shifts.
        plain = _is_zero(shift) and _is_zero(mean)
        offset = None if plain else self.make("norm_shift", shift, mean, factor, part="offset")
        if self.layer is None:
            self.on_shares(x, factor, offset)
            return self.rest({})
        self.carried(self.layer, factor, offset)
        return self.rest({self.norm.name: self.layer.name})

    def on_shares(self, x: Node, factor: Node, offset: Node | None) -> None:
        if offset is None:
            self.make("multiply_channel", x, factor, place=JOINT)
            return
        scaled = self.make("multiply_channel", x, factor, part="scaled", place=JOINT)
        self.make("add_channel", scaled, offset, place=JOINT)

    def carried(self, layer: Node, factor: Node, offset: Node | None) -> None:
        """The layer under its own name, with weights that the owner multiplied."""
        _, weight, *bias = self.graph.operands(layer)
        folded = [self.make("scale_filters", weight, factor, part="weight")]
        if bias:
            product = self.make("multiply", bias[0], factor, part="bias_scaled")
            folded.append(product if offset is None else self.make("add", product, offset, part="bias"))
        elif offset is not None:
            folded.append(offset)
        inputs = (layer.inputs[0], *(node.name for node in folded))
        self.builder.keep(replace(layer, inputs=inputs, origin=FoldNorms.name))

    def make(self, op: str, *operands: Node, part: str = "", place: str = "", **attrs: Attribute) -> Node:
        """A node named after the batch norm, at its owner unless said otherwise."""
        name = f"{self.norm.name}.{part}" if part else self.norm.name
        at = place or self.owner
        return typed_node(self.builder, op, operands, name=name, attrs=attrs, span=self.norm.span, place=at)

    def rest(self, renames: dict[str, str]) -> Graph:
        nodes = (*self.builder.nodes, *self.graph.nodes[self.index + 1 :])
        return replace(self.graph, nodes=nodes).redirected(renames)


def _is_zero(node: Node) -> bool:
    return node.op == "scale" and node.number("factor") == 0.0
