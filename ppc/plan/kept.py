"""What a training leaves on shares, and what a plan that begins with it has to be told.

A weight on shares is a field element of each party; their sum is the weight at the scale of its master copy, within
the range that the training's plan promises of it. So scale and range belong to the shares: whoever keeps them keeps
these beside them, and a plan that begins with them is made for them.
"""

from __future__ import annotations

from dataclasses import replace

from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire

ACCURACY = "accuracy"  # the line that opens a count of right answers


def kept(plan: Plan) -> dict[str, Wire]:
    """Weights and momenta as they are on shares between two iterations, and at the end, by their names."""
    return {carry.name: replace(carry.wire, form="shared") for carry in plan.section("each").carries}


def released(plan: Plan, party: str = "") -> tuple[str, ...]:
    """What the end of a training gives out, to whomever, or to one party."""
    found = (one.name for one in plan.section("finish").results if one.to and party in ("", one.to))
    return tuple(dict.fromkeys(found))


def trains(plan: Plan) -> bool:
    """Whether iterations hand on weights. A plan that counts right answers hands on the count."""
    return bool(plan.section("each").carries) and not evaluates(plan)


def evaluates(plan: Plan) -> bool:
    """Whether the plan opens how many answers are right."""
    return any(step.op == "reveal" and step.word("grant") == ACCURACY for step in plan.section("finish").steps)


def taken(plan: Plan) -> tuple[Step, ...]:
    """The steps by which both parties give their shares of something."""
    return tuple(step for step in plan.steps() if step.op == "given" and step.wire.form == "shared")
