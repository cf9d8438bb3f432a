"""check-masks: what the parties see is uniform, whatever the secrets are, apart from what is revealed.

The proof, in the words of PROTOCOL.md, section 6. An opened vector is f(s) + M·μ, with μ the dealer's values. Every
`mask` step has a λ of its own (C1: a name is used by one step, and in `each` is another secret in every iteration, so
this holds in the unrolled schedule by induction over the body). So the rows of M that belong to masks are those of the
identity, M has full rank, and the opened vector is uniform. A linear step puts value and mask through the same map and
opens nothing (C3). Bits are opened under one-time bits of their own, shares sent in a `reveal` are fresh because every
product, power and selection has fresh shares (C2), and so what they add is the result that a party is to see.

What does not follow from names alone is looked at one by one:

    C0   effects happen once: truncations, comparisons and products of the same values, whatever these are called
    C3   truncations and comparisons use R = λ >> shift of one λ: of a wire that `mask` made, of no derived one, nor of
         the implicit mask of a truncated value, which is not uniform
    C4   a carried masked wire is either the same in every iteration, or masked in this one; new weights, new mask
    C7   T1: one secret is truncated once for each scale, and so are its public images (`images`). T2: what is revealed
         of a product is drowned in noise, down to the bits that its factors have (`precision`); a truncated value may
         be revealed, and `remarks` says that its coin is. What no line of the program allows, a check, shows only a
         number that is 0 in every run that goes on (`comparisons.certified`)
    C9   nothing public is masked, every message is; a product without shares of its own (`into`) is opened under the
         mask that makes up for them, and neither it nor that mask is used for anything else
    local  each party shifts its own share of a value only where these are uniform (`uniform`)
    short  on mersenne127 a mask may be too short to wrap, if the value leaves 40 bits of it: statistical, and remarked
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ppc.passes.checks.chosen import check_chosen
from ppc.passes.checks.comparisons import certified
from ppc.passes.checks.effects import check_effects
from ppc.passes.checks.frame import frame_problems
from ppc.passes.checks.precision import showable, undrowned
from ppc.passes.checks.rules import Found, Problem, Rule, kept
from ppc.passes.checks.secrets import check_secrets
from ppc.passes.checks.uniform import shiftable
from ppc.plan.ops import LINEAR
from ppc.plan.steps import Carry, Plan, Step

STATISTICAL = 40  # bits by which a short mask is longer than what it hides
WIDE = "mersenne127"  # the field with room for that
TRUNCATIONS = ("truncate", "digits")
# Linear steps, and those that change nothing: what is revealed behind them shows what goes into them.
FOLLOWED = (LINEAR | {"mask"}) - {"apply", "count", "as_number"}


@dataclass(frozen=True)
class CheckMasks:
    """Rules C0 to C9 for a plan at stage `masked` or `scheduled`."""

    name: ClassVar[str] = "check-masks"

    def problems(self, plan: Plan) -> list[Problem]:
        if problems := frame_problems(plan):
            return problems
        found = Found()
        check_secrets(plan, found)
        for step in plan.steps():
            _step(plan, step, found)
        for carry in plan.section("each").carries:
            _carry(plan, carry, found)
        _shown(plan, found)
        _shifted(plan, found)
        check_chosen(plan, found)
        check_effects(plan, found)
        return found.problems

    def run(self, plan: Plan) -> Plan:
        return kept(plan, self.problems(plan), place=self.name)

    def remarks(self, plan: Plan) -> list[str]:
        """What is allowed and shows something all the same: to be printed, not to be refused."""
        return [remark for step in plan.steps() if (remark := _remark(plan, step))]


def _step(plan: Plan, step: Step, found: Found) -> None:
    wires = [plan.wires[name] for name in step.inputs]
    if step.op in (*TRUNCATIONS, "groups", "bit"):
        _directly(plan, step, found)
    # Of a shared value that can only be one number the mask is known as well: it hides nothing else (C1).
    if step.op == "mask" and wires[0].form != "shared" and wires[0].low is not None and wires[0].low == wires[0].high:
        found.note(Rule.MASKED, step, f"hides a number that is public: {wires[0].low}")
    if step.op == "truncate_local" and plan.field != WIDE:
        found.note(Rule.SHORT, step, f"is wrong too often in {plan.field}")
    if step.op == "reveal" and step.phase == "check" and not certified(plan, step):
        found.note(Rule.DROWNED, step, "is a check, and shows more than that nothing is out of bounds")
    if step.flag("short") or _source_is_short(plan, step):
        _short(plan, step, found)


def _shown(plan: Plan, found: Found) -> None:
    """T2, at every result."""
    limits = showable(plan)
    for step in plan.steps():
        more = undrowned(plan, step, limits) if step.op == "reveal" else 0
        if more > 0:
            found.note(
                Rule.DROWNED, step, f"shows {more:.0f} bits more of a product than its factors have, not drowned"
            )


def _shifted(plan: Plan, found: Found) -> None:
    local = [step for step in plan.steps() if step.op == "truncate_local"]
    names = shiftable(plan) if local else frozenset[str]()
    for step in local:
        if step.inputs[0] not in names:
            found.note(Rule.UNIFORM, step, f"shifts the shares of `{step.inputs[0]}`, which are not uniform")


def _directly(plan: Plan, step: Step, found: Found) -> None:
    """The secrets of a truncation or comparison are functions of one mask, or of one step's bits, in one section."""
    makers = ("mask",) if step.op in TRUNCATIONS else ("digits", "groups")
    maker = plan.by_name.get(step.inputs[0])
    if maker is None or maker.op not in makers:
        rule = Rule.OWN_MASK if step.op in TRUNCATIONS else Rule.ONE_EFFECT
        found.note(rule, step, f"takes `{step.inputs[0]}`, which no {' or '.join(makers)} step made")


