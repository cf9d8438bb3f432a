"""choose-scales: fraction bits for which no value leaves the field, whatever the secrets are.

Assumes a plan at stage `lowered`, guarantees `scaled`. Tries scales from the finest down: those of gradients first,
which only lose precision, then that of all values, if the program leaves it open. Every attempt is placed whole, with
exact integer ranges, forward, backward and update; the first that fits is taken. If none does, the finest attempt's
first overflow of each layer is an error at its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.errors import Diagnostic, Note, PpcError
from ppc.passes.place_rescales import PlaceRescales
from ppc.passes.rescaling.walk import Scales
from ppc.plan.steps import Plan, Step
from ppc.source import Span

GRADIENTS = ((35, 32), (32, 28), (28, 24), (24, 20), (20, 16))  # of the loss gradient as encoded, and of the others
FRACTIONS = (16, 14, 12, 10, 8)
DIGIT = 4
LOCAL_ROOM = 42  # bits between a value and the field where each party shifts its own share: wrong with 2^-40


@dataclass(frozen=True, kw_only=True)
class ChooseScales:
    """`fraction` is the program's, or None; `span` the line that chooses the field."""

    name: ClassVar[str] = "choose-scales"
    fraction: int | None = None
    eager: bool = False
    local: bool = False
    span: Span

    def run(self, plan: Plan) -> Plan:
        first: list[Diagnostic] = []
        for scales in self.candidates():
            placed = PlaceRescales(scales=scales, eager=self.eager, local=self.local).run(plan)
            mistakes = list(self.mistakes(placed))
            if not mistakes:
                return replace(placed, notes=(*placed.notes, *notes(placed, scales)))
            first = first or mistakes
        raise PpcError(*first)

    def candidates(self) -> Iterator[Scales]:
        fractions = FRACTIONS if self.fraction is None else (self.fraction,)
        for fraction in fractions:
            for loss, gradient in GRADIENTS:
                yield from (Scales(fraction=fraction, gradient=gradient, loss=loss, slack=slack) for slack in (4, 0))

    def mistakes(self, plan: Plan) -> Iterator[Diagnostic]:
        """The first overflow of each layer, of its gradient and of its update."""
        seen: set[str] = set()
        for step in plan.steps():
            found = problem(plan, step)
            if found and subject(step) not in seen:
                seen.add(subject(step))
                yield self.diagnostic(plan, step, *found)

    def diagnostic(self, plan: Plan, step: Step, needed: int, room: int) -> Diagnostic:
        wider = ", or `field = mersenne127`" if plan.field == "mersenne61" else ""
        wire = plan.wires[step.inputs[0]] if step.op == "compare" else step.wire
        return Diagnostic(
            code="PPC303",
            message=f"{subject(step)} would overflow: a value of it needs {needed} bits at {wire.scale or 0} fraction "
            f"bits, and {plan.field} has room for {room} there.",
            span=span(plan, step),
            notes=(Note(text="the field is chosen here", span=self.span),),
            hint=f"Use tighter bounds on inputs and weights{wider}.",
        )


def subject(step: Step) -> str:
    what = {"backward": "The gradient of ", "update": "The update of ", "check": "The update of "}.get(step.phase, "")
    return f"{what}`{step.layer}`"


def span(plan: Plan, step: Step) -> Span:
    """The layer's line also where its value is opened, which has a line of its own."""
    if step.phase != "output":
        return step.span
    made = (other.span for other in plan.steps() if other.layer == step.layer and other.phase == "forward")
    return next(made, step.span)


def problem(plan: Plan, step: Step) -> tuple[int, int] | None:
    """The bits that a step needs and those that it has, where it needs more."""
    bits = plan.modulus_field.bits
    if step.wire.bits > bits - 1:
        return step.wire.bits, bits - 1
    if step.op == "truncate":
        operand = plan.wires[step.inputs[0]].bits
        return (operand, bits - 2) if operand > bits - 3 else None
    if step.op == "truncate_local":
        operand = plan.wires[step.inputs[0]].bits
        return (operand, bits - LOCAL_ROOM) if operand > bits - LOCAL_ROOM - 1 else None
    if step.op == "compare":
        needed = compared_bits(plan, step)
        return (needed, bits - 2) if needed > bits - 2 else None
    return None


def compared_bits(plan: Plan, step: Step) -> int:
    """Whole digits above the shift: a comparison is of digits, and of their sum's sign (PROTOCOL.md, section 5)."""
    wire, source = plan.wires[step.inputs[0]], plan.by_name.get(step.inputs[0])
    truncated = source is not None and source.op == "truncate"
    shift = source.integer("shift") if truncated and source else step.integer("coarse", 0)
    unit = step.integer("coarse", 0)
    reach = max(max(abs((wire.low or 0) - k), abs((wire.high or 0) - k)) for k in step.integers("knots")) >> unit
    return -(-(reach + 1).bit_length() // DIGIT) * DIGIT + shift


def notes(plan: Plan, scales: Scales) -> Iterator[str]:
    """What was chosen, and how far a step of training may move a weight."""
    yield f"{plan.field}: {scales.fraction} fraction bits for values"
    each = plan.section("each")
    if not each.carries:
        return
    yield f"gradients have {scales.gradient} fraction bits, that of the loss {scales.loss}"
    certified = {step.inputs[0]: step for step in each.steps if step.op == "certified"}
    for carry in each.carries:
        step = certified.get(carry.name)
        if step is None:
            continue
        bound = max(abs(step.integer("low")), abs(step.integer("high")))
        growth = max(1, carry.wire.magnitude - bound)
        unit = 1 << (carry.wire.scale or 0)
        count = max(1, bound // growth)
        steps = "one step" if count == 1 else f"{count:,} steps"
        yield (
            f"{carry.name}: one step moves it by at most {growth / unit:.3g}, so its bound {bound / unit:.3g} could be "
            f"used up after {steps}; a joint check of its range stands in every step"
        )
