"""One row for each layer that a model can be cut behind."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ppc.cost import Cost, cost
from ppc.ir.graph import Graph, Node
from ppc.ir.layers import layer_numbers, weighted


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What joins the input of a layer: so many planes. `layer`: which one, if not the last of the client."""

    planes: int = 0
    layer: int | None = None


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
    joined_behind: int = 0  # the layer that the signal joins, where that is behind the cut: then it cannot be cut here

    @property
    def density(self) -> float:
        """Numbers that cross for each number of an example; no layer's own share of equations."""
        return self.crossing / self.inputs


def rows(graph: Graph, signal: Signal | None = None) -> tuple[Row, ...]:
    """Of a typed graph without its split and its signal."""
    return tuple(_row(graph, number, signal or Signal()) for number in range(1, len(weighted(graph))))


def _signal_weights(layer: Node, graph: Graph, planes: int) -> int:
    """The weights by which a layer grows when so many planes join its input."""
    weight = graph[layer.inputs[1]].shape
    return planes * prod((weight[0], *weight[2:]))


def _row(graph: Graph, number: int, signal: Signal) -> Row:
    numbers, layers = layer_numbers(graph), weighted(graph)
    layer, joined = layers[number - 1], signal.layer or number
    grown = _signal_weights(layers[joined - 1], graph, signal.planes) if joined <= number else 0
    given = sum(node.typed.size for node in graph.parameters if numbers[node.name] <= number)
    return Row(
        layer=number,
        name=layer.name,
        weights=given + grown,
        links=_size(layer),
        crossing=sum(_size(node) for node in crossing(graph, numbers, number)),
        inputs=sum(_size(node) for node in graph.inputs if node.word("role") == "data"),
        head=_cost(graph, [node for node in graph.nodes if numbers[node.name] <= number]),
        tail=_cost(graph, [node for node in graph.nodes if numbers[node.name] > number]),
        joined_behind=joined if joined > number else 0,
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
