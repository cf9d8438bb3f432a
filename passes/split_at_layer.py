"""split-at-layer: layers 1..k run in the clear at the client, who receives their weights.

Assumes a typed graph. Guarantees that every node of the head (parameters aside) is placed at the client; the rest is
left to `place`. The graph itself does not change: a split never changes what is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import ClassVar

from ppc.cuts import Signal, chosen, rows
from ppc.errors import PpcError, fail
from ppc.ir.graph import Graph
from ppc.ir.layers import layer_numbers, weighted
from ppc.ir.policy import Complement, Cut, Network
from ppc.ir.sent import Sent


@dataclass(frozen=True)
class SplitAtLayer:
    """Cut after layer `cut`; no cut, no change. A cut within limits is chosen here, by what it costs."""

    name: ClassVar[str] = "split-at-layer"
    cut: Cut | None
    client: str
    complement: Complement | None = None
    network: Network | None = None
    sent: Sent = "float32"

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

    def layer(self, graph: Graph, cut: Cut) -> int:
        """The number k of the last layer that the client runs."""
        names = [node.name for node in weighted(graph)]
        if cut.limits is not None:
            found = rows(graph, signal_of(graph, self.complement))
            return chosen(found, cut.limits, self.network, cut.span, self.sent).layer
        if cut.after:
            known = [node.name for node in graph.nodes if node.op not in ("input", "parameter")]
            if cut.after not in known:
                raise _unknown(cut, known)
            layer = layer_numbers(graph)[cut.after]
        else:
            layer = cut.layer
        if not 1 <= layer < len(names):
            raise _out_of_range(cut, layer, names)
        return layer


def signal_of(graph: Graph, complement: Complement | None) -> Signal:
    """How many planes the signal adds to which layer's input: of a number of more than two classes one for each."""
    if complement is None:
        return Signal()
    classes = graph[graph.output("result").value].shape[-1]
    many = complement.picture is None and complement.offset and classes > 2
    return Signal(planes=classes if many else 1, layer=complement.layer)


def _unknown(cut: Cut, known: list[str]) -> PpcError:
    near = get_close_matches(cut.after, known, n=1)
    return fail(
        "PPC211",
        f"There is no layer named `{cut.after}` to split after.",
        span=cut.span,
        hint=f"Did you mean `{near[0]}`?"
        if near
        else f"Name a line of the model (`{cut.after} = relu`), or write `split at 1`.",
    )


def _out_of_range(cut: Cut, layer: int, names: list[str]) -> PpcError:
    most = len(names) - 1
    layers = ", ".join(f"{number} {name}" for number, name in enumerate(names, 1))
    return fail(
        "PPC210",
        f"A split at {layer} leaves one side without a layer: the model has {len(names)}.",
        span=cut.span,
        hint=f"{'Write `split at 1`' if most == 1 else f'Choose 1 to {most}'}; the layers are {layers}."
        if most
        else "A model of one layer cannot be split; leave the line out.",
    )
