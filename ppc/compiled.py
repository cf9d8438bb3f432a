"""A model after every pass on graphs: what the first half of the compiler hands to the second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ppc.errors import Diagnostic, fail
from ppc.grammar.arguments import nearest
from ppc.ir.collaborative import Pate
from ppc.ir.graph import Graph
from ppc.ir.policy import Evaluation, Policy, Training
from ppc.passes.base import Step
from ppc.plan.wires import Wire
from ppc.source import Source


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A model after every pass, with the block that it followed. `steps` starts with the graph as written; `kept` are
    the weights and momenta with which it begins on shares, and their wires. With an `evaluation` it is an inference
    that counts right answers, of what `training` left."""

    source: Source
    policy: Policy | None
    training: Training | None
    batch: int
    steps: tuple[Step, ...]
    evaluation: Evaluation | None = None
    kept: Mapping[str, Wire] = field(default_factory=dict[str, Wire])

    @property
    def graph(self) -> Graph:
        return self.steps[-1].graph

    def after(self, name: str) -> Graph:
        """The graph as it was after the pass of that name; `source` is the graph as written."""
        for step in self.steps:
            if step.name == name:
                return step.graph
        names = [step.name for step in self.steps]
        raise fail("PPC511", f"There is no pass `{name}` in this pipeline.", hint=nearest(name, names))


def unsendable(labels: Sequence[Pate], compiled: Sequence[Compiled]) -> Iterator[Diagnostic]:
    """Labels whose votes are too many to be sent."""
    for label in labels:
        graph = next((one.graph for one in compiled if one.graph.name == label.student), None)
        if graph and (mistake := label.unsendable(graph[graph.output("result").value].shape[-1])):
            yield mistake
