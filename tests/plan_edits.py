"""Small changes to a plan, as its text: what mutants are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ppc.ir.graph import Attribute
from ppc.passes.checks.rules import Rule
from ppc.plan.steps import Carry, Plan, Section, Step
from ppc.plan.text import show

FOLDER = Path(__file__).parent / "plans"
Attributes = Mapping[str, Attribute | None]


def plan_text(name: str) -> str:
    """A plan that was written for the tests, and keeps every rule."""
    return (FOLDER / f"{name}.plan").read_text("utf-8")


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of a plan at one site. It breaks one of the rules; the check has to name it."""

    site: str
    kind: str
    plan: Plan
    rules: tuple[Rule, ...]

    @property
    def text(self) -> str:
        """What is handed in."""
        return show(self.plan)

    def __str__(self) -> str:
        return f"{self.site}: {self.kind}"


def mutant(plan: Plan, site: str, kind: str, *rules: Rule) -> Mutant:
    return Mutant(site=site, kind=kind, plan=plan, rules=rules)


def with_attributes(step: Step, changes: Attributes) -> Step:
    """None takes an attribute away."""
    attrs = {**step.attrs, **changes}
    return replace(step, attrs={key: value for key, value in attrs.items() if value is not None})


def changed(plan: Plan, step: Step, *steps: Step) -> Plan:
    """The plan with other steps in the place of one."""
    return _sections(plan, lambda section: _replaced(section, step, steps))


def with_step(plan: Plan, step: Step, attrs: Attributes) -> Plan:
    return changed(plan, step, with_attributes(step, attrs))


def inserted(plan: Plan, after: Step, *steps: Step) -> Plan:
    return changed(plan, after, after, *steps)


def with_carry(plan: Plan, carry: Carry, other: Carry) -> Plan:
    def exchanged(section: Section) -> Section:
        return replace(section, carries=tuple(other if one is carry else one for one in section.carries))

    return _sections(plan, exchanged)


def reading(plan: Plan, name: str, instead: str, *, but: Sequence[str] = ()) -> Plan:
    """Whoever reads a value reads another one instead."""

    def turned(section: Section) -> Section:
        steps = tuple(
            step if step.name in but else replace(step, inputs=tuple(instead if n == name else n for n in step.inputs))
            for step in section.steps
        )
        return replace(section, steps=steps)

    return _sections(plan, turned)


def moved_before(plan: Plan, step: Step, other: Step) -> Plan:
    """A step in front of one that it reads."""

    def moved(section: Section) -> Section:
        steps = [one for one in section.steps if one is not step]
        if other in steps and step in section.steps:
            steps.insert(steps.index(other), step)
        return replace(section, steps=tuple(steps) if len(steps) == len(section.steps) else section.steps)

    return _sections(plan, moved)


def home(plan: Plan, step: Step) -> Section:
    return next(section for section in plan.sections if step in section.steps)


def readers(plan: Plan, name: str) -> list[Step]:
    return [step for step in plan.steps() if name in step.inputs]


def _replaced(section: Section, step: Step, steps: Sequence[Step]) -> Section:
    new = [one for old in section.steps for one in (steps if old is step else (old,))]
    return replace(section, steps=tuple(new))


def _sections(plan: Plan, change: Callable[[Section], Section]) -> Plan:
    return replace(plan, sections=tuple(change(section) for section in plan.sections))
