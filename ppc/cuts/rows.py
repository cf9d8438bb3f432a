"""One row for each layer that a model can be cut behind."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ppc.cost import Cost, cost
from ppc.ir.graph import Graph, Node
from ppc.ir.layers import layer_numbers, weighted


@dataclass(frozen=True, kw_only=True)
class Row:
    """The client computes layers 1 to `layer`. All counts are those of one example."""

    layer: int
    name: str  # of the layer's own line
    weights: int  # numbers that the client is given
    links: int  # what the layer itself makes, before poolings behind it: the paper's links
    crossing: int  # numbers that are sent: what layers behind the cut read
    inputs: int  # numbers of an example
    head: Cost
    tail: Cost

    @property
    def density(self) -> float:
        """Equations that cross for each unknown number of the input."""
        return self.crossing / self.inputs


def rows(graph: Graph, planes: int = 0) -> tuple[Row, ...]:
    """Of a typed graph without its split. `planes` of a signal join the input of the last layer of the client."""
    numbers, layers = layer_numbers(graph), weighted(graph)
    return tuple(_row(graph, numbers, number, layer, planes) for number, layer in enumerate(layers[:-1], 1))


def signal_weights(layer: Node, graph: Graph, planes: int) -> int:
    """The weights by which a layer grows when so many planes join its input."""
    weight = graph[layer.inputs[1]].shape
    return planes * prod((weight[0], *weight[2:]))


def _row(graph: Graph, numbers: dict[str, int], number: int, layer: Node, planes: int) -> Row:
    given = sum(node.typed.size for node in graph.parameters if numbers[node.name] <= number)
    return Row(
        layer=number,
        name=layer.name,
        weights=given + signal_weights(layer, graph, planes),
        links=_size(layer),
        crossing=sum(_size(node) for node in crossing(graph, numbers, number)),
        inputs=sum(_size(node) for node in graph.inputs if node.word("role") == "data"),
        head=_cost(graph, [node for node in graph.nodes if numbers[node.name] <= number]),
        tail=_cost(graph, [node for node in graph.nodes if numbers[node.name] > number]),
    )


def crossing(graph: Graph, numbers: dict[str, int], number: int) -> tuple[Node, ...]:
    """The values that layers behind the cut read of those in front of it."""
    found = {
        name: graph[name]
        for node in graph.nodes
        if numbers[node.name] > number
        for name in node.inputs
        if numbers[name] <= number and graph[name].op != "parameter"
    }
    return tuple(found.values())


def _size(node: Node) -> int:
    """The numbers of one example."""
    return prod(node.shape[1:])


def _cost(graph: Graph, nodes: list[Node]) -> Cost:
    """Of one example; parameters are held once, whatever the batch."""
    batch = next((node.shape[0] for node in graph.inputs), 1)
    total = sum((cost(node, [operand.typed for operand in graph.operands(node)]) for node in nodes), Cost())
    return Cost(multiply_adds=total.multiply_adds // batch, values=total.values // batch, parameters=total.parameters)
