"""check-ranges: no number leaves the field or the room of its truncation, whatever the secrets are.

Every integer's interval is worked out again from those that are stated for its operands, and must lie within its own:
so all stated ranges hold, by induction over the steps. Where numbers come in, they are enforced: encoding refuses what
is not within its bounds (PPC520). What one party computes alone on reals is taken at its word, for the same reason, and
so is the range of what an earlier run left on shares: that run's plan kept it.

Iterations. A carried value's range is a promise for all of them: what it starts as and what it becomes must lie in it.
Trained weights leave any range, a little with every update, so a plan checks them as it runs. The rule for `certified`:

    low..high of `certified(x) {by}` holds every value that x can have if the step `by`, made before it in the same
    section, reveals 0. That step reveals to both, in phase `check`, a sum (add, offset, reshape) of `count`s, and the
    constant in it makes the sum 0 only if every element has the lowest level of its count.
    With thresholds t_a < t_b of one `digits` at 2^s, slopes [1, -1] for (t_b, t_a), and offset +size: a 0 shows
    (t_a - 1)·2^s ≤ x ≤ t_b·2^s - 1, for the value x under the mask that was compared; and so for its truncation.

A value that iterations add up (`most`) grows by its summand each time: after k iterations it lies in k times its range,
and a run has no more iterations than it says.

A run in which another number than 0 is revealed ends. What is made of certified values is revealed after that round
only (`check-rounds` sees to it), so nothing that may have wrapped is given out. Until then both parties have computed
on with such values; what was opened under uniform masks shows nothing of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import ClassVar

from ppc.passes.checks.comparisons import certified, compared, digits_left, selected, several
from ppc.passes.checks.frame import frame_problems
from ppc.passes.checks.intervals import RULES, Ends, encoded, largest_sum
from ppc.passes.checks.powers import largest_power_sum
from ppc.passes.checks.rules import Found, Problem, Rule, kept
from ppc.passes.checks.scales import scale_mistake
from ppc.plan.ops import LINEAR
from ppc.plan.steps import Plan, Section, Step
from ppc.plan.wires import Wire

LOCAL_ROOM = 42  # bits between a value and the field, where each party shifts its own share: wrong with 2^-40
TAKEN = ("given", "compute", "encode", "decode", "digits", "groups")  # no integers, or taken as enforced
OF_BITS = ("select", "count", "as_number")  # what takes a bit of each threshold
ONE_LEVEL = 8  # digits whose bits are combined at once
FOLLOWED = LINEAR | {"mask", "truncate", "truncate_local"}


@dataclass(frozen=True)
class CheckRanges:
    """Ranges and scales of a plan at stage `masked` or `scheduled`."""

    name: ClassVar[str] = "check-ranges"

    def problems(self, plan: Plan) -> list[Problem]:
        if problems := frame_problems(plan):
            return problems
        found = Found()
        for section in plan.sections:
            for step in section.steps:
                operands = [plan.wires[name] for name in step.inputs]
                if message := scale_mistake(step, operands):
                    found.note(Rule.SCALES, step, message)
                if step.op not in ("digits", "groups"):
                    _fits(plan, step.wire, step, found)
                _Step(plan, section, step, operands, found).look()
                _bits(plan, step, found)
            _carried(plan, section, found)
            _bits_handed_on(plan, section, found)
        return found.problems

    def run(self, plan: Plan) -> Plan:
        return kept(plan, self.problems(plan), place=self.name)


def _fits(plan: Plan, wire: Wire, step: Step | str, found: Found) -> None:
    if wire.real:
        return
    if wire.low is None and wire.form != "bit":
        found.note(Rule.STATED, step, "states no range")
    elif wire.magnitude > plan.modulus_field.largest:
        found.note(Rule.FIELD, step, f"may need {wire.bits} bits, and {plan.field} has {plan.modulus_field.bits - 1}")


def _bits(plan: Plan, step: Step, found: Found) -> None:
    for name in step.inputs if step.op not in OF_BITS else ():
        if several(plan, name):
            found.note(Rule.COMPARISON, step, f"takes `{name}` as a number, and it has a bit for each threshold")
    if step.op == "bit" and digits_left(plan, step.inputs[0]) > ONE_LEVEL:
        found.note(Rule.COMPARISON, step, f"combines more than {ONE_LEVEL} digits at once")


def _bits_handed_on(plan: Plan, section: Section, found: Found) -> None:
    handed = [(carry.name, name) for carry in section.carries for name in (carry.first, carry.then)]
    for user, name in (*handed, *((result.name, result.value) for result in section.results)):
        if several(plan, name):
            found.note(Rule.COMPARISON, user, f"takes `{name}` as a number, and it has a bit for each threshold")


def _carried(plan: Plan, section: Section, found: Found) -> None:
    for carry in section.carries:
        _fits(plan, carry.wire, carry.name, found)
        for name in (carry.first, carry.then):
            ends = ends_of(plan.wires[name])
            if not _within(ends, carry.wire):
                promised = _shown(ends_of(carry.wire))
                found.note(Rule.STATED, carry.name, f"is carried in {promised}, and `{name}` has {_shown(ends)}")


def ends_of(wire: Wire) -> Ends | None:
    """The stated range; a bit without one is a bit."""
    if wire.low is None or wire.high is None:
        return (0, 1) if wire.form == "bit" else None
    return wire.low, wire.high


def _within(inner: Ends | None, wire: Wire) -> bool:
    if wire.real:
        return True
    outer = ends_of(wire)
    return inner is not None and outer is not None and outer[0] <= inner[0] and inner[1] <= outer[1]


def _shown(ends: Ends | None) -> str:
    return f"{ends[0]}..{ends[1]}" if ends else "no range"


@dataclass
class _Step:
    """One step, and what is stated of its operands."""

    plan: Plan
    section: Section
    step: Step
    operands: Sequence[Wire]
    found: Found

    def note(self, rule: Rule, message: str) -> None:
        self.found.note(rule, self.step, message)

    def look(self) -> None:
        step = self.step
        if step.op == "encode":
            self.stated(encoded(step, self.operands[0]))
        if step.op in TAKEN and step.op != "digits":
            return
        ends = [ends_of(wire) for wire in self.operands]
        known = [each for each in ends if each is not None]
        if len(known) < len(ends):
            return  # told at the operand
        self.room(known)
        if "most" in step.attrs:
            self.tally()
        if step.op == "certified":
            self.certificate()
        elif step.op == "select":
            self.choice(known)
        elif step.op != "digits":
            self.stated(RULES[step.op](step, self.operands, known) if step.op in RULES else None)

    def stated(self, ends: Ends | None) -> None:
        if ends is None:
            self.note(Rule.STATED, "is made of something without bounds")
        elif not _within(ends, self.step.wire):
            self.note(Rule.STATED, f"states {_shown(ends_of(self.step.wire))}, and may be anything in {_shown(ends)}")

    def choice(self, known: Sequence[Ends]) -> None:
        found = compared(self.plan, self.step.inputs[0])
        if found is None or len(found.thresholds) != len(self.step.integers("slopes")):
            self.note(Rule.COMPARISON, "has another number of slopes than its bits have thresholds")
        else:
            self.stated(selected(self.plan, self.step, known[1]))

    # ---- room ----

    def room(self, known: Sequence[Ends]) -> None:
        step, bits = self.step, self.plan.modulus_field.bits
        match step.op:
            case "product" | "apply":
                self.sum(largest_sum(step, self.operands, known))
            case "polynomial":
                self.sum(largest_power_sum(step.integers("coefficients"), known[0]))
            case "truncate":
                self.truncation(known[0], step.integer("offset"), bits - 1)
            case "truncate_local":
                self.truncation(known[0], step.integer("offset"), bits - LOCAL_ROOM)
            case "digits":
                self.comparison(known[0], bits)
            case "count" | "as_number":
                self.thresholds()
            case _:
                return

    def sum(self, largest: int) -> None:
        if largest > self.plan.modulus_field.largest:
            self.note(Rule.FIELD, f"adds up numbers of {largest.bit_length()} bits, too many for {self.plan.field}")

    def truncation(self, x: Ends, offset: int, room: int) -> None:
        shift = self.step.integer("shift")
        if offset % (1 << shift):
            self.note(Rule.TRUNCATION, f"adds {offset}, which is no multiple of 2^{shift}")
        if x[0] + offset < 0 or x[1] + offset >= 1 << max(0, room):
            low, high = x[0] + offset, x[1] + offset
            self.note(Rule.TRUNCATION, f"truncates {low}..{high}, which is not within 0..2^{room}")

    def comparison(self, x: Ends, bits: int) -> None:
        shift = self.step.integer("shift")
        top = 4 * self.step.integer("digits") + 1 + shift
        if top > bits - 1:
            self.note(Rule.COMPARISON, f"compares numbers of {top} bits, and the field leaves {bits - 1}")
        for offset in self.step.integers("offsets"):
            low, high = x[0] + offset, x[1] + offset
            if offset % (1 << shift):
                self.note(Rule.COMPARISON, f"adds {offset}, which is no multiple of 2^{shift}")
            elif low < 0 or high >= 1 << min(top, bits):
                self.note(Rule.COMPARISON, f"compares {low}..{high}, which is not within 0..2^{top}")

    def thresholds(self) -> None:
        found = compared(self.plan, self.step.inputs[0])
        count = len(found.thresholds) if found else 0
        wanted = len(self.step.integers("slopes")) if self.step.op == "count" else count
        if count != wanted or self.step.integer("threshold", 0) >= max(count, 1):
            self.note(Rule.COMPARISON, "counts other thresholds than its bits have")

    def tally(self) -> None:
        """What is added up over iterations begins with 0, and grows by one summand in each, so many times at most."""
        carry = next((carry for carry in self.section.carries if carry.name == self.step.inputs[0]), None)
        first = ends_of(self.plan.wires[carry.first]) if carry else None
        if carry is None or carry.then != self.step.name or first != (0, 0):
            self.note(Rule.STATED, "adds up over iterations, and is not carried from 0 on to the next one")

    # ---- certificates ----

    def certificate(self) -> None:
        step = self.step
        low, high = step.integer("low"), step.integer("high")
        before = list(takewhile(lambda other: other is not step, self.section.steps))
        by = next((other for other in before if other.name == step.word("by")), None)
        regions = certified(self.plan, by) if by else {}
        ends = _in_regions(self.plan, before, regions).get(step.inputs[0])
        if not regions or ends is None:
            self.note(Rule.CERTIFIED, f"names `{step.word('by')}`, which shows nothing of its operand")
        elif ends[0] < low or high < ends[1]:
            self.note(Rule.CERTIFIED, f"says {low}..{high}, and `{step.word('by')}` shows {_shown(ends)}")
        self.stated((low, high))


def _in_regions(plan: Plan, steps: Sequence[Step], regions: Mapping[str, Ends]) -> dict[str, Ends]:
    """The intervals of the values that have a region, and of what is made of them."""
    found = {name: ends for name, region in regions.items() if (ends := _common(ends_of(plan.wires[name]), region))}
    for step in steps:
        if (
            step.op in FOLLOWED
            and step.op in RULES
            and step.name not in found
            and not found.keys().isdisjoint(step.inputs)
        ):
            ends = [found.get(name) or ends_of(plan.wires[name]) for name in step.inputs]
            known = [each for each in ends if each is not None]
            if len(known) == len(ends):
                found[step.name] = RULES[step.op](step, [plan.wires[name] for name in step.inputs], known)
    return found


def _common(stated: Ends | None, region: Ends) -> Ends | None:
    return (max(stated[0], region[0]), min(stated[1], region[1])) if stated else None