def _source_is_short(plan: Plan, step: Step) -> bool:
    maker = plan.by_name.get(step.inputs[0]) if step.inputs else None
    return step.op in TRUNCATIONS and maker is not None and maker.op == "mask" and maker.flag("short")


def _short(plan: Plan, step: Step, found: Found) -> None:
    room = 1 << max(0, plan.modulus_field.bits - 2 - STATISTICAL)
    wire = plan.wires[step.inputs[0]]
    offsets = [abs(offset) for offset in (*step.integers("offsets"), step.integer("offset", 0))]
    if plan.field != WIDE:
        found.note(Rule.SHORT, step, f"uses a short mask, and {plan.field} has no room for one")
    elif wire.low is None or wire.magnitude + max(offsets) > room:
        found.note(Rule.SHORT, step, f"uses a short mask for a value that may be larger than 2^{room.bit_length() - 1}")


def _carry(plan: Plan, carry: Carry, found: Found) -> None:
    if carry.wire.form != "masked" or carry.then in (carry.name, carry.first):
        return
    each = {step.name: step for step in plan.section("each").steps}
    maker = each.get(carry.then)
    if maker is None or maker.op != "mask":
        found.note(Rule.NEW_WEIGHTS, carry.name, f"goes on with `{carry.then}`, which no mask of the iteration hides")


def precise(plan: Plan, name: str) -> bool:
    """Whether a value holds bits of a product that a result does not: its lowest ones, which tell more."""
    return (plan.wires[name].scale or 0) > showable(plan)[name]


def rounded(plan: Plan, name: str) -> bool:
    """Whether a value is made of truncated ones."""
    return any(step.op in ("truncate", "truncate_local") for step in _made_of(plan, name))


def _made_of(plan: Plan, name: str) -> Iterator[Step]:
    """The steps whose result is a part of the value, back through sums and choices, over all iterations."""
    carries = {carry.name: carry for carry in plan.section("each").carries}
    waiting, seen = [name], {name}
    while waiting:
        at = waiting.pop()
        step = plan.by_name.get(at)
        if step is None:
            further = (carries[at].first, carries[at].then)
        else:
            yield step
            further = step.inputs[-1:] if step.op == "select" else step.inputs if step.op in FOLLOWED else ()
        waiting += [operand for operand in further if operand not in seen]
        seen.update(further)


def _remark(plan: Plan, step: Step) -> str:
    if step.op == "mask" and step.flag("short"):
        return f"`{step.name}` hides statistically, up to 2^-{STATISTICAL} or less"
    if step.op == "truncate_local":
        return f"`{step.name}` is wrong with probability about |x|/p for each element"
    if step.op == "reveal" and not step.integer("drowned", 0) and rounded(plan, step.inputs[0]):
        return f"`{step.name}` shows a truncated value, and with it the truncation's public coin"
    return ""
