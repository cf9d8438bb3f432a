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

Assumes a placed training graph. All updates change, or none: one gradient of the loss serves them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ppc.ir.graph import JOINT, Builder, Graph, Node, Output
from ppc.ir.ops import SOURCES
from ppc.ir.typed import retyped_graph

LOSS_GRADIENTS = ("softmax_cross_entropy_grad", "mse_grad")
# Ops of the backward graph that are linear in one operand while the others stay: which one. Those that are linear in
# all operands together stand apart.
LINEAR_IN = {
    "conv2d_grad_input": 0,
    "conv2d_grad_weight": 1,
    "avg_pool_grad": 0,
    "max_pool_grad": 1,
    "global_avg_pool_grad": 0,
    "relu_grad": 1,
    "sigmoid_grad": 1,
    "tanh_grad": 1,
    "softmax_grad": 1,
    "batch_norm_grad_input": 4,
    "batch_norm_grad_scale": 3,
    "sum_to_channel": 0,
    "slice_channels": 0,
    "reshape": 0,
    "scale": 0,
    "multiply_channel": 0,
}
LINEAR_IN_ALL = ("add", "subtract", "concat")
LINEAR_IN_EITHER = ("multiply", "matmul")


@dataclass(frozen=True)
class FoldRate:
    """Scale the gradient of the loss; without one, or with updates of another form, nothing changes."""

    name: ClassVar[str] = "fold-rate"

    def run(self, graph: Graph) -> Graph:
        slopes = graph.with_op(*LOSS_GRADIENTS)
        folding = _Folding(graph, slopes[0]) if len(slopes) == 1 else None
        return folding.folded() if folding is not None and folding.possible() else graph


@dataclass
class _Folding:
    """One training step: which values grow with the gradient of the loss, and what ends in an update."""

    graph: Graph
    slope: Node
    growing: set[str] = field(default_factory=set[str])  # multiplied by the rate when the gradient of the loss is
    factors: dict[str, float] = field(default_factory=dict[str, float])  # scales of an update, with the rate inside
    summed: set[str] = field(default_factory=set[str])  # sums of an update, which become rate times what they were
    states: set[str] = field(default_factory=set[str])  # momenta that come in with the rate

    def __post_init__(self) -> None:
        self.outputs = {output.value: output for output in self.graph.outputs}
        self.updates = [update for output in self.graph.outputs if (update := self.update(output)) is not None]
        self.steps = {update.inputs[1] for update in self.updates}

    def update(self, output: Output) -> Node | None:
        """The new value of a parameter, if it is the old one less a multiple of its gradient, on shares."""
        new, old = self.graph[output.value], self.graph.by_name.get(output.name)
        if old is None or old.op != "parameter" or new.op != "subtract" or new.inputs[0] != old.name:
            return None
        step = self.graph[new.inputs[1]]
        alone = self.graph.uses[step.name] == (new,) and step.name not in self.outputs
        return new if step.op == "scale" and alone and new.place == JOINT else None

    @property
    def rate(self) -> float:
        return self.graph[self.updates[0].inputs[1]].number("factor")

    # ---- may it be done ----

    def possible(self) -> bool:
        """One rate, a backward graph that is linear in its beginning, and nothing else that would notice."""
        rates = {self.graph[step].number("factor") for step in self.steps}
        if len(rates) != 1 or self.slope.name in self.outputs or not self.grows():
            return False
        return all(self.takes(self.graph[step].inputs[0]) for step in self.steps) and not list(self.noticed())

    def grows(self) -> bool:
        """Follow the gradient of the loss; False where something is not linear in it."""
        self.growing = {self.slope.name}
        for node in self.graph.nodes:
            touched = [name in self.growing for name in node.inputs]
            if not any(touched) or node.name in self.steps:
                continue
            if _is_linear(node, touched):
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
        if node.op != "scale" or len(self.graph.uses[name]) != 1 or name in self.outputs:
            return False
        source = self.graph[node.inputs[0]]
        if source.op == "input" and source.word("role") == "momentum":
            self.states.add(source.name)  # carries the rate already
            return len(self.graph.uses[source.name]) == 1
        self.factors[name] = node.number("factor") * self.rate
        return source.op in SOURCES

    def noticed(self) -> Iterator[str]:
        """Values that change and are read where no rate follows, or leave the graph other than as a momentum; and
        momenta that would come in with the rate and go out without it."""
        changed = self.growing | self.summed
        yield from self.states - {self.outputs[name].name for name in changed & self.outputs.keys()}
        for name in changed:
            users = {user.name for user in self.graph.uses[name]}
            if users - changed - self.steps or (name in self.outputs and not self.is_momentum(self.outputs[name])):
                yield name

    def is_momentum(self, output: Output) -> bool:
        state = self.graph.by_name.get(output.name)
        return state is not None and state.op == "input" and state.word("role") == "momentum" and not output.to

    # ---- do it ----

    def folded(self) -> Graph:
        step = self.first_step()
        nodes: list[Node] = []
        for node in self.graph.nodes:
            if node.name in self.steps:
                continue
            if self.slope.name in node.inputs:
                node = replace(node, inputs=tuple(step.name if n == self.slope.name else n for n in node.inputs))
            if node.name in self.factors:
                node = replace(node, attrs={"factor": self.factors[node.name]}, origin=FoldRate.name)
            nodes += [node, step] if node.name == self.slope.name else [node]
        carried = {name: self.graph[name].inputs[0] for name in self.steps}
        carried = {name: step.name if operand == self.slope.name else operand for name, operand in carried.items()}
        return retyped_graph(replace(self.graph, nodes=tuple(nodes)).redirected(carried))

    def first_step(self) -> Node:
        """The gradient of the loss times the rate, where the gradient itself is made."""
        name = Builder.on(self.graph, origin=FoldRate.name).fresh("loss.step")
        attrs = {"factor": self.rate}
        return replace(self.slope, name=name, op="scale", inputs=(self.slope.name,), attrs=attrs, origin=FoldRate.name)


def _is_linear(node: Node, touched: list[bool]) -> bool:
    """Is the result multiplied by a number when the touched operands are?"""
    if node.op in LINEAR_IN:
        return touched.index(True) == LINEAR_IN[node.op] and touched.count(True) == 1
    if node.op in LINEAR_IN_EITHER:
        return touched.count(True) == 1
    return node.op in LINEAR_IN_ALL and all(touched)
