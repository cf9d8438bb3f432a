"""One walk over a lowered plan that gives every step its scale. Called by `place_rescales`."""

from __future__ import annotations

from dataclasses import replace

from ppc.passes.rescaling.steps import RULES
from ppc.passes.rescaling.walk import Value, Walk
from ppc.plan.steps import Carry, Plan, Section


class Placing(Walk):
    """Section by section, step by step; carried values get the scale and range that are assumed of them."""

    def run(self) -> Plan:
        sections = [self.placed(section) for section in self.plan.sections]
        return replace(self.plan, sections=tuple(replace(s, steps=tuple(self.made[s.name])) for s in sections))

    def placed(self, section: Section) -> Section:
        self.section = section.name
        firsts = {carry.name: self.first(carry) for carry in section.carries}
        for step in section.steps:
            self.step = step
            self.current[step.name] = RULES[step.op](self, step)
        carries = tuple(self.carry(carry, firsts[carry.name]) for carry in section.carries)
        results = tuple(replace(result, value=self.current[result.value]) for result in section.results)
        return replace(section, carries=carries, results=results)

    # ---- carried values ----

    def first(self, carry: Carry) -> Value:
        """The value before the first iteration, at the scale that the body wants."""
        before = self.carried.get(carry.name)
        scale = before.scale if before else self.scales.fraction
        first = self.at(carry.first, scale)
        magnitude = max(before.magnitude if before else 0, self.wires[first].magnitude)
        self.wires[carry.name] = replace(
            carry.wire, form="shared", scale=scale, low=-magnitude, high=magnitude, bounds=None, at=""
        )
        self.home[carry.name], self.current[carry.name] = "each", carry.name
        self.known[carry.name, scale] = carry.name
        return first

    def carry(self, carry: Carry, first: Value) -> Carry:
        wire = self.wires[carry.name]
        then = self.current[carry.then]
        scale = self.wires[then].scale
        if scale is not None and wire.scale is not None and scale < wire.scale:
            then = self.at(carry.then, wire.scale)
        return replace(carry, first=first, then=then, wire=wire)
