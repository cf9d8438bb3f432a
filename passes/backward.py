"""The walk back from a loss: which values need a gradient, and the nodes that compute it.

`differentiate` uses it, with the rules of `gradients`. Knows nothing of losses or updates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ppc.ir.graph import Builder, Node
from ppc.ir.typed import typed_node
from ppc.passes.gradients import Backward, rule_for


@dataclass
class BackwardWalk:
    """Gradients of every value that a trained parameter has a part in; no others are computed."""

    builder: Builder
    forward: tuple[Node, ...]
    result: str
    trained: frozenset[str]
    nodes: dict[str, Node] = field(init=False)
    needed: set[str] = field(init=False)
    gradients: dict[str, Node] = field(default_factory=dict[str, Node])

    def __post_init__(self) -> None:
        self.nodes = {node.name: node for node in self.forward}
        self.needed = set(self.trained)
        for node in self.forward:
            if not self.needed.isdisjoint(node.inputs):
                self.needed.add(node.name)

    def path(self) -> list[Node]:
        """The nodes between a trained parameter and the result, last first."""
        reached, path = {self.result}, list[Node]()
        for node in reversed(self.forward):
            if node.name in reached & self.needed:
                path.append(node)
                reached.update(name for index, name in enumerate(node.inputs) if rule_for(node.op, index))
        return path

    def run(self, slope: Node) -> None:
        """Start with the gradient of the result and leave all others in `gradients`."""
        self.gradients[self.result] = slope
        for node in self.path():
            self.pass_on(node)

    def pass_on(self, node: Node) -> None:
        operands = [self.nodes[name] for name in node.inputs]
        for index, name in enumerate(node.inputs):
            rule = rule_for(node.op, index)
            if rule and name in self.needed:
                gradient = self.gradients[node.name]
                step = Backward(builder=self.builder, node=node, operands=operands, index=index, gradient=gradient)
                self.collect(name, rule(step))

    def collect(self, name: str, gradient: Node) -> None:
        """A value that is read more than once receives the sum of what comes back."""
        if name in self.gradients:
            both = [self.gradients[name], gradient]
            gradient = typed_node(self.builder, "add", both, name=f"{name}.gradient", span=self.nodes[name].span)
        self.gradients[name] = gradient


def reading(nodes: Iterable[Node], result: str) -> set[str]:
    """The names of all values that `result` is computed from."""
    reached = {result}
    for node in reversed(tuple(nodes)):
        if node.name in reached:
            reached.update(node.inputs)
    return reached
