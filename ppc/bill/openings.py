"""Values that one party opens as operands of products: what the paper counts, and all that it counts.

Openings for truncation and comparison, digits, bits and what is revealed are not among them. An opening that serves a
truncation and a product is, once.
"""

from __future__ import annotations

from ppc.plan.ops import LINEAR
from ppc.plan.steps import Plan

PRODUCTS = frozenset({"product", "polynomial"})


def product_openings(plan: Plan) -> dict[str, int]:
    """By the name of the `mask` step: how many values it opens for products."""
    wanted: set[str] = set()
    steps = list(plan.steps())
    for step in reversed(steps):
        chosen = step.op == "select" and plan.wires[step.inputs[1]].form == "masked"
        if step.op in PRODUCTS:
            wanted.update(step.inputs)
        elif chosen:
            wanted.add(step.inputs[1])
        elif step.name in wanted and step.wire.form == "masked" and (step.op in LINEAR or step.op == "truncate"):
            wanted.update(step.inputs)
    return {step.name: step.wire.size for step in steps if step.op == "mask" and step.name in wanted}
