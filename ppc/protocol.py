"""From a compiled program to the plan that two parties and a dealer run. Knows the passes; the compiler's second half.

`lowered` keeps every stage, so that each can be shown: the graph as it is lowered, and the plan after every pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from ppc.compiler import Compiled
from ppc.errors import PpcError, fail
from ppc.grammar.arguments import nearest
from ppc.passes import base, plan_base
from ppc.passes.base import Step
from ppc.passes.plan_base import PlanStep
from ppc.passes.plan_pipeline import LEVELS as LEVELS
from ppc.passes.plan_pipeline import graph_passes, lowering, plan_passes
from ppc.plan.steps import Plan


@dataclass(frozen=True, kw_only=True)
class Lowered:
    """A plan with the way to it."""

    compiled: Compiled
    level: int
    graphs: tuple[Step, ...]
    plans: tuple[PlanStep, ...]

    @property
    def plan(self) -> Plan:
        return self.plans[-1].plan

    def after(self, name: str) -> Plan:
        for step in self.plans:
            if step.name == name:
                return step.plan
        names = [step.name for step in self.plans]
        raise fail("PPC511", f"There is no pass `{name}` in this pipeline.", hint=nearest(name, names))


def lowered(compiled: Compiled, *, level: int = 2) -> Lowered:
    """The plan of one private block: of a batch of inference, or of an iteration of training."""
    policy, training = compiled.policy, compiled.training
    if policy is None:
        raise fail(
            "PPC131",
            f"`{compiled.graph.name}` has no private block: nothing says who holds what.",
            hint=f"Add `private {compiled.graph.name} {{ … }}`.",
        ).located(compiled.source)
    try:
        graphs = tuple(base.steps(compiled.graph, graph_passes(level)))
        graph = graphs[-1].graph if graphs else compiled.graph
        start = perf_counter()
        lower = lowering(policy, training, level=level, batch=compiled.batch)
        first = PlanStep(name=lower.name, plan=lower.run(graph), seconds=perf_counter() - start)
        plans = (first, *plan_base.steps(first.plan, plan_passes(policy, level=level)))
    except PpcError as error:
        raise error.located(compiled.source) from None
    return Lowered(compiled=compiled, level=level, graphs=graphs, plans=plans)
