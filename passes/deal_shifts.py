"""deal-shifts: where a party may not shift its own share, the dealer's truncation takes the place of the local one.

Assumes stage `masked`. A party's shift of its share is right where the shares are uniform. Those of a sum of what one
party alone has are not, nor are those of a value less a part of itself, nor what pads an image (`checks.uniform` says
it of every value). Such a value is opened under a mask, if it is not opened anyway, and truncated from there: one
message more, and never wrong.

    y = truncate_local(x) {shift}     =>     x.masked = mask(x)
                                             y = truncate(x.masked) {shift}
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from ppc.passes.checks.uniform import shiftable
from ppc.passes.masking import offset_of
from ppc.plan.build import PlanBuilder, begun
from ppc.plan.steps import Plan, Section, Step

LOCAL = "truncate_local"


@dataclass(frozen=True)
class DealShifts:
    """Replace local truncations until those that are left shift uniform shares."""

    name: ClassVar[str] = "deal-shifts"

    def run(self, plan: Plan) -> Plan:
        while wrong := _wrong(plan):
            plan = _Dealing(begun(plan), wrong).written(plan)
        return plan


def _wrong(plan: Plan) -> frozenset[str]:
    local = [step for step in plan.steps() if step.op == LOCAL]
    right = shiftable(plan) if local else frozenset[str]()
    return frozenset(step.name for step in local if step.inputs[0] not in right)


@dataclass
class _Dealing:
    builder: PlanBuilder
    wrong: frozenset[str]
    opened: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])  # by section and value
    renamed: dict[str, str] = field(default_factory=dict[str, str])

    def written(self, plan: Plan) -> Plan:
        for section in plan.sections:
            self.builder.section = section.name
            for step in section.steps:
                self.step(replace(step, inputs=tuple(self.renamed.get(name, name) for name in step.inputs)))
        made = self.builder.plan()
        return replace(made, sections=tuple(map(self.handed_on, made.sections)))

    def handed_on(self, section: Section) -> Section:
        """Its carried values and results, by the names that are left."""
        new = self.renamed
        carries = (replace(c, first=new.get(c.first, c.first), then=new.get(c.then, c.then)) for c in section.carries)
        results = (replace(result, value=new.get(result.value, result.value)) for result in section.results)
        return replace(section, carries=tuple(carries), results=tuple(results))

    def step(self, step: Step) -> None:
        if step.op == "mask":
            self.mask(step)
        elif step.name in self.wrong:
            self.dealt(step)
        else:
            self.builder.keep(step)

    def mask(self, step: Step) -> None:
        """One opening of a value serves all that is done with it."""
        key = (self.builder.section, step.inputs[0])
        if key in self.opened and self.builder.head.level > 0:
            self.renamed[step.name] = self.opened[key]
            return
        self.builder.keep(step)
        self.opened.setdefault(key, step.name)

    def dealt(self, step: Step) -> None:
        (value,), shift = step.inputs, step.integer("shift")
        key = (self.builder.section, value)
        if key not in self.opened:
            name = self.builder.fresh(f"{value}.masked")
            self.opened[key] = self.builder.add("mask", (value,), {"mask": f"{name}.m"}, name=name, like=step).name
        opened = self.builder.by_name[self.opened[key]]
        offset = offset_of(self.builder.wires[value], shift)
        attrs = {"shift": shift, "offset": offset, "tuple": f"{step.name}.t"}
        short = {"short": True} if opened.flag("short") else {}
        self.builder.add("truncate", (opened.name,), {**attrs, **short}, name=step.name, like=step)
