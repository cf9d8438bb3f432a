"""What every check takes for granted: known words, names made before they are used, forms, shapes, carried types.

Called first by each check, so that none of them trusts another, and none falls over a plan that is no plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, prod

from ppc.field import FIELDS
from ppc.passes.checks import attributes, clear, forms, shapes
from ppc.passes.checks.attributes import MOST_BITS
from ppc.passes.checks.rules import Found, Problem, Rule
from ppc.plan.ops import PLAN_OPS
from ppc.plan.steps import BOTH, PHASES, SECTIONS, Carry, Plan, Result, Section, Step
from ppc.plan.wires import FORMS, SHAREABLE, Wire

STAGES = ("masked", "scheduled")  # before these there are no masks to check
LEVELS = (0, 1, 2)
BATCH = ("data", "label", "signal", "picture", "mask", "rate")  # what is another value in every iteration (C5)
PARTS = 1 << 16  # of a rate, of which every epoch has some
LEFT = ("parameter", "momentum")  # what another run leaves on shares
SHARED = "data"  # what others shared out to both parties, a batch in each iteration
MOST_AXES = 8
LARGEST = 2**40  # numbers in a value: beyond it no party could hold it
CARRIED = ("clear", "public", "shared", "masked")  # the others are made of secrets that belong to one iteration


def frame_problems(plan: Plan) -> list[Problem]:
    """Nothing else may be asked of a plan that has any of these."""
    found = Found()
    _head(plan, found)
    if not found.problems:
        _Frame(plan, found).walk()
    return found.problems


def _head(plan: Plan, found: Found) -> None:
    names = [section.name for section in plan.sections]
    order = [name for name in SECTIONS if name in names]
    wrong = {
        f"the stage is {plan.stage}, and masks are checked in a plan that has them": plan.stage not in STAGES,
        f"there is no field {plan.field}": plan.field not in FIELDS,
        "the parties are two, with names of their own": len({*plan.parties, BOTH, ""}) != 4,
        f"there is no level {plan.level}": plan.level not in LEVELS,
        "a batch has at least one example": plan.batch < 1,
        f"the sections are {', '.join(SECTIONS)}, in this order and once each": names != order,
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            found.note(Rule.HEAD, "", message)


def visible(plan: Plan, section: Section) -> set[str]:
    """What a section may read besides its own steps: what setup made, and what iterations carry."""
    names: set[str] = set()
    if section.name != "setup":
        names |= {step.name for step in plan.section("setup").steps}
        names |= {carry.name for carry in plan.section("each").carries}
    return names


class _Frame:
    def __init__(self, plan: Plan, found: Found) -> None:
        self.plan, self.found = plan, found
        self.taken: set[str] = set()

    def walk(self) -> None:
        for section in self.plan.sections:
            for carry in section.carries:
                self.name(carry.name)
            for step in section.steps:
                self.name(step.name)
        for section in self.plan.sections:
            self.section(section)

    def name(self, name: str) -> None:
        if name in self.taken:
            self.found.note(Rule.NAMES, name, "names two values")
        self.taken.add(name)

    def section(self, section: Section) -> None:
        known = visible(self.plan, section)
        for step in section.steps:
            missing = [name for name in step.inputs if name not in known]
            for name in missing:
                self.found.note(Rule.DEFINED, step, f"reads `{name}`, which is not made before it in its section")
            if step.op == "batch" and section.name != "each":
                self.found.note(Rule.KNOWN, step, "takes the rows of an iteration, and stands in none")
            if not missing:
                self.step(step, [self.plan.wires[name] for name in step.inputs])
            if step.op == "given" and section.name == "each" and step.word("what") not in BATCH:
                self.found.note(Rule.KNOWN, step, f"is given in each iteration, and a batch brings {', '.join(BATCH)}")
            if step.op == "given" and step.word("what") == "rate" and (step.wire.form != "public" or not _parts(step)):
                self.found.note(Rule.KNOWN, step, "is a rate, which is public and has a part for each epoch")
            if step.op == "given" and step.wire.form == "shared" and not _left(section, step):
                why = f"is given on shares, as {' and '.join(LEFT)} are in setup, and {SHARED} in an iteration"
                self.found.note(Rule.KNOWN, step, why)
            known.add(step.name)
        for carry in section.carries:
            self.carry(carry, section, known)
        for result in section.results:
            self.result(result, known)

    def step(self, step: Step, operands: Sequence[Wire]) -> None:
        row = PLAN_OPS.get(step.op)
        if row is None or step.op == "compare":
            self.found.note(Rule.KNOWN, step, f"is `{step.op}`, which no plan with masks has")
            return
        known = list(attributes.mistakes(step))
        if step.phase not in PHASES or step.round < 0:
            known.append("has no phase or round")
        if len(operands) < len(row.takes) - (step.op == "compute") or (
            len(operands) > len(row.takes) and not row.variadic
        ):
            known.append(f"has {len(operands)} operands, and its op takes {len(row.takes)}")
        for message in known:
            self.found.note(Rule.KNOWN, step, message)
        if known:
            return
        fitting = clear.mistakes if step.op == "compute" else shapes.mistakes
        for rule, messages in (
            (Rule.FORMS, self.wire(step.wire)),
            (Rule.FORMS, forms.mistakes(self.plan, step, operands)),
            (Rule.SHAPES, fitting(step, [wire.shape for wire in operands])),
        ):
            for message in messages:
                self.found.note(rule, step, message)

    def wire(self, wire: Wire) -> Iterator[str]:
        if wire.form not in FORMS:
            yield f"has a form {wire.form}, which is not known"
        if (wire.form == "clear") != (wire.at != "") or wire.at not in ("", *self.plan.parties):
            yield "is clear at one of the parties, or at nobody"
        if any(size < 1 for size in wire.shape):
            yield "has an empty shape"
        if len(wire.shape) > MOST_AXES or prod(wire.shape) > LARGEST:
            yield f"has more than {MOST_AXES} axes, or 2^{LARGEST.bit_length() - 1} numbers"
        if (wire.low is None) != (wire.high is None) or (wire.low or 0) > (wire.high or 0):
            yield "has a range with one end, or with nothing in it"
        if wire.bits > MOST_BITS:
            yield f"has a range of more than {MOST_BITS} bits"
        if wire.bounds is not None and not wire.real:
            yield "has bounds of reals, and is none: these stand where reals are encoded"
        if wire.bounds is not None and not (isfinite(wire.bounds.low) and isfinite(wire.bounds.high)):
            yield "has bounds without an end"

    def carry(self, carry: Carry, section: Section, known: set[str]) -> None:
        if section.name != "each":
            self.found.note(Rule.CARRIED, carry.name, "is carried, and only iterations carry values")
            return
        setup = {step.name for step in self.plan.section("setup").steps}
        if carry.first not in setup or carry.then not in known:
            self.found.note(Rule.DEFINED, carry.name, "starts in setup and goes on with a value of the iteration")
            return
        for message in self.wire(carry.wire):
            self.found.note(Rule.FORMS, carry.name, message)
        if carry.wire.form not in CARRIED:
            self.found.note(Rule.CARRIED, carry.name, f"cannot be carried as {carry.wire.form}")
        for name in (carry.first, carry.then):
            if not _goes_on(self.plan.wires[name], carry.wire):
                self.found.note(Rule.CARRIED, carry.name, f"has another type than `{name}`")

    def result(self, result: Result, known: set[str]) -> None:
        wire = self.plan.wires.get(result.value)
        if wire is None or result.value not in known:
            self.found.note(Rule.DEFINED, result.name, f"gives out `{result.value}`, which its section does not have")
            return
        there = wire.form == "public" or (wire.form == "clear" and wire.at == result.to)
        if result.to not in ("", BOTH, *self.plan.parties):
            self.found.note(Rule.RESULTS, result.name, f"goes to {result.to}, who is no party")
        elif result.to == "" and wire.form not in ("public", "shared", "masked"):
            self.found.note(
                Rule.RESULTS, result.name, f"stays with both parties, where `{result.value}` is {wire.form}"
            )
        elif result.to != "" and not there:
            self.found.note(Rule.RESULTS, result.name, f"goes to {result.to}, where `{result.value}` is not clear")


def _parts(step: Step) -> bool:
    """Whether a rate keeps its bounds, which its ranges are proved from."""
    parts, bounds = step.integers("epochs"), step.wire.bounds
    return bool(parts) and bounds is not None and all(part / PARTS in bounds for part in (*parts, 0))


def _left(section: Section, step: Step) -> bool:
    what = step.word("what")
    return what in LEFT if section.name == "setup" else section.name == "each" and what == SHARED


def _goes_on(value: Wire, carried: Wire) -> bool:
    """Whether a value can be carried so: in its own form, or as shares, which are had of it without a message."""
    if (value.shape, value.scale) != (carried.shape, carried.scale):
        return False
    as_shares = carried.form == "shared" and value.form in SHAREABLE
    return as_shares or (value.form, value.at) == (carried.form, carried.at)
