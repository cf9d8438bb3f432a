"""What a pass on plans is, and how a list of them is run: as `base`, one stage further down.

A pass is a frozen dataclass: its fields are its options, `run` takes a plan and returns a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import ClassVar, Protocol

from ppc.plan.ops import PLAN_OPS
from ppc.plan.steps import Plan, Section, Step


class PlanPass(Protocol):
    """One step of the compiler."""

    name: ClassVar[str]

    def run(self, plan: Plan) -> Plan: ...


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """What the runner did: the pass, what came out, and how long it took."""

    name: str
    plan: Plan
    seconds: float


def steps(plan: Plan, passes: Sequence[PlanPass]) -> Iterator[PlanStep]:
    """Run the passes one by one."""
    for one in passes:
        start = perf_counter()
        plan = one.run(plan)
        yield PlanStep(name=one.name, plan=plan, seconds=perf_counter() - start)


# ---- what several passes ask ----


def linear(step: Step) -> bool:
    """Does the step map masked values to a masked one, its masks going the same way?"""
    row = PLAN_OPS[step.op]
    return row.kind == "linear" and row.makes == "as operands"


def handed_on(plan: Plan) -> frozenset[str]:
    """Values that leave their section: as a result, or to the next iteration."""
    carried = {name for section in plan.sections for carry in section.carries for name in (carry.first, carry.then)}
    return frozenset(carried | {result.value for section in plan.sections for result in section.results})


def users(plan: Plan) -> dict[str, tuple[Step, ...]]:
    """The steps that read each value, a step once for each time."""
    found: dict[str, list[Step]] = {}
    for step in plan.steps():
        for name in step.inputs:
            found.setdefault(name, []).append(step)
    return {name: tuple(steps) for name, steps in found.items()}


def without_unused(plan: Plan) -> Plan:
    """Linear steps that nothing reads are left out; all else is an effect, or sends something."""
    needed = set(handed_on(plan))
    sections: list[Section] = []
    for section in reversed(plan.sections):
        kept: list[Step] = []
        for step in reversed(section.steps):
            if step.name in needed or PLAN_OPS[step.op].kind != "linear":
                kept.append(step)
                needed.update(step.inputs)
        sections.append(replace(section, steps=tuple(reversed(kept))))
    return replace(plan, sections=tuple(reversed(sections)))
