"""The forward half of a training step: what a model computes while it learns, where that differs from using it.

`differentiate` starts with it. `dropout` multiplies by a mask, `batch_norm` normalises by the batch at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

from ppc.errors import Diagnostic
from ppc.ir.graph import Builder, Graph, Node
from ppc.ir.ops import SOURCES
from ppc.ir.typed import retyped, typed_node
from ppc.ir.types import Interval, Type


@dataclass
class TrainingForward:
    """Rebuilds a graph's nodes with fresh bounds: behind a dropout or a batch norm they differ from inference."""

    graph: Graph
    builder: Builder
    frozen: frozenset[str]
    running: dict[str, Node] = field(default_factory=dict[str, Node])  # statistic -> its value after this step
    mistakes: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def build(self) -> None:
        """Fill the builder with the nodes, in order."""
        nodes: dict[str, Node] = {}
        for node in self.graph.nodes:
            nodes[node.name] = self.rebuilt(node, [nodes[name] for name in node.inputs])

    def rebuilt(self, node: Node, operands: list[Node]) -> Node:
        if node.op in SOURCES:
            return self.builder.keep(node)
        if node.op == "dropout":
            return self.masked(node, operands[0])
        if node.op == "batch_norm" and self.frozen.isdisjoint(node.inputs[3:]):
            return self.normalised_by_batch(node, operands)
        return self.builder.keep(retyped(node, operands))

    def masked(self, node: Node, x: Node) -> Node:
        """A mask holds 0 where a value is dropped and 1/(1-rate) where it stays, so that the mean stays."""
        kept = 1.0 / (1.0 - node.number("rate"))
        type_ = Type(shape=x.shape, bounds=Interval(0.0, kept))
        mask = self.builder.add("input", name=f"{node.name}.mask", attrs={"role": "mask"}, type_=type_, span=node.span)
        product = replace(node, op="multiply", inputs=(x.name, mask.name), attrs={}, origin=self.builder.origin)
        return self.builder.keep(retyped(product, [x, mask]))

    def normalised_by_batch(self, node: Node, operands: list[Node]) -> Node:
        x, scale, shift, mean, variance = operands
        count = prod(x.shape) // x.shape[1]
        if count < 2:
            self.mistakes.append(_single_value(node))
            return self.builder.keep(retyped(node, operands))
        batch_mean = typed_node(self.builder, "batch_mean", [x], name=f"{node.name}.batch_mean", span=node.span)
        batch_variance = typed_node(
            self.builder, "batch_variance", [x], name=f"{node.name}.batch_variance", span=node.span
        )
        # The running variance estimates that of all data, so it takes the unbiased one (divided by count - 1).
        self.keep_running(node, mean, batch_mean, correction=1.0)
        self.keep_running(node, variance, batch_variance, correction=count / (count - 1))
        now = [x, scale, shift, batch_mean, batch_variance]
        inputs = tuple(operand.name for operand in now)
        return self.builder.keep(retyped(replace(node, inputs=inputs, origin=self.builder.origin), now))

    def keep_running(self, node: Node, old: Node, new: Node, *, correction: float) -> None:
        share = node.number("momentum")
        kept = self.scaled(old, 1.0 - share, name=f"{old.name}.kept")
        added = self.scaled(new, share * correction, name=f"{old.name}.added")
        self.running[old.name] = typed_node(
            self.builder, "add", [kept, added], name=f"{old.name}.updated", span=old.span
        )

    def scaled(self, node: Node, factor: float, *, name: str) -> Node:
        return typed_node(self.builder, "scale", [node], name=name, attrs={"factor": factor}, span=node.span)


def _single_value(node: Node) -> Diagnostic:
    return Diagnostic(
        code="PPC219",
        message="In training `batch_norm` needs at least two values a channel; here a batch holds one.",
        span=node.span,
        hint="Train with a batch of 2 or more.",
    )
