"""place-rescales: the scale of every value, and where it is truncated.

Assumes a plan at stage `lowered`. Guarantees stage `scaled`: every joint value is an integer real · 2^scale whose exact
range is known, operands of a sum have one scale, and what enters a product or a comparison has no more than the scale
that is wanted there. A value is truncated where it is needed so, and once, whoever needs it (-O0: right behind the
product). Numbers that one party knows are encoded at the scale that their first reader has, so they cost nothing.

A weight that is trained has a master copy at the scale of its gradient, so an update is an addition without rounding;
its copy for the products is truncated once in an iteration. The scales and the ranges of carried values depend on the
body that they enter, so the body is placed again until they no longer change: what is kept then is kept for ever. A
value that grows in every iteration has no range, and is an error at its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ppc.errors import Diagnostic, PpcError
from ppc.passes.rescaling.carried import Carried, begun, growing, settled
from ppc.passes.rescaling.placing import Placing
from ppc.passes.rescaling.steps import FACTOR_BITS
from ppc.passes.rescaling.walk import Scales
from ppc.plan.steps import Plan

ATTEMPTS = 60  # a carried value may gain a bit in each, until it is truncated; far more than a range with a limit needs


@dataclass(frozen=True, kw_only=True)
class PlaceRescales:
    """`eager` truncates every product at once; `local` lets each party shift its own share."""

    name: ClassVar[str] = "place-rescales"
    scales: Scales = field(default_factory=Scales)
    eager: bool = False
    local: bool = False

    def run(self, plan: Plan) -> Plan:
        carried: Mapping[str, Carried] = begun(plan)
        placed, following = self.placed(plan, carried)
        for _ in range(ATTEMPTS):
            if following == carried:
                return replace(placed, stage="scaled")
            carried = following
            placed, following = self.placed(plan, carried)
        raise PpcError(without_limit(placed, carried, following))

    def placed(self, plan: Plan, carried: Mapping[str, Carried]) -> tuple[Plan, Mapping[str, Carried]]:
        placed = Placing(plan, self.scales, carried, eager=self.eager, local=self.local).run()
        return placed, settled(placed, carried)


def without_limit(placed: Plan, carried: Mapping[str, Carried], following: Mapping[str, Carried]) -> Diagnostic:
    """A momentum, whose factor is 1 as far as its bits tell."""
    carry = growing(placed, carried, following)
    step = placed.by_name[carry.then]
    return Diagnostic(
        code="PPC303",
        message=f"The update of `{step.layer}` would overflow: `{carry.name}` may grow in every iteration.",
        span=step.span,
        hint=f"What is carried must fade: a factor just below 1 has {FACTOR_BITS} bits, and is 1 if it rounds to it.",
    )
