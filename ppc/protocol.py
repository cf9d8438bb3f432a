"""From a compiled program to the plan that two parties and a dealer run. Knows the passes; the compiler's second half.

`lowered` keeps every stage, so that each can be shown: the graph as it is lowered, and the plan after every pass.
`program` brings the plans of several batch sizes together, for a bundle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from ppc import __version__
from ppc.bundle import Program
from ppc.compiler import Compiled, compile_program
from ppc.errors import PpcError, fail
from ppc.grammar.arguments import nearest
from ppc.ir.graph import Graph
from ppc.passes import base, plan_base
from ppc.passes.base import Step
from ppc.passes.plan_base import PlanStep
from ppc.passes.plan_pipeline import LEVELS as LEVELS
from ppc.passes.plan_pipeline import graph_passes, lowering, plan_passes
from ppc.plan.steps import Plan
from ppc.source import Source


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


def at_batches(
    source: str | Path | Source,
    *,
    model: str | None = None,
    as_: str | None = None,
    train: bool = False,
    batches: Sequence[int] = (),
    level: int = 2,
) -> tuple[Lowered, ...]:
    """A plan for each batch size, smallest first; of the program's own size, where none is named."""
    if train and len(set(batches)) > 1:
        raise fail(
            "PPC547",
            "Training has one batch size: its plan hands the weights, on shares, from each iteration to the next.",
            hint="Name one, as in `--batch 128`.",
        )
    sizes: list[int | None] = [*sorted(set(batches))] or [None]
    return tuple(
        lowered(compile_program(source, model=model, as_=as_, train=train, batch=size), level=level) for size in sizes
    )


def program(made: Sequence[Lowered]) -> Program:
    """What a bundle is written of: plans of one private block that differ in their batch size only."""
    compiled = made[0].compiled
    private = compiled.policy.name if compiled.policy else compiled.graph.name
    names = [step.name for step in compiled.steps]
    if compiled.training:
        original, folded = _before(compiled, names.index("differentiate")), None
    else:
        original, prepared = _before(compiled, names.index("prepare-inference")), compiled.after("prepare-inference")
        folded = None if _arrays(prepared) == _arrays(original) else prepared
    return Program(
        plans=tuple(one.plan for one in made),
        private=private,
        written=original,
        folded=folded,
        epochs=compiled.training.epochs if compiled.training else 0,
        ppc=__version__,
    )


def _before(compiled: Compiled, index: int) -> Graph:
    """The graph whose parameters a weights file holds: before batch norms are folded, with the complement in."""
    return compiled.steps[index - 1].graph


def _arrays(graph: Graph) -> list[str]:
    return [node.name for node in graph.parameters]
