"""split-at-layer: layers 1..k run in the clear at the client, who receives their weights.

Assumes a typed graph. Guarantees that every node of the head (parameters aside) is placed at the client; the rest is
left to `place`. The graph itself does not change: a split never changes what is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.errors import PpcError, fail
from ppc.ir.graph import Graph
from ppc.ir.layers import layer_numbers, weighted
from ppc.ir.policy import Cut


@dataclass(frozen=True)
class SplitAtLayer:
    """Cut after layer `cut`; no cut, no change."""

    name: ClassVar[str] = "split-at-layer"
    cut: Cut | None
    client: str

    def run(self, graph: Graph) -> Graph:
        if self.cut is None:
            return graph
        numbers, last = layer_numbers(graph), self.layer(graph, self.cut)
        nodes = tuple(
            replace(node, place=self.client)
            if node.op not in ("input", "parameter") and numbers[node.name] <= last
            else node
            for node in graph.nodes
        )
        return replace(graph, nodes=nodes)

    @staticmethod
    def layer(graph: Graph, cut: Cut) -> int:
        """The number k of the last layer that the client runs."""
        names = [node.name for node in weighted(graph)]
        if cut.after:
            if cut.after not in graph.by_name or graph[cut.after].op in ("input", "parameter"):
                raise fail(
                    "PPC211",
                    f"There is no layer named `{cut.after}` to split after.",
                    span=cut.span,
                    hint=f"Name a line of the model (`{cut.after} = relu`), or write `split at 1`.",
                )
            layer = layer_numbers(graph)[cut.after]
        else:
            layer = cut.layer
        if not 1 <= layer < len(names):
            raise _out_of_range(cut, layer, names)
        return layer


def _out_of_range(cut: Cut, layer: int, names: list[str]) -> PpcError:
    most = len(names) - 1
    layers = ", ".join(f"{number} {name}" for number, name in enumerate(names, 1))
    return fail(
        "PPC210",
        f"A split at {layer} leaves one side without a layer: the model has {len(names)}.",
        span=cut.span,
        hint=f"Choose 1 to {most}; the layers are {layers}."
        if most
        else "A model of one layer cannot be split; leave the line out.",
    )
