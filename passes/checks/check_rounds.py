"""check-rounds: every message is sent after what it is made of, and whoever waits for one is sent it.

Works out the rounds again: a step belongs to the last round of what it reads, an opening to the one after at the
earliest. What setup made and what iterations carry is there before round 1. At stage `masked` no step has a round.
What is made of certified values is revealed after the round of the check that certifies them.

Each party's messages are worked out from its own side, what it sends apart from what it waits for: in every round the
one list has to be the other party's other one. Two parties that disagree would wait for ever, or read a number as
another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ppc.passes.checks.frame import frame_problems
from ppc.passes.checks.rules import Found, Problem, Rule, kept
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import BOTH, Plan, Section, Step
from ppc.plan.wires import Wire

# The lines of a program that allow an opening, and the one kind that needs none.
CHECK = "check"
GRANTS = frozenset({"split", "server clear", "result", "logits", "model", "accuracy", CHECK})


@dataclass(frozen=True)
class CheckRounds:
    """Rounds and messages of a plan at stage `scheduled`; the frame alone at stage `masked`."""

    name: ClassVar[str] = "check-rounds"

    def problems(self, plan: Plan) -> list[Problem]:
        if problems := frame_problems(plan):
            return problems
        found = Found()
        for section in plan.sections:
            _rounds(plan, section, found)
            _messages(plan, section, found)
        return found.problems

    def run(self, plan: Plan) -> Plan:
        return kept(plan, self.problems(plan), place=self.name)


def _rounds(plan: Plan, section: Section, found: Found) -> None:
    stated: dict[str, int] = {}
    proofs: dict[str, int] = {}  # the round of the check that a value's range is proved by
    for step in section.steps:
        stated[step.name] = step.round
        ready = max((stated.get(name, 0) for name in step.inputs), default=0)
        proof = max((proofs.get(name, 0) for name in step.inputs), default=0)
        proofs[step.name] = max(proof, stated.get(step.word("by"), 0))
        if plan.stage != "scheduled":
            if step.round:
                found.note(Rule.ROUNDS, step, "has a round before the rounds are chosen")
        elif step.op in OPENINGS and step.round <= ready:
            found.note(Rule.ROUNDS, step, f"is sent in round {step.round}, and what it sends is known after {ready}")
        elif step.op == "reveal" and step.round <= proof:
            found.note(Rule.ROUNDS, step, f"is shown in round {step.round}, and what proves its range in {proof}")
        elif step.op not in OPENINGS and step.round != ready:
            found.note(Rule.ROUNDS, step, f"says round {step.round}, and it can be computed after round {ready}")


# ---- messages ----


def _messages(plan: Plan, section: Section, found: Found) -> None:
    openings = [(step, plan.wires[step.inputs[0]]) for step in section.steps if step.op in OPENINGS]
    for step, wire in openings:
        for message in _mistakes(plan, step, wire):
            found.note(Rule.MESSAGES, step, message)
    for party in plan.parties:
        sent = [(step.round, step.name) for step, wire in openings if sends(party, step, wire)]
        awaited = [(step.round, step.name) for step, wire in openings if waits(plan.peer(party), step, wire)]
        for round_, name in sorted(set(sent) ^ set(awaited)):
            found.note(Rule.MESSAGES, name, f"is not both sent by {party} and waited for, in round {round_}")


def sends(party: str, step: Step, wire: Wire) -> bool:
    """Whether a party has something to send: its share, or a value that it alone has."""
    if wire.form == "clear":
        return wire.at == party
    return step.op != "reveal" or step.word("to") != party


def waits(party: str, step: Step, wire: Wire) -> bool:
    """Whether a party needs a message for its side of the result."""
    if step.wire.form == "clear":
        return step.wire.at == party
    return wire.form != "clear" or wire.at != party


def _mistakes(plan: Plan, step: Step, wire: Wire) -> Iterator[str]:
    if step.op != "reveal":
        return
    to = step.word("to")
    if to not in (BOTH, *plan.parties):
        yield f"is for {to}, who is no party"
    if wire.form == "clear" and wire.at == to:
        yield f"shows {to} what it has"
    if (step.phase == "check") != (step.word("grant") == CHECK) or step.word("grant") not in GRANTS:
        yield "names no line of the program that allows it"
    if step.word("grant") == CHECK and to != BOTH:
        yield "is a check, and its result is for both parties"
