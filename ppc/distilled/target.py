"""The target: the one network that samples train, as a device knows it.

That is the graph as the program says it, the law of its first weights, and its own steps.

The architecture is what of it matters for numbers: ops, sizes, and what reads what, in their order. Names of layers and
files, bounds of data and places in a text do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from ppc.errors import fail
from ppc.ir.graph import Graph, Node
from ppc.ir.policy import PUBLIC, Loss, Owner, Training
from ppc.passes.differentiate import Differentiate
from ppc.passes.infer_shapes import InferShapes


@dataclass(frozen=True)
class Target:
    """`graph` is at stage `named`. It has one input, and gives a row of scores for the classes."""

    graph: Graph
    loss: Loss = "softmax_cross_entropy"
    spread: float = 1.0

    @cached_property
    def unbounded(self) -> Graph:
        """Without the bounds of the data: samples are no data, and need not lie there."""
        return replace(self.graph, nodes=tuple(map(_unbounded, self.graph.nodes)))

    @cached_property
    def data(self) -> Node:
        """The input that holds the images."""
        found = [node for node in self.graph.inputs if node.word("role") == "data"]
        if len(found) != 1 or found[0].typed.element != "real":
            inputs = ", ".join(node.name for node in found) or "none"
            hint = "Samples are images, and labels for them: the model takes one input of real numbers."
            raise fail("PPC596", f"`{self.graph.name}` has the inputs {inputs}.", span=found[-1].span, hint=hint)
        return found[0]

    @property
    def image(self) -> tuple[int, ...]:
        """The shape of one image."""
        return self.data.shape

    @cached_property
    def classes(self) -> int:
        typed = self.typed(2)
        result = typed[typed.output("result").value]
        if len(result.shape) != 2 or result.shape[1] < 2:
            hint = "End the model with a `dense` layer of one score for each class."
            raise fail("PPC596", f"`{self.graph.name}` gives no row of scores.", span=result.span, hint=hint)
        return result.shape[1]

    def typed(self, batch: int) -> Graph:
        """With shapes, for so many examples."""
        return InferShapes(batch).run(self.unbounded)

    def step(self, samples: int, rate: float) -> Graph:
        """One step of gradient descent over so many samples."""
        labels = Owner(party=PUBLIC)
        training = Training(
            model=self.graph.name,
            by="clear",
            labels=labels,
            label_bounds=None,
            loss=self.loss,
            rate=rate,
            batch=samples,
        )
        return Differentiate(training=training).run(self.typed(samples))

    @cached_property
    def architecture(self) -> str:
        """A hash of all that matters for numbers."""
        lines = "\n".join(_lines(self.typed(1), self.loss, self.spread))
        return sha256(f"ppc/distilled/v1|architecture\n{lines}".encode()).hexdigest()


def _unbounded(node: Node) -> Node:
    return node if node.type is None else replace(node, type=replace(node.type, bounds=None))


def _lines(graph: Graph, loss: Loss, spread: float) -> Iterator[str]:
    """Nodes by their places; what a name stands for is the place of its node."""
    places = {node.name: place for place, node in enumerate(graph.nodes)}
    yield f"loss {loss} spread {spread!r}"
    for node in graph.nodes:
        inputs = ",".join(str(places[name]) for name in node.inputs)
        yield f"{node.op}({inputs}) {json.dumps(dict(sorted(node.attrs.items())))} {list(node.shape)}"
    yield f"result {places[graph.output('result').value]}"
