"""Mutants of forms, shapes, scales, ranges, rounds and order, at every step. Used by `plan_mutants`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ppc.ir.types import Interval
from ppc.passes.checks.rules import Rule
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire
from tests.plan_edits import changed, home, moved_before, with_attributes, with_step

Change = tuple[str, Plan, tuple[Rule, ...]]


def _wire(plan: Plan, step: Step, wire: Wire) -> Plan:
    return changed(plan, step, replace(step, wire=wire))


def _order(plan: Plan, step: Step) -> Iterator[Change]:
    section = home(plan, step)
    own = {one.name: one for one in section.steps}
    for name in dict.fromkeys(step.inputs):
        if name in own:
            yield f"before {name}", moved_before(plan, step, own[name]), (Rule.DEFINED,)
    if plan.stage == "scheduled" and step.op in OPENINGS:
        yield "a round early", changed(plan, step, replace(step, round=step.round - 1)), _early(plan, step)
    if plan.stage == "scheduled" and step.op not in OPENINGS:
        yield "a round late", changed(plan, step, replace(step, round=step.round + 1)), (Rule.ROUNDS,)


def _early(plan: Plan, step: Step) -> tuple[Rule, ...]:
    """An opening that waits for nobody may be sent earlier; then what reads it says a round too many."""
    own = {one.name: one.round for one in home(plan, step).steps}
    ready = max((own.get(name, 0) for name in step.inputs), default=0)
    return (Rule.ROUNDS,) if step.round - 1 <= ready else ()


def _forms(plan: Plan, step: Step) -> Iterator[Change]:
    wire = step.wire
    if wire.form in ("masked", "truncated", "bit", "digits"):
        yield (
            f"shared instead of {wire.form}",
            _wire(plan, step, replace(wire, form="shared", scale=wire.scale or 0)),
            (Rule.FORMS,),
        )
    if wire.form in ("shared", "truncated"):
        yield "masked by nothing", _wire(plan, step, replace(wire, form="masked")), (Rule.FORMS,)
    if wire.form == "shared":
        yield "public without an opening", _wire(plan, step, replace(wire, form="public")), (Rule.FORMS,)
    if wire.form == "clear" and step.op != "given":
        other = replace(wire, at=plan.peer(wire.at))
        yield "at the other party", _wire(plan, step, other), (Rule.FORMS,)


def _types(plan: Plan, step: Step) -> Iterator[Change]:
    wire = step.wire
    if wire.scale is not None:
        yield "another scale", _wire(plan, step, replace(wire, scale=wire.scale + 1)), (Rule.SCALES, Rule.CARRIED)
    if wire.shape and step.op not in ("given", "compute"):  # these say themselves what they make
        grown = (*wire.shape[:-1], wire.shape[-1] + 1)
        yield "another shape", _wire(plan, step, replace(wire, shape=grown)), (Rule.SHAPES,)
    yield "an attribute that nobody knows", with_step(plan, step, {"unheard": 1}), (Rule.KNOWN,)
    yield "an op that nobody knows", changed(plan, step, replace(step, op="open")), (Rule.KNOWN,)
    if step.op == "compute":
        yield "computes what nobody can", with_step(plan, step, {"op": "unheard"}), (Rule.KNOWN,)
        yield "computes another shape", _wire(plan, step, replace(wire, shape=(*wire.shape, 1))), (Rule.SHAPES,)
    if step.op == "encode":
        bounds = Interval(-1e15, 1e15)
        yield "bounds of its own", _wire(plan, step, replace(wire, bounds=bounds)), (Rule.FORMS,)
    if step.op == "given":
        yield "integers given", _wire(plan, step, replace(wire, scale=8, low=0, high=1, bounds=None)), (Rule.FORMS,)
        yield "too many numbers", _wire(plan, step, replace(wire, shape=(10**7, 10**7))), (Rule.FORMS,)


def _ranges(plan: Plan, step: Step) -> Iterator[Change]:
    wire = step.wire
    if step.op not in ("mask", "add", "subtract", "rescale", "reshape") or wire.low is None or wire.high is None:
        return
    if wire.high > wire.low:
        yield "a range too low", _wire(plan, step, replace(wire, high=wire.high - 1)), (Rule.STATED,)
        yield "a range too high", _wire(plan, step, replace(wire, low=wire.low + 1)), (Rule.STATED,)
    wide = replace(wire, high=plan.modulus_field.largest + 1)
    yield "a range out of the field", _wire(plan, step, wide), (Rule.FIELD,)
    yield "no range", _wire(plan, step, replace(wire, low=None, high=None)), (Rule.STATED,)


def _rooms(plan: Plan, step: Step) -> Iterator[Change]:
    if step.op in ("truncate", "truncate_local"):
        offset, shift = step.integer("offset"), step.integer("shift")
        rule = (Rule.TRUNCATION, Rule.SHORT)
        if shift:
            yield "offset between units", with_step(plan, step, {"offset": offset + 1}), rule
        yield "offset too large", with_step(plan, step, {"offset": 1 << plan.modulus_field.bits}), rule
        if (plan.wires[step.inputs[0]].low or 0) < 0:
            yield "no offset", with_step(plan, step, {"offset": 0}), rule
        yield "another shift", with_step(plan, step, {"shift": shift + 1}), (Rule.SCALES,)
    if step.op == "digits":
        offsets, shift = step.integers("offsets"), step.integer("shift")
        rule = (Rule.COMPARISON, Rule.SHORT)
        yield "more digits than the field has", with_step(plan, step, {"digits": 1 << 5}), rule
        if shift:
            yield "offset between units", with_step(plan, step, {"offsets": (*offsets[:-1], offsets[-1] + 1)}), rule
        far = 1 << plan.modulus_field.bits
        yield "offset too large", with_step(plan, step, {"offsets": (far, *offsets[1:])}), rule


def _certificates(plan: Plan, step: Step) -> Iterator[Change]:
    rule = (Rule.CERTIFIED,)
    if step.op == "certified":
        wire, low, high = step.wire, step.integer("low"), step.integer("high")
        for kind, ends in (("low", (low + 1, high)), ("high", (low, high - 1))):
            tighter = replace(with_attributes(step, {"low": ends[0], "high": ends[1]}), wire=wire)
            yield f"certifies more, {kind}", changed(plan, step, tighter), rule
        yield "certified by nothing", with_step(plan, step, {"by": step.name}), rule
        others = [one.name for one in plan.steps() if one.op == "reveal" and one.name != step.word("by")]
        yield "certified by another step", with_step(plan, step, {"by": [*others, step.inputs[0]][0]}), rule
    if step.op == "count" and step.phase == "check":
        turned = tuple(-slope for slope in step.integers("slopes"))
        yield "counts what is inside", with_step(plan, step, {"slopes": turned}), rule
    if step.op == "offset" and step.phase == "check":
        other = replace(step, attrs={"constant": step.integer("constant") + 1})
        wide = replace(other, wire=replace(step.wire, high=(step.wire.high or 0) + 1))
        yield "expects one more", changed(plan, step, wide), rule
    if step.op == "digits" and step.phase == "check":
        unit = 1 << step.integer("shift")
        first, *rest = step.integers("offsets")
        yield "compares with another bound", with_step(plan, step, {"offsets": (first - unit, *rest)}), rule


TYPES: tuple[Callable[[Plan, Step], Iterator[Change]], ...] = (
    _order,
    _forms,
    _types,
    _ranges,
    _rooms,
    _certificates,
)
