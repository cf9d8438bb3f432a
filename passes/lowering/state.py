"""What a plan begins with beside its data, and what iterations hand on: weights, and momenta.

In training the weights are carried from one iteration to the next, from what their owner gives, or from the shares that
an earlier run left. Inference may begin with such shares too. Whatever is on shares has left nobody's sight to check
its bounds, so both check them jointly (`certify`). Called by `lower`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ppc.errors import fail
from ppc.ir.graph import Attribute, Node
from ppc.ir.ops import SOURCES
from ppc.ir.policy import PUBLIC, Policy
from ppc.ir.types import Interval
from ppc.passes.lowering.certify import certify
from ppc.passes.lowering.context import Lowering, Value
from ppc.plan.steps import Carry, SectionName
from ppc.plan.wires import Wire

STATE = ("parameter", "momentum")
OTHER_MODEL = "Shares belong to the model that was trained: another version of it has other weights."


def role(node: Node) -> str:
    """What a source is: `parameter`, or the role of an input."""
    return "parameter" if node.op == "parameter" else node.word("role")


@dataclass
class State:
    """`kept` are the wires of what is on shares when the plan begins."""

    low: Lowering
    policy: Policy
    kept: Mapping[str, Wire]
    trains: bool
    firsts: dict[str, Value] = field(default_factory=dict[str, Value])

    def begin(self) -> None:
        """The first steps of the plan: what is there, and the check of its bounds."""
        nodes = [node for node in self.low.graph.nodes if self.holds(node)]
        for node in nodes:
            self.low.node = node
            self.low.values[node.name] = self.carried(node) if self.trains else self.on_shares(node, node.name)
        certify(self.low, [node for node in nodes if node.op == "parameter"])

    def holds(self, node: Node) -> bool:
        """Whether one iteration hands the value to the next, or it begins on shares. What everybody may see at any time
        no step changes."""
        public = node.typed.readers is not None and node.typed.readers.everyone
        if node.op not in SOURCES or role(node) not in STATE or public:
            return False
        return self.trains or bool(self.kept)

    def on_shares(self, node: Node, name: str, section: SectionName = "setup") -> Value:
        """Both give their shares, of a scale and within a range that are known from where they come."""
        wire = self.kept.get(node.name)
        if wire is None:
            raise fail("PPC503", f"`{node.name}` is not among the shares.", span=node.span, hint=OTHER_MODEL)
        if wire.shape != node.shape:
            shapes = f"{list(wire.shape)}; the model's has {list(node.shape)}"
            raise fail("PPC504", f"`{node.name}` on shares has shape {shapes}.", span=node.span, hint=OTHER_MODEL)
        known: dict[str, Attribute] = {"scale": wire.scale or 0, "low": wire.low or 0, "high": wire.high or 0}
        shared = Wire(form="shared", shape=node.shape, bounds=node.typed.bounds)
        return self.low.add("given", name=name, attrs={"what": role(node), **known}, wire=shared, section=section)

    def carried(self, node: Node) -> Value:
        """A carried value starts as what the weights' owner gives, a momentum as zero; or both as they were kept."""
        first = f"{node.name}.first"
        self.firsts[node.name] = self.on_shares(node, first) if self.kept else self.fresh(node, first)
        self.low.wires[node.name] = Wire(form="shared", shape=node.shape, bounds=node.typed.bounds)
        self.low.homes[node.name] = "each"
        return node.name

    def fresh(self, node: Node, name: str) -> Value:
        kind, owner = role(node), self.policy.weights.party
        public = owner == PUBLIC or kind == "momentum"
        bounds = Interval(0.0, 0.0) if kind == "momentum" else node.typed.bounds
        wire = Wire(form="public" if public else "clear", at="" if public else owner, shape=node.shape, bounds=bounds)
        what = "zero" if kind == "momentum" else kind
        return self.low.add("given", name=name, attrs={"what": what}, wire=wire, section="setup")

    def carries(self) -> Iterator[Carry]:
        """Every carried value with its next; what no output updates stays as it is."""
        updated = {output.name: output.value for output in self.low.graph.outputs}
        for name, first in self.firsts.items():
            then = self.low.values[updated[name]] if name in updated else name
            yield Carry(name=name, first=first, then=then, wire=self.low.wires[name])
