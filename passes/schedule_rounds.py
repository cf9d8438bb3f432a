"""schedule-rounds: every opening gets the round in which it is sent.

Assumes stage `masked`, guarantees stage `scheduled`. At level 2 an opening is sent as soon as its operands are there:
what does not depend on each other travels in one message, and the rounds are as many as the longest chain of openings,
fewer than which nobody can do. At levels 0 and 1 every opening has a round of its own, in the order of the program.

What is made of certified values is revealed after the round of the check that certifies them: a run that the check
ends has shown nobody a number that may have wrapped.
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
    proofs: dict[str, int] = {}  # the round of the check that a value's range is proved by
    steps: list[Step] = []
    sent = 0  # the last round in which something is sent
    for step in section.steps:
        number = max((rounds.get(name, 0) for name in step.inputs), default=0)
        proof = max((proofs.get(name, 0) for name in step.inputs), default=0)
        proofs[step.name] = max(proof, rounds.get(step.word("by"), 0))
        if step.op in OPENINGS:
            ready = max(number, proof) if step.op == "reveal" else number
            number = ready + 1 if merged else sent + 1
            sent = max(sent, number)
        rounds[step.name] = number
        steps.append(replace(step, round=number))
    return replace(section, steps=tuple(steps))
