"""From a compiled program to the plan that two parties and a dealer run. Knows the passes; the compiler's second half.

`lowered` keeps every stage, so that each can be shown: the graph as it is lowered, and the plan after every pass. Where
the program names no field, it lowers for each and takes the plan that is quicker on the program's network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

from ppc.bill.choice import comparison_notes, quickest
from ppc.bill.network import of_program
from ppc.compiled import Compiled
from ppc.errors import InternalError, PpcError, fail
from ppc.grammar.arguments import nearest
from ppc.ir.policy import Joint, Policy
from ppc.passes import base, plan_base
from ppc.passes.base import Step
from ppc.passes.fewer_bits import advised
from ppc.passes.plan_base import PlanStep
from ppc.passes.plan_pipeline import LEVELS as LEVELS
from ppc.passes.plan_pipeline import graph_passes, lowering, plan_passes
from ppc.plan.steps import Plan

NARROW, WIDE = "mersenne61", "mersenne127"


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

    def noting(self, *notes: str) -> Lowered:
        """The same, with further notes on its plan."""
        last = self.plans[-1]
        plan = replace(last.plan, notes=(*last.plan.notes, *notes))
        return replace(self, plans=(*self.plans[:-1], replace(last, plan=plan)))

    def after(self, name: str) -> Plan:
        for step in self.plans:
            if step.name == name:
                return step.plan
        names = [step.name for step in self.plans]
        raise fail("PPC511", f"There is no pass `{name}` in this pipeline.", hint=nearest(name, names))


def lowered(compiled: Compiled, *, level: int = 2, field: str = "") -> Lowered:
    """The plan of one private block: of a batch of inference, or of an iteration of training.

    `field` is taken where the program names none: that of another batch size, with which it shares a bundle.
    """
    policy = _policy(compiled)
    if compiled.training and compiled.training.by == "clear":
        raise fail(
            "PPC115",
            "A plan for training in the clear is not built yet: one party does it, and nothing is sent.",
            span=compiled.training.span,
            hint="Leave `--train` out, or train by `joint`.",
        ).located(compiled.source)
    fields = _fields(policy, field)
    try:
        found = _in_field(compiled, policy, fields[0], level) if len(fields) == 1 else _quicker(compiled, policy, level)
    except PpcError as error:
        raise _with_advice(error, compiled, policy, fields[-1]).located(compiled.source) from None
    return found.noting(*comparison_notes(found.plan))


def check_ranges(compiled: Compiled, *, advise: bool = True) -> None:
    """Whether some field has room for all values, as far as scales have to be known for that: no plan is made.

    To `advise` fewer fraction bits, they are tried.
    """
    policy = _policy(compiled)
    *others, last = _fields(policy)
    for field in others:
        try:
            return _scaled(compiled, policy, field)
        except PpcError:
            continue
    try:
        _scaled(compiled, policy, last)
    except PpcError as error:
        advice = _with_advice(error, compiled, policy, last) if advise else error
        raise advice.located(compiled.source) from None


def _with_advice(error: PpcError, compiled: Compiled, policy: Policy, field: str) -> PpcError:
    """Fewer fraction bits that fit; where the program leaves them open, all have been tried."""
    joint = policy.joint
    if joint is None or joint.fraction is None:
        return error

    def attempt(fraction: int) -> None:
        _scaled(compiled, replace(policy, joint=replace(joint, fraction=fraction)), field)

    return advised(error, joint.fraction, attempt)


def _scaled(compiled: Compiled, policy: Policy, field: str) -> None:
    policy, first = _begun(compiled, policy, field, LEVELS[-1])[1:]
    for step in plan_base.steps(first.plan, plan_passes(policy, level=LEVELS[-1])):
        if step.plan.stage == "scaled":
            return


def _policy(compiled: Compiled) -> Policy:
    if compiled.policy is None:
        raise fail(
            "PPC131",
            f"`{compiled.graph.name}` has no private block: nothing says who holds what.",
            hint=f"Add `private {compiled.graph.name} {{ … }}`.",
        ).located(compiled.source)
    return compiled.policy


def _fields(policy: Policy, otherwise: str = "") -> tuple[str, ...]:
    """The field that the program names, or those that there are."""
    joint = policy.joint or Joint(field=NARROW)
    wanted = joint.field or otherwise
    return (wanted,) if wanted else (WIDE,) if joint.truncation == "local" else (NARROW, WIDE)


def _quicker(compiled: Compiled, policy: Policy, level: int) -> Lowered:
    """In the field in which a batch or iteration takes less time; whatever the level, that of the highest."""
    field, note = _chosen_field(compiled, policy)
    return _in_field(compiled, policy, field, level).noting(note)


def _chosen_field(compiled: Compiled, policy: Policy) -> tuple[str, str]:
    """The field, and why."""
    highest = LEVELS[-1]
    try:
        narrow = _in_field(compiled, policy, NARROW, highest)
    except PpcError as error:
        return WIDE, f"{WIDE} was chosen: {NARROW} has no room. {error.diagnostics[0].message}"
    try:
        wide = _in_field(compiled, policy, WIDE, highest)
    except (PpcError, InternalError) as error:  # the narrow field serves, whatever is wrong with the other
        return NARROW, f"{NARROW} was chosen: there is no plan for {WIDE}. {error}"
    plan, note = quickest([narrow.plan, wide.plan], of_program(policy))
    return plan.field, note


def _in_field(compiled: Compiled, policy: Policy, field: str, level: int) -> Lowered:
    """The plan in one field."""
    graphs, policy, first = _begun(compiled, policy, field, level)
    plans = (first, *plan_base.steps(first.plan, plan_passes(policy, level=level)))
    return Lowered(compiled=compiled, level=level, graphs=graphs, plans=plans)


def _begun(compiled: Compiled, policy: Policy, field: str, level: int) -> tuple[tuple[Step, ...], Policy, PlanStep]:
    """The graphs up to the last, the private block with its field, and the plan as it was lowered."""
    joint = replace(policy.joint, field=field) if policy.joint else None
    policy = replace(policy, joint=joint)
    graphs = tuple(base.steps(compiled.graph, graph_passes(level)))
    graph = graphs[-1].graph if graphs else compiled.graph
    start = perf_counter()
    lower = lowering(
        policy,
        compiled.training,
        level=level,
        batch=compiled.batch,
        kept=compiled.kept,
        evaluation=compiled.evaluation,
    )
    return graphs, policy, PlanStep(name=lower.name, plan=lower.run(graph), seconds=perf_counter() - start)
