"""lower: from a placed graph to a plan of what the two parties compute, on real numbers.

Assumes stage `placed`. Guarantees a plan at stage `lowered`. Only what leads to an output is lowered. What depends on
no batch is in `setup`; in training the parameters and momenta are carried from one iteration to the next, and `finish`
gives the model to whom the program says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

from ppc.errors import InternalError
from ppc.ir.graph import JOINT, Attribute, Graph, Node, Output
from ppc.ir.ops import SOURCES
from ppc.ir.policy import ON_SHARES, Policy, Reuse, Training
from ppc.ir.types import Interval
from ppc.passes.lowering.context import Lowering, Rule, Value
from ppc.passes.lowering.counting import COUNTING, RIGHT, counted
from ppc.passes.lowering.curves import CURVES
from ppc.passes.lowering.rules import PLAIN
from ppc.passes.lowering.state import State, role
from ppc.passes.lowering.tournament import TOURNAMENTS
from ppc.passes.plan_base import without_unused
from ppc.plan.needs import PUBLISHED, SPLIT
from ppc.plan.steps import Carry, Plan, Result, Section
from ppc.plan.wires import Form, Wire

RULES: dict[str, Rule] = {**PLAIN, **TOURNAMENTS, **CURVES, **COUNTING}
AROUND = Interval(0.0, 2.0**-8)  # at least a unit of any scale
# Where nothing is computed on shares, nobody has to bound a value that is only sent; it must fit its message.
SENT_ONLY = Interval(-(2.0**24), 2.0**24)


@dataclass(frozen=True, kw_only=True)
class Lower:
    """Follow one private block, and the train block where there is one; begin with what is `kept` on shares."""

    name: ClassVar[str] = "lower"
    policy: Policy
    training: Training | None = None
    level: int = 2
    batch: int = 1
    kept: Mapping[str, Wire] = field(default_factory=dict[str, Wire])
    evaluates: bool = False  # right answers are counted, of the weights that are kept

    @property
    def trains(self) -> bool:
        return self.training is not None and not self.evaluates

    def run(self, graph: Graph) -> Plan:
        return _Lower(self, needed(graph, self.training)).plan()


def needed(graph: Graph, training: Training | None) -> Graph:
    """The graph without what leads to no output that somebody gets: a training step makes its state and the loss."""
    outputs = tuple(output for output in graph.outputs if _wanted(graph, output, training))
    reached = {output.value for output in outputs}
    for node in reversed(graph.nodes):
        if node.name in reached:
            reached.update(node.inputs)
    return replace(graph, nodes=tuple(node for node in graph.nodes if node.name in reached), outputs=outputs)


def _wanted(graph: Graph, output: Output, training: Training | None) -> bool:
    if training is None:
        return bool(output.to)
    if output.name == "result":
        return False
    return output.name != "loss" or graph[output.value].place != JOINT


class _Lower:
    def __init__(self, options: Lower, graph: Graph) -> None:
        self.options, self.graph = options, graph
        self.low = Lowering(graph)
        self.starts = {node.name for node in graph.nodes if node.op.endswith(("entropy_grad", "mse_grad"))}
        self.gradients = _following(graph, self.starts) - self.starts
        slopes = {node.name for node in graph.nodes if node.name.endswith(".slope")}
        self.low.backward = frozenset(self.gradients | self.starts | slopes)
        self.low.updates = frozenset(_updates(graph))
        self.state = State(self.low, options.policy, options.kept, options.trains)

    def plan(self) -> Plan:
        self.state.begin()
        for node in self.graph.nodes:
            if not self.state.holds(node) and not self.only_published(node):
                self.low.node = node
                self.low.gradient = node.name in self.gradients
                self.low.values[node.name] = self.lowered(node)
                if node.name in self.starts:
                    self.low.mark_gradient(self.low.values[node.name])
        self.low.gradient = False
        carries = tuple(self.state.carries())
        results = tuple(self.results())
        finished = tuple(self.finished(carries))
        if self.options.evaluates:
            carries, finished = counted(self.low, self.graph.output(RIGHT))
        sections = (
            Section(name="setup", steps=tuple(self.low.sections["setup"])),
            Section(name="each", carries=carries, steps=tuple(self.low.sections["each"]), results=results),
            Section(name="finish", steps=tuple(self.low.sections["finish"]), results=finished),
        )
        joint = self.options.policy.joint
        plan = Plan(
            name=self.graph.name,
            stage="lowered",
            source=self.graph.source,
            field=(joint.field if joint else None) or "mersenne61",
            parties=self.options.policy.parties,
            level=self.options.level,
            batch=self.options.batch,
            sections=tuple(section for section in sections if section.steps or section.results),
        )
        return without_unused(plan)

    # ---- nodes ----

    def lowered(self, node: Node) -> Value:
        if node.op in SOURCES:
            return self.source(node)
        if self.published(node):
            return self.given_away(node)
        operands = [self.low.values[name] for name in node.inputs]
        if node.op == "reveal":
            return self.revealed(node, operands[0])
        if node.place != JOINT:
            return self.computed(node, operands)
        if node.op not in RULES:
            raise InternalError(f"there is no rule to run `{node.op}` on shares", place=Lower.name)
        return RULES[node.op](self.low, node, operands)

    def source(self, node: Node) -> Value:
        kind = role(node)
        if kind == "data" and self.options.policy.owners[node.name].party == ON_SHARES:
            return self.state.on_shares(node, node.name, "each")
        if reuse := self.reused(node):
            return self.batch_of(node, reuse.examples)
        section = "setup" if kind == "parameter" else "each"
        attrs = {**_given(kind), **{key: value for key, value in node.attrs.items() if key != "role"}}
        return self.low.add("given", name=node.name, attrs=attrs, wire=self.given_wire(node), section=section)

    def reused(self, node: Node) -> Reuse | None:
        """Data that are masked once for all epochs. What their owner alone computes with is masked nowhere."""
        training, users = self.options.training, self.graph.uses[node.name]
        joint = bool(users) and all(user.place == JOINT for user in users)
        return training.reuse if training and self.options.trains and joint and role(node) == "data" else None

    def batch_of(self, node: Node, examples: int) -> Value:
        """The whole data set is given in setup; each iteration takes its rows, in a public order."""
        wire = self.given_wire(node)
        whole = replace(wire, shape=(examples, *wire.shape[1:]))
        data = self.low.add("given", name=node.name, attrs=_given("data"), wire=whole, section="setup")
        rows: dict[str, Attribute] = {"rows": node.shape[0]}
        return self.low.add("batch", data, name=f"{node.name}.batch", attrs=rows, section="each")

    def given_wire(self, node: Node) -> Wire:
        readers = node.typed.readers
        everyone = readers is not None and readers.everyone
        at = "" if everyone else str(node.place)
        form: Form = "public" if everyone else "clear"
        return Wire(form=form, at=at, shape=node.shape, bounds=self.bounds(node))

    def bounds(self, node: Node) -> Interval | None:
        """What can only be one number is treated like any other: a ReLU, say, of what is never positive."""
        found = node.typed.bounds or (SENT_ONLY if self.options.policy.joint is None else None)
        return found + AROUND if found and found.low == found.high else found

    def revealed(self, node: Node, value: Value) -> Value:
        """Opened to a party, which reads it as real numbers."""
        to = node.word("to")
        wire = Wire(form="clear", at=to, shape=node.shape)
        attrs: dict[str, Attribute] = {"to": to, "grant": node.word("grant"), **self.numbers(node, value)}
        opened = self.low.add("reveal", value, name=f"{node.name}.opened", attrs=attrs, wire=wire, phase="output")
        read = replace(wire, bounds=node.typed.bounds)
        return self.low.add("decode", opened, name=node.name, wire=read, phase="output")

    def published(self, node: Node) -> bool:
        """Weights of a split, which their owner gave away as a file: the client has them before a run begins."""
        return node.op == "reveal" and node.word("grant") == SPLIT and not self.state.holds(self.graph[node.inputs[0]])

    def only_published(self, node: Node) -> bool:
        users = self.graph.uses[node.name]
        return node.op == "parameter" and bool(users) and all(self.published(user) for user in users)

    def given_away(self, node: Node) -> Value:
        wire = Wire(form="clear", at=node.word("to"), shape=node.shape, bounds=self.bounds(self.graph[node.inputs[0]]))
        return self.low.add("given", name=node.inputs[0], attrs=_given(PUBLISHED), wire=wire, section="setup")

    def numbers(self, node: Node, value: Value) -> dict[str, Attribute]:
        """How a number crosses that nobody has on shares."""
        policy = self.options.policy
        if policy.server_clear is None or self.low.form(value) != "clear":
            return {}
        return {"numbers": policy.sent if node.word("grant") == "server clear" else "float32"}

    def computed(self, node: Node, operands: list[Value]) -> Value:
        """At one party, on numbers that it has; public ones are computed by both."""
        public = all(self.low.form(value) == "public" for value in operands)
        at = "" if public else str(node.place)
        wire = Wire(form="public" if public else "clear", at=at, shape=node.shape, bounds=self.bounds(node))
        return self.low.add("compute", *operands, name=node.name, attrs={"op": node.op, **node.attrs}, wire=wire)

    # ---- what leaves ----

    def results(self) -> Iterator[Result]:
        for output in self.graph.outputs:
            value = self.low.values[output.value]
            wire = self.low.wires[value]
            if output.name not in self.state.firsts and wire.form in ("clear", "public"):
                yield Result(name=output.name, value=value, to=wire.at)

    def finished(self, carries: tuple[Carry, ...]) -> Iterator[Result]:
        """The trained model, to those who are given it; else it stays in shares."""
        receivers = {output.name: output for output in self.graph.outputs}
        for carry in carries:
            output = receivers.get(carry.name)
            if output is None or not output.to:
                yield Result(name=carry.name, value=carry.name)
                continue
            self.low.node = replace(self.graph[carry.name], span=output.span)  # the line that gives it
            for party in output.to:
                yield Result(name=carry.name, value=self.given_out(carry, party), to=party)

    def given_out(self, carry: Carry, party: str) -> Value:
        wire = Wire(form="clear", at=party, shape=carry.wire.shape)
        attrs = cast(dict[str, Attribute], {"to": party, "grant": "model"})
        opened = self.low.add(
            "reveal", carry.name, name=f"{carry.name}.opened", attrs=attrs, wire=wire, section="finish", phase="output"
        )
        return self.low.add(
            "decode", opened, name=f"{carry.name}.to_{party}", wire=wire, section="finish", phase="output"
        )


def _given(what: str) -> dict[str, Attribute]:
    return {"what": what}


def _following(graph: Graph, starts: set[str]) -> set[str]:
    """The nodes that read one of these, over any number of steps, and these."""
    found = set(starts)
    for node in graph.nodes:
        if not found.isdisjoint(node.inputs):
            found.add(node.name)
    return found


def _updates(graph: Graph) -> set[str]:
    """The nodes of the update: what a gradient goes through on its way into a parameter."""
    return {
        node.name
        for node in graph.nodes
        if node.name.endswith((".step", ".updated", ".change", ".kept", ".decay", ".decayed", ".rated"))
    }
