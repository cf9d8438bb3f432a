"""Mutants of a plan at every mask, opening, tuple and loop: what must never run, in the text that could be handed in.

`mutants(plan)` changes one thing at a time in a plan that keeps the rules. Every mutant is a text that the parser
reads and that the runtime would run; only the checks can tell it, and they have to name the rule that it breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ppc.passes.checks.check_masks import precise
from ppc.passes.checks.precision import showable
from ppc.passes.checks.rules import Rule
from ppc.plan.ops import OPENINGS, PLAN_OPS
from ppc.plan.steps import Carry, Plan, Section, Step
from tests.plan_edits import (
    Mutant,
    changed,
    home,
    inserted,
    mutant,
    readers,
    reading,
    with_attributes,
    with_carry,
    with_step,
)
from tests.plan_mutants_types import TYPES

Change = tuple[str, Plan, tuple[Rule, ...]]
Kind = Callable[[Plan, Step], Iterator[Change]]


def mutants(plan: Plan) -> Iterator[Mutant]:
    """Every mutant of masks, secrets, effects and loops, then those of types, ranges and rounds."""
    for step in plan.steps():
        for kind in KINDS:
            for name, other, rules in kind(plan, step):
                if rules:  # none: this change happens to be allowed here
                    yield mutant(other, step.name, name, *rules)
    for carry in plan.section("each").carries:
        for name, other, rules in _loops(plan, carry):
            yield mutant(other, carry.name, name, *rules)


# ---- masks ----


def _masks(plan: Plan, step: Step) -> Iterator[Change]:
    if step.op != "mask":
        return
    others = [other for other in plan.steps() if other.op == "mask" and other is not step]
    before = [other for other in plan.section("setup").steps if other in others]
    if others:
        near = min(others, key=lambda other: other.inputs == step.inputs)
        yield "mask reused for another value", _named(plan, step, "mask", near.word("mask")), (Rule.ONE_VALUE,)
    if before and home(plan, step).name != "setup":
        yield "mask of setup kept", _named(plan, step, "mask", before[-1].word("mask")), (Rule.ONE_VALUE,)
    yield "mask dropped", with_step(plan, step, {"mask": None}), (Rule.MASKED,)
    for other in plan.steps():
        if other.word("share"):
            yield "mask is a share", _named(plan, step, "mask", other.word("share")), (Rule.ONE_USE,)
            break
    if readers(plan, step.name):
        skipped = reading(changed(plan, step), step.name, step.inputs[0])
        yield "re-mask skipped", skipped, (Rule.FORMS, Rule.CARRIED, Rule.DEFINED)
    if plan.level:
        again = fresh(step, "again")
        yield "opened twice", inserted(plan, step, again), (Rule.ONE_EFFECT,)
    if plan.field != "mersenne127":
        yield "short where nothing is short", with_step(plan, step, {"short": True}), (Rule.SHORT, Rule.FORMS)


def _named(plan: Plan, step: Step, kind: str, name: str) -> Plan:
    return with_step(plan, step, {kind: name})


def fresh(step: Step, part: str, **changes: object) -> Step:
    """A copy under another name, with secrets of its own."""
    secrets = {kind: f"{step.word(kind)}.{part}" for kind in PLAN_OPS[step.op].secrets if step.word(kind)}
    return replace(with_attributes(step, secrets), name=f"{step.name}.{part}", **changes)  # pyright: ignore[reportArgumentType]


# ---- the other secrets ----


def _secrets(plan: Plan, step: Step) -> Iterator[Change]:
    for kind in PLAN_OPS[step.op].secrets:
        if kind == "mask" or not step.word(kind):
            continue
        missing = Rule.DROWNED if kind == "noise" else Rule.MASKED if step.op in OPENINGS else Rule.ONE_USE
        yield f"{kind} dropped", with_step(plan, step, {kind: None}), (missing,)
        for other in plan.steps():
            same = other.word(kind) if other is not step else ""
            if same:
                yield f"{kind} shared with {other.name}", _named(plan, step, kind, same), (Rule.ONE_USE,)
                break
        masks = [other.word("mask") for other in plan.steps() if other.word("mask")]
        yield f"{kind} is a mask", _named(plan, step, kind, masks[0]), (Rule.ONE_USE,)


# ---- effects ----


def _truncations(plan: Plan, step: Step) -> Iterator[Change]:
    maker = plan.by_name.get(step.inputs[0]) if step.inputs else None
    if step.op not in ("truncate", "digits") or maker is None:
        return
    rule = Rule.ONE_TRUNCATION if step.op == "truncate" else Rule.ONE_EFFECT
    yield f"{step.op} twice", inserted(plan, step, fresh(step, "again")), (rule,)
    opened = fresh(maker, "other")
    twin = fresh(step, "other", inputs=(opened.name,))
    yield f"{step.op} twice, of two openings", inserted(plan, step, opened, twin), (rule,)
    value = plan.wires[maker.inputs[0]]
    if value.form == "shared":
        same = replace(maker, name=f"{maker.name}.same", op="rescale", attrs={"to": value.scale or 0}, wire=value)
        same = replace(same, round=_ready(plan, maker))
        twin_of_same = replace(opened, inputs=(same.name,))
        yield f"{step.op} twice, of equal values", inserted(plan, step, same, twin_of_same, twin), (rule,)
    if value.form == "shared" and step.op == "truncate":
        more = replace(maker, name=f"{maker.name}.more", op="offset", attrs={"constant": 1}, wire=value)
        more = replace(more, round=_ready(plan, maker))
        twin_of_more = replace(opened, inputs=(more.name,))
        yield "truncate twice, once of one more", inserted(plan, step, more, twin_of_more, twin), (rule,)
    derived = replace(maker, name=f"{maker.name}.derived", op="times", inputs=(maker.name,), attrs={"factor": 1})
    other = replace(step, inputs=(derived.name,))
    yield f"{step.op} of a derived mask", changed(plan, step, derived, other), (Rule.OWN_MASK, Rule.FORMS)


def _ready(plan: Plan, step: Step) -> int:
    """When the operands of an opening are there."""
    own = {one.name: one.round for one in home(plan, step).steps}
    return max((own.get(name, 0) for name in step.inputs), default=0)


def _repeated(plan: Plan, step: Step) -> Iterator[Change]:
    if step.op in ("product", "polynomial", "select", "groups", "bit"):
        again = fresh(step, "again")
        if step.word("into"):
            again = with_attributes(again, {"into": None, "share": f"{step.name}.again"})
        yield f"{step.op} twice", inserted(plan, step, again), (Rule.ONE_EFFECT,)
    if step.op == "reveal":
        yield "revealed twice", inserted(plan, step, fresh(step, "again")), (Rule.DROWNED,)
        if step.integer("drowned", 0):
            bare = replace(step.wire, high=plan.wires[step.inputs[0]].high)
            quiet = replace(with_attributes(step, {"noise": None, "drowned": None}), wire=bare)
            yield "noise dropped", changed(plan, step, quiet), _if_precise(plan, step)
            limit = showable(plan)[step.inputs[0]]
            if (plan.wires[step.inputs[0]].scale or 0) - limit == step.integer("drowned"):
                weaker = with_step(plan, step, {"drowned": step.integer("drowned") - 1})
                yield "a bit less of noise", weaker, (Rule.DROWNED,)
    if step.op == "truncate_local":
        none = replace(step, name=f"{step.name}.none", op="subtract", inputs=(step.inputs[0],) * 2, attrs={})
        other = replace(step, inputs=(none.name,))
        yield "shifted without randomness", changed(plan, step, none, other), (Rule.UNIFORM,)


def _if_precise(plan: Plan, step: Step) -> tuple[Rule, ...]:
    """Without its noise a result at the scale of a product is refused; one at another scale need not have any."""
    return (Rule.DROWNED,) if precise(plan, step.inputs[0]) else ()


def _chosen(plan: Plan, step: Step) -> Iterator[Change]:
    """Masks that the dealer chooses from a product."""
    if step.op != "product" or not step.word("into"):
        return
    rule = (Rule.DEALER_CHOOSES,)
    mask = next(one for one in plan.steps() if one.word("mask") == step.word("into"))
    others = [one.word("mask") for one in plan.steps() if one.op == "mask" and one is not mask]
    yield "into another mask", with_step(plan, step, {"into": others[-1]}), rule
    yield "into no mask", with_step(plan, step, {"into": "nowhere"}), rule
    yield "into a mask and with a share", with_step(plan, step, {"share": "s.extra"}), (Rule.ONE_USE,)
    doubled = replace(step, name=f"{step.name}.twice", op="times", inputs=(step.name,), attrs={"factor": 1})
    yield "read beside its mask", inserted(plan, step, doubled), rule
    scaled = reading(inserted(plan, step, doubled), step.name, doubled.name, but=(doubled.name,))
    yield "scaled on its way", scaled, rule
    used = replace(mask, name=f"{mask.name}.used", op="times", inputs=(mask.name,), attrs={"factor": 1})
    yield "its mask used for more", inserted(plan, mask, used), rule


def _reveals(plan: Plan, step: Step) -> Iterator[Change]:
    if step.op == "reveal" and step.phase != "check":
        yield "allowed by no line", with_step(plan, step, {"grant": None}), (Rule.MESSAGES,)
        peer = plan.peer(step.word("to"))
        yield "to the other party", with_step(plan, step, {"to": peer}), (Rule.FORMS, Rule.MESSAGES)


# ---- loops ----


def _loops(plan: Plan, carry: Carry) -> Iterator[Change]:
    stale = with_carry(plan, carry, replace(carry, then=carry.name))
    used = [step for step in readers(plan, carry.name) if step.op == "mask"]
    effects = {reader.op for step in used for reader in readers(plan, step.name)} & {"truncate", "digits"}
    if effects:
        yield "carried unchanged, truncated each time", stale, (Rule.ONE_TRUNCATION, Rule.ONE_EFFECT)
        rules = (Rule.ONE_TRUNCATION, Rule.ONE_EFFECT)
        if plan.wires[carry.first].form in ("clear", "shared"):
            yield "masked once, used in every iteration", _masked_in_setup(plan, used[0], carry.first), rules
        yield from _ahead(plan, carry, used[0])
    promise = replace(carry, wire=replace(carry.wire, form="truncated"))
    yield "carried as truncated", with_carry(plan, carry, promise), (Rule.CARRIED,)


def _ahead(plan: Plan, carry: Carry, mask: Step) -> Iterator[Change]:
    """What the next iteration truncates is truncated in this one already, under another mask."""
    then = next((step for step in plan.section("each").steps if step.name == carry.then), None)
    for effect in readers(plan, mask.name):
        if then is not None and effect.op in ("truncate", "digits"):
            opened = fresh(mask, "ahead", inputs=(then.name,), round=then.round + 1)
            late = 1 if effect.op == "digits" else 0
            twin = fresh(
                effect, "ahead", inputs=(opened.name,), round=(then.round + 1 + late) * (plan.stage == "scheduled")
            )
            yield (
                f"{effect.op} of the next iteration",
                inserted(plan, then, opened, twin),
                (Rule.ONE_TRUNCATION if effect.op == "truncate" else Rule.ONE_EFFECT,),
            )


def _masked_in_setup(plan: Plan, mask: Step, first: str) -> Plan:
    """The mask of the weights that training starts with, for all that follow. Rounds are left to be chosen again."""
    early = replace(mask, inputs=(first,))
    setup, each = plan.section("setup"), plan.section("each")
    moved = {
        "setup": replace(setup, steps=(*setup.steps, early)),
        "each": replace(each, steps=tuple(step for step in each.steps if step is not mask)),
    }
    sections = (moved.get(section.name, section) for section in plan.sections)
    return replace(plan, stage="masked", sections=tuple(_without_rounds(section) for section in sections))


def _without_rounds(section: Section) -> Section:
    return replace(section, steps=tuple(replace(step, round=0) for step in section.steps))


KINDS: tuple[Kind, ...] = (_masks, _secrets, _truncations, _repeated, _chosen, _reveals, *TYPES)
