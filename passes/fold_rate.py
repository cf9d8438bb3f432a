"""fold-rate: the learning rate goes into the gradient of the loss, so that an update is a subtraction.

    loss.gradient = …_grad(logits, labels)           =>    loss.gradient = …_grad(logits, labels)
                                                           loss.step = scale(loss.gradient) {rate}
    w.gradient = matmul(loss.gradient, x)                  w.gradient = matmul(loss.step, x)
    w.step = scale(w.gradient) {rate}                      w.updated = subtract(w, w.gradient)
    w.updated = subtract(w, w.step)

Where the loss is computed in the clear the rate then costs nothing, and no step is truncated on shares. Everything
between the gradient of the loss and the updates is linear in it, so the new weights are the same. With weight decay
they are w - (rate·decay·w + rate·g). With momentum the state that is carried becomes rate·v: from here on
`NAME.momentum` means that, coming in and going out. It starts at zero, stays on shares, and nobody receives it.

A rate that changes from epoch to epoch goes the same way (`rate`, and `….rated` behind each `….step`): the part of it
that an epoch has multiplies the gradient of the loss and the decay. A momentum then has the rate of the epoch before in
it, so in the first iteration of an epoch it is multiplied by the change of the rate (`rate.change`).

Assumes a placed training graph. All updates change, or none: one gradient of the loss serves them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ClassVar

from ppc.ir.graph import JOINT, Builder, Graph, Node, Output
from ppc.ir.ops import SOURCES
from ppc.ir.policy import RATE_BITS
from ppc.ir.typed import retyped_graph
from ppc.ir.types import Interval
from ppc.passes.linearity import is_linear

LOSS_GRADIENTS = ("softmax_cross_entropy_grad", "mse_grad")


@dataclass(frozen=True)
class FoldRate:
    """Scale the gradient of the loss; without one, or with updates of another form, nothing changes."""

    name: ClassVar[str] = "fold-rate"

    def run(self, graph: Graph) -> Graph:
        slopes = graph.with_op(*LOSS_GRADIENTS)
        folding = _Folding(graph, slopes[0]) if len(slopes) == 1 else None
        return folding.folded() if folding is not None and folding.possible() else graph


@dataclass(frozen=True)
class _Step:
    """What a rate makes of a change: `scale`, and `scale_by` where the rate changes."""

    scale: Node
    by: Node | None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.scale.name, *((self.by.name,) if self.by else ()))

    @property
    def rate(self) -> tuple[float, str]:
        """Its constant part, and the input that has the changing one."""
        return self.scale.number("factor"), self.by.inputs[1] if self.by else ""


@dataclass
class _Folding:
    """One training step: which values grow with the gradient of the loss, and what ends in an update."""

    graph: Graph
    slope: Node
    growing: set[str] = field(default_factory=set[str])  # multiplied by the rate when the gradient of the loss is
    factors: dict[str, float] = field(default_factory=dict[str, float])  # scales of an update, with the rate inside
    summed: set[str] = field(default_factory=set[str])  # sums of an update, which become rate times what they were
    states: dict[str, str] = field(default_factory=dict[str, str])  # scales of momenta that come in with the rate

    def __post_init__(self) -> None:
        self.outputs = {output.value: output for output in self.graph.outputs}
        self.updates = [step for output in self.graph.outputs if (step := self.update(output)) is not None]
        self.steps = {name for step in self.updates for name in step.names}

    def update(self, output: Output) -> _Step | None:
        """The step of a parameter, if its new value is the old one less a multiple of its gradient, on shares."""
        new, old = self.graph[output.value], self.graph.by_name.get(output.name)
        if old is None or old.op != "parameter" or new.op != "subtract" or new.inputs[0] != old.name:
            return None
        last = self.graph[new.inputs[1]]
        scale = self.graph[last.inputs[0]] if last.op == "scale_by" else last
        if scale.op != "scale" or new.place != JOINT:
            return None
        step = _Step(scale, None if scale is last else last)
        return step if all(self.read_once(name) for name in step.names) else None

    def read_once(self, name: str) -> bool:
        return len(self.graph.uses[name]) == 1 and name not in self.outputs

    @property
    def rate(self) -> tuple[float, str]:
        return self.updates[0].rate

    # ---- may it be done ----

    def possible(self) -> bool:
        """One rate, a backward graph that is linear in its beginning, and nothing else that would notice."""
        if len({step.rate for step in self.updates}) != 1 or self.slope.name in self.outputs or not self.grows():
            return False
        return all(self.takes(step.scale.inputs[0]) for step in self.updates) and not list(self.noticed())

    def grows(self) -> bool:
        """Follow the gradient of the loss; False where something is not linear in it."""
        self.growing = {self.slope.name}
        for node in self.graph.nodes:
            touched = [name in self.growing for name in node.inputs]
            if not any(touched) or node.name in self.steps:
                continue
            if is_linear(node, touched):
                self.growing.add(node.name)
            elif node.op != "add":  # a sum with something else may be part of an update, which `takes` looks at
                return False
        return True

    def takes(self, name: str) -> bool:
        """Make the value that a rate multiplies carry the rate itself."""
        node = self.graph[name]
        if name in self.growing or name in self.summed:
            return True
        if node.op == "add":
            self.summed.add(name)
            return all(self.takes(operand) for operand in node.inputs)
        if node.op != "scale" or not self.read_once(name):
            return False
        source = self.graph[node.inputs[0]]
        if source.op == "input" and source.word("role") == "momentum":
            self.states[source.name] = name  # carries the rate already
            return len(self.graph.uses[source.name]) == 1
        self.factors[name] = node.number("factor") * self.rate[0]
        return source.op in SOURCES

    def noticed(self) -> Iterator[str]:
        """Values that change and are read where no rate follows, or leave the graph other than as a momentum; and
        momenta that would come in with the rate and go out without it."""
        changed = self.growing | self.summed
        yield from self.states.keys() - {self.outputs[name].name for name in changed & self.outputs.keys()}
        for name in changed:
            users = {user.name for user in self.graph.uses[name]}
            if users - changed - self.steps or (name in self.outputs and not self.is_momentum(self.outputs[name])):
                yield name

    def is_momentum(self, output: Output) -> bool:
        state = self.graph.by_name.get(output.name)
        return state is not None and state.op == "input" and state.word("role") == "momentum" and not output.to

    # ---- do it ----

    def folded(self) -> Graph:
        rate = self.rate[1]
        first = tuple(self.first_steps(rate))
        instead = {self.slope.name: first[-1].name}
        nodes = [node for node in self.graph.nodes if node.name not in {*self.steps, rate}]
        nodes = [self.changed(node, instead) for node in nodes]
        further = {self.slope.name: first}
        if rate:
            change = self.change_of(self.graph[rate])
            further |= {name: (self.times(name, rate),) for name in self.factors}
            further |= {name: (self.times(name, change.name),) for name in self.states.values()}
            nodes = [self.graph[rate], *([change] if self.states else ()), *nodes]
        made = tuple(one for node in nodes for one in (node, *further.get(node.name, ())))
        carried = {step.names[-1]: instead.get(step.scale.inputs[0], step.scale.inputs[0]) for step in self.updates}
        behind = {name: new[0].name for name, new in further.items() if name != self.slope.name}
        graph = replace(self.graph, nodes=tuple(_redirected(node, behind) for node in made))
        return retyped_graph(graph.redirected(carried))

    def changed(self, node: Node, instead: dict[str, str]) -> Node:
        if node.name in self.factors:
            node = replace(node, attrs={"factor": self.factors[node.name]}, origin=FoldRate.name)
        return _redirected(node, instead)

    def first_steps(self, rate: str) -> Iterator[Node]:
        """The gradient of the loss times the rate, where the gradient itself is made."""
        name = Builder.on(self.graph, origin=FoldRate.name).fresh("loss.step")
        attrs = {"factor": self.rate[0]}
        step = replace(self.slope, name=name, op="scale", inputs=(self.slope.name,), attrs=attrs, origin=FoldRate.name)
        yield step
        if rate:
            yield replace(step, name=f"{name}.rated", op="scale_by", inputs=(name, rate), attrs={})

    def times(self, name: str, rate: str) -> Node:
        """A value times what an iteration gives."""
        node = self.graph[name]
        inputs = (name, rate)
        return replace(node, name=f"{name}.rated", op="scale_by", inputs=inputs, attrs={}, origin=FoldRate.name)

    def change_of(self, rate: Node) -> Node:
        """What an epoch's rate is of the one before it, for the epoch's first iteration."""
        parts = rate.integers("epochs")
        changes = tuple(round((now << RATE_BITS) / before) for before, now in pairwise((parts[0], *parts)))
        type_ = replace(rate.typed, bounds=Interval(0.0, max(changes) / 2**RATE_BITS))
        attrs = {**rate.attrs, "epochs": changes, "once": True}
        return replace(rate, name="rate.change", attrs=attrs, type=type_, origin=FoldRate.name)


def _redirected(node: Node, names: dict[str, str]) -> Node:
    """What a new node reads is not exchanged for itself."""
    inputs = tuple(name if names.get(name) in (None, node.name) else names[name] for name in node.inputs)
    return replace(node, inputs=inputs)
