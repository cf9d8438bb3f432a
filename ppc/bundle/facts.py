"""What a manifest says of a plan, worked out from the plan alone: who brings what, who learns what, bytes and rounds.

Written by the compiler and worked out again by every reader, so that what a person reads is what will be run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ppc.bundle.canonical import written
from ppc.plan.kept import trains
from ppc.plan.material import corrections
from ppc.plan.messages import bytes_sent
from ppc.plan.needs import PUBLISHED, SPLIT, is_published
from ppc.plan.steps import BOTH, Plan, Section, Step

Facts = dict[str, Any]
EVERY = "parties"  # who brings a public value: both have it, and the dealer is given it too
SAID = ("zero", "rate", "mask")  # what follows from the plan itself, so that nobody brings it
SHARES = "shares"  # nobody has the value: each party brings its share


def training(plan: Plan) -> bool:
    """A plan that hands on weights trains."""
    return trains(plan)


def program(plan: Plan) -> Facts:
    """What is equal for every batch size of one program: with it, all that comes in, and every declassification."""
    return {
        "model": plan.name,
        "field": plan.field,
        "level": plan.level,
        "parties": list(plan.parties),
        "brings": _unique(_brings(plan)),
        "learns": _unique(_learns(plan)),
        "results": _unique(_results(plan)),
    }


def _brings(plan: Plan) -> Iterator[Facts]:
    """Every given value; where it has a row for each example, the shape of one."""
    for section in plan.sections:
        for step in section.steps:
            if step.op != "given" or step.word("what") in (*SAID, PUBLISHED):
                continue
            rows = section.name == "each" and step.wire.shape[:1] == (plan.batch,)
            yield {
                "name": step.name.removesuffix(".first") if training(plan) else step.name,
                "what": step.word("what"),
                "from": SHARES if step.wire.form == "shared" else step.wire.at or EVERY,
                "shape": list(step.wire.shape[1:] if rows else step.wire.shape),
                "for": "example" if rows else section.name,
            }


def _learns(plan: Plan) -> Iterator[Facts]:
    for section in plan.sections:
        for step in section.steps:
            if step.op == "reveal":
                to = EVERY if step.word("to") == BOTH else step.word("to")
                yield {"value": _value(step), "to": to, "grant": step.word("grant"), "in": section.name}
            elif is_published(step):
                yield {"value": step.name, "to": step.wire.at, "grant": SPLIT, "in": section.name}


def _value(step: Step) -> str:
    """A parameter goes by its own name, anything else by its layer's."""
    return step.name.partition(".to_")[0].removesuffix(".opened")


def _results(plan: Plan) -> Iterator[Facts]:
    for section in plan.sections:
        for result in section.results:
            yield {"name": result.name, "to": result.to or SHARES, "in": section.name}


def _unique(rows: Iterator[Facts]) -> list[Facts]:
    """In the plan's order, each once."""
    return list({written(row): row for row in rows}.values())


def costs(plan: Plan) -> list[Facts]:
    """For one pass through each section: rounds, bytes that client and server send, and what the dealer sends."""
    return [_cost(plan, section) for section in plan.sections]


def _cost(plan: Plan, section: Section) -> Facts:
    words = plan.modulus_field.words
    return {
        "section": section.name,
        "rounds": section.rounds,
        "sent": [bytes_sent(plan, section, party) for party in plan.parties],
        "dealt": sum(correction.bytes(words) for correction in corrections(plan, section)),
    }
