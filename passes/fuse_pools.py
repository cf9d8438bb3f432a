"""fuse-pools: a convolution and the average pooling behind it are one bilinear map.

    conv1 = conv2d(image, conv1.weight, …)            =>    conv1 = conv2d(image, conv1.weight, …) {pool: 2}
    avg_pool1 = avg_pool(conv1) {kernel: [2, 2]}

A quarter of the products, and a quarter of the values that are opened; the division goes where the result is truncated
anyway. On the way back the gradient is read as it stands before the pooling copies it; the bias needs its sum alone.

Assumes a placed graph. Only joint nodes change, and only where the windows are square, do not overlap and have no
padding, and nobody else reads what the convolution made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.ir.graph import JOINT, Graph, Node
from ppc.ir.typed import retyped_graph

# The op that may read a gradient before it is copied, and which of its operands that is.
READERS = {"conv2d_grad_input": 0, "conv2d_grad_weight": 1, "sum_to_channel": 0}


@dataclass(frozen=True)
class FusePools:
    """Put `pool` on convolutions and on their gradients."""

    name: ClassVar[str] = "fuse-pools"

    def run(self, graph: Graph) -> Graph:
        before = graph
        for name in [node.name for node in before.with_op("avg_pool") if _plain(node)]:
            if _only_reader(graph, graph[name]):
                graph = _fused(graph, graph[name])
        for name in [node.name for node in before.with_op("avg_pool_grad") if _plain(node)]:
            graph = _read_before(graph, graph[name])
        return graph if graph is before else retyped_graph(graph)


def _plain(pool: Node) -> bool:
    """Joint windows of k×k side by side, k at least 2."""
    side = pool.pair("kernel")[0]
    plain = pool.window == {"kernel": (side, side), "stride": (side, side), "padding": (0, 0)}
    return pool.place == JOINT and plain and side > 1


def _only_reader(graph: Graph, pool: Node) -> bool:
    layer = graph[pool.inputs[0]]
    fresh = layer.op == "conv2d" and "pool" not in layer.attrs and layer.place == JOINT
    return fresh and graph.uses[layer.name] == (pool,) and not _leaves(graph, layer)


def _leaves(graph: Graph, node: Node) -> bool:
    return any(output.value == node.name for output in graph.outputs)


def _fused(graph: Graph, pool: Node) -> Graph:
    """The convolution keeps its name, and takes the pooling's place for all who read it."""
    layer = graph[pool.inputs[0]]
    both = replace(layer, attrs={**layer.attrs, "pool": pool.pair("kernel")[0]}, type=pool.type, origin=FusePools.name)
    nodes = tuple(both if node is layer else node for node in graph.nodes if node is not pool)
    return replace(graph, nodes=nodes).redirected({pool.name: layer.name})


def _read_before(graph: Graph, spread: Node) -> Graph:
    """Those who can read the gradient of the means do; the copy stays if others need it."""
    graph = replace(graph, nodes=tuple(_reading_means(node, spread) for node in graph.nodes))
    if graph.uses[spread.name] or _leaves(graph, spread):
        return graph
    return replace(graph, nodes=tuple(node for node in graph.nodes if node.name != spread.name))


def _reading_means(node: Node, spread: Node) -> Node:
    index = READERS.get(node.op)
    if index is None or node.inputs.count(spread.name) != 1 or node.inputs[index] != spread.name:
        return node
    if node.place != JOINT or "pool" in node.attrs:
        return node
    inputs = (*node.inputs[:index], spread.inputs[0], *node.inputs[index + 1 :])
    pooled = {} if node.op == "sum_to_channel" else {"pool": spread.pair("kernel")[0]}
    return replace(node, inputs=inputs, attrs={**node.attrs, **pooled}, origin=FusePools.name)
