"""schedule-rounds: every opening gets the round in which it is sent.

Assumes stage `masked`, guarantees stage `scheduled`. At level 2 an opening is sent as soon as its operands are there:
what does not depend on each other travels in one message, and the rounds are as many as the longest chain of openings,
fewer than which nobody can do. At levels 0 and 1 every opening has a round of its own, in the order of the program.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Plan, Section, Step


@dataclass(frozen=True)
class ScheduleRounds:
    """Number the rounds of each section from 1. What an earlier section or iteration made is there in round 0."""

    name: ClassVar[str] = "schedule-rounds"

    def run(self, plan: Plan) -> Plan:
        sections = tuple(_scheduled(section, merged=plan.level >= 2) for section in plan.sections)
        return replace(plan, stage="scheduled", sections=sections)


def _scheduled(section: Section, *, merged: bool) -> Section:
    rounds: dict[str, int] = {}
    steps: list[Step] = []
    sent = 0  # the last round in which something is sent
    for step in section.steps:
        number = max((rounds.get(name, 0) for name in step.inputs), default=0)
        if step.op in OPENINGS:
            number = number + 1 if merged else sent + 1
            sent = max(sent, number)
        rounds[step.name] = number
        steps.append(replace(step, round=number))
    return replace(section, steps=tuple(steps))
