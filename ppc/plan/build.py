"""Writing a plan step by step: fresh names, and wires that follow from the operands.

Called by every pass on plans. The builder alone changes while it works; what it gives out is frozen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ppc.errors import InternalError
from ppc.ir.graph import Attribute
from ppc.plan.infer import infer, made_again
from ppc.plan.maps import Shape
from ppc.plan.ranges import Range
from ppc.plan.selection import selected_range
from ppc.plan.steps import SECTIONS, Carry, Phase, Plan, Result, Section, SectionName, Stage, Step
from ppc.plan.wires import Wire
from ppc.source import START, Span


@dataclass
class PlanBuilder:
    """Writes the sections of a plan anew; `head` gives everything else, and the names that are not to be taken."""

    head: Plan
    section: SectionName = "setup"
    steps: dict[SectionName, list[Step]] = field(default_factory=dict[SectionName, list[Step]])
    carries: dict[SectionName, list[Carry]] = field(default_factory=dict[SectionName, list[Carry]])
    results: dict[SectionName, list[Result]] = field(default_factory=dict[SectionName, list[Result]])
    by_name: dict[str, Step] = field(default_factory=dict[str, Step])
    wires: dict[str, Wire] = field(default_factory=dict[str, Wire])

    def __post_init__(self) -> None:
        self.taken = set(self.head.wires)

    def fresh(self, wanted: str) -> str:
        """The name itself, or with a number behind it."""
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}.{number}"
        self.taken.add(name)
        return name

    def add(
        self,
        op: str,
        inputs: Iterable[str] = (),
        attrs: Mapping[str, Attribute] | None = None,
        *,
        name: str = "",
        like: Step | None = None,
        layer: str = "",
        phase: Phase = "forward",
        span: Span = START,
        shape: Shape | None = None,
        wire: Wire | None = None,
    ) -> Step:
        """A new step of the section at hand. `like` lends its layer, phase and span; `wire` is given, not inferred."""
        inputs, attrs = tuple(inputs), dict(attrs or {})
        operands = [self.wires[operand] for operand in inputs]
        if wire is None:
            wire = infer(op, attrs, operands, shape)
        where = (like.layer, like.phase, like.span) if like else (layer, phase, span)
        return self.put(
            Step(
                name=name or self.fresh(op),
                op=op,
                inputs=inputs,
                attrs=attrs,
                wire=wire,
                layer=where[0],
                phase=where[1],
                span=where[2],
            )
        )

    def keep(
        self, step: Step, *, inputs: Iterable[str] | None = None, attrs: Mapping[str, Attribute] | None = None
    ) -> Step:
        """A step of another plan, under its name, with a wire that fits its operands here."""
        changed = replace(
            step,
            inputs=step.inputs if inputs is None else tuple(inputs),
            attrs=step.attrs if attrs is None else attrs,
        )
        return self.put(replace(changed, wire=made_again(changed, [self.wires[name] for name in changed.inputs])))

    def put(self, step: Step) -> Step:
        """A finished step; a selection's range is made exact."""
        if step.name in self.wires:
            raise InternalError(f"two steps are called `{step.name}`")
        if step.op == "select":
            step = replace(step, wire=self._selected(step))
        self.steps.setdefault(self.section, []).append(step)
        self.by_name[step.name] = step
        self.wires[step.name] = step.wire
        self.taken.add(step.name)
        return step

    def _selected(self, step: Step) -> Wire:
        x = self.wires[step.inputs[1]]
        known = Range(x.low, x.high) if x.low is not None and x.high is not None else None
        found = selected_range(step, self.by_name, known) if known else None
        return replace(step.wire, low=found.low, high=found.high) if found else step.wire

    def carry(self, carry: Carry) -> None:
        """Carries come before the steps of their section; the wire is the promise for every iteration."""
        self.carries.setdefault(self.section, []).append(carry)
        self.wires[carry.name] = carry.wire
        self.taken.add(carry.name)

    def result(self, result: Result) -> None:
        self.results.setdefault(self.section, []).append(result)

    def plan(self, stage: Stage | None = None) -> Plan:
        """Everything written so far, without the sections that hold nothing."""
        sections = tuple(self._section(name) for name in SECTIONS)
        written = tuple(section for section in sections if section.steps or section.carries or section.results)
        return replace(self.head, stage=stage or self.head.stage, sections=written)

    def _section(self, name: SectionName) -> Section:
        return Section(
            name=name,
            carries=tuple(self.carries.get(name, ())),
            steps=tuple(self.steps.get(name, ())),
            results=tuple(self.results.get(name, ())),
        )


def begun(plan: Plan) -> PlanBuilder:
    """A builder for a new version of a plan, with its carries and results."""
    builder = PlanBuilder(plan)
    for section in plan.sections:
        builder.section = section.name
        for carry in section.carries:
            builder.carry(carry)
        for result in section.results:
            builder.result(result)
    return builder


def reinfer(plan: Plan) -> Plan:
    """The plan with every wire made again, in order; carried wires are promises and stay."""
    builder = begun(plan)
    for section in plan.sections:
        builder.section = section.name
        for step in section.steps:
            builder.keep(step)
    return builder.plan()
