"""How finely a result may be shown: what of it is no more than the bits of a product (T2). Called by `check_masks`.

A product of values with s and t fraction bits has s + t, and the lowest of these tell more of its factors than a result
of s bits does. So a value that is made of products, powers or public weights may be shown with as many bits as the
coarsest factor has; those below are drowned in noise, or are gone by a truncation that leaves no more. Bits that a
factor was only lifted by are none of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from ppc.plan.ops import LINEAR
from ppc.plan.steps import Plan, Step

Scales = dict[str, float]
TRUNCATIONS = ("truncate", "truncate_local")
# Linear steps, and those that change nothing: what is revealed behind them shows what goes into them.
FOLLOWED = (LINEAR | {"mask", "select", "reveal", *TRUNCATIONS}) - {"apply", "count", "as_number"}
SUMS = ("add", "subtract", "add_channel", "concat")


def showable(plan: Plan) -> Mapping[str, float]:
    """With how many fraction bits each value may be shown; without limit, where no product is in it."""
    own = _settled(plan, -inf, max, _own)

    def limit(_plan: Plan, step: Step, known: Scales) -> float:
        return _limit(step, known, own)

    return _settled(plan, inf, min, limit)


def undrowned(plan: Plan, step: Step, limits: Mapping[str, float]) -> float:
    """How many bits too many a `reveal` shows; 0 or less where it shows none."""
    scale = plan.wires[step.inputs[0]].scale
    return (scale or 0) - step.integer("drowned", 0) - limits[step.inputs[0]] if scale is not None else 0


def _settled(
    plan: Plan,
    start: float,
    choice: Callable[[float, float], float],
    rule: Callable[[Plan, Step, Scales], float],
) -> Scales:
    """By a rule for each step, over all iterations: until what they hand on stays as it is."""
    carries = plan.section("each").carries
    known: Scales = {carry.name: start for carry in carries}
    while True:
        for step in plan.steps():
            known[step.name] = rule(plan, step, known)
        after = {carry.name: choice(known[carry.first], known[carry.then]) for carry in carries}
        if all(known[name] == value for name, value in after.items()):
            return known
        known |= after


def _own(plan: Plan, step: Step, known: Scales) -> float:
    """The fraction bits of a value, those apart that it was only lifted by."""
    scale = float(step.wire.scale or 0)
    inside = [known[name] for name in step.inputs]
    if step.op in SUMS:
        return min(scale, max(inside))
    if step.op == "rescale":
        return inside[0] + scale - (plan.wires[step.inputs[0]].scale or 0)
    if step.op in FOLLOWED:
        return min(scale, inside[-1])
    return scale


def _limit(step: Step, known: Scales, own: Scales) -> float:
    if step.op in ("product", "polynomial") or (step.op == "apply" and step.wire.form not in ("clear", "public")):
        return min(own[name] for name in step.inputs)
    if step.op not in FOLLOWED:
        return inf
    inside = min(known[name] for name in (step.inputs[-1:] if step.op == "select" else step.inputs))
    return inf if step.op in TRUNCATIONS and (step.wire.scale or 0) <= inside else inside
