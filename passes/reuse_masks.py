"""reuse-masks: operands are opened under masks, and comparisons become digits and bits.

Assumes a plan at stage `scaled`. Guarantees stage `masked`: every operand of a step that needs a mask is masked, every
secret of the dealer has a name of its own, and every range is exact. Levels differ in what an opening is used for:

    0   every operand is opened at every use, in the form in which it is used
    1   a value is opened once: for all its uses, forward and backward; in setup, where iterations do not change it;
        before a linear step, where that opens no more than after it
    2   a truncation's opening is also the comparison's; where a mask can be short, the truncated value is masked by it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.passes.comparing import Digits, digits_for
from ppc.passes.masking import Masking, offset_of, with_secrets
from ppc.passes.plan_base import without_unused
from ppc.plan.build import PlanBuilder, begun
from ppc.plan.material import ONE_LEVEL
from ppc.plan.selection import same_integers
from ppc.plan.steps import Carry, Plan, Step


@dataclass(frozen=True)
class ReuseMasks:
    """Insert the masks, as few as the plan's level allows."""

    name: ClassVar[str] = "reuse-masks"

    def run(self, plan: Plan) -> Plan:
        builder = begun(plan)
        writing = _Writing(plan, builder, Masking(plan, builder))
        for section in plan.sections:
            builder.section = section.name
            for step in section.steps:
                writing.visit(step)
        return without_unused(_uniform_from_the_start(builder.plan("masked"), writing.masks))


def _uniform_from_the_start(plan: Plan, masks: Masking) -> Plan:
    """Where parties shift their own shares, what is carried is opened under a mask before the first iteration: a number
    shared as itself and zero has no uniform shares (PROTOCOL.md, section 4), and shares from elsewhere are what they
    are."""
    if not any(step.op == "truncate_local" for step in plan.steps()):
        return plan
    masks.builder.section = "setup"
    sections = [
        replace(section, carries=tuple(_masked_first(carry, masks) for carry in section.carries))
        for section in plan.sections
    ]
    steps = masks.builder.plan("masked").section("setup").steps
    return replace(plan, sections=tuple(replace(s, steps=steps) if s.name == "setup" else s for s in sections))


def _masked_first(carry: Carry, masks: Masking) -> Carry:
    given = masks.builder.by_name[carry.first].op == "given" and masks.builder.wires[carry.first].form == "shared"
    if masks.builder.wires[carry.first].form != "clear" and not given:
        return carry
    first = masks.builder.by_name[carry.first]
    opened = masks.of(carry.first, first)
    if masks.builder.wires[carry.first].at != masks.plan.parties[0]:
        return replace(carry, first=opened)
    # The first party knows its own mask, so that the value is shared as itself and zero: under another one it is not.
    return replace(carry, first=masks.opened(opened, first))


@dataclass
class _Writing:
    plan: Plan
    builder: PlanBuilder
    masks: Masking

    def __post_init__(self) -> None:
        # the comparison that a truncation shares its opening with, and so its offset
        self.compared: dict[str, Step] = {}
        for step in self.plan.steps():
            if step.op == "compare" and "coarse" not in step.attrs:
                self.compared.setdefault(same_integers(step.inputs[0], self.plan.by_name), step)

    def visit(self, step: Step) -> None:
        rules: Mapping[str, Callable[[Step], None]] = {
            "product": self.product,
            "polynomial": self.polynomial,
            "truncate": self.truncate,
            "truncate_local": self.truncate_local,
            "compare": self.compare,
            "select": self.select,
            "reveal": self.reveal,
        }
        rules.get(step.op, self.builder.keep)(step)

    def product(self, step: Step) -> None:
        inputs = [self.masks.of(name, step) for name in step.inputs]
        self.builder.keep(step, inputs=inputs, attrs=with_secrets(step, share=self.masks.secret("share")))

    def polynomial(self, step: Step) -> None:
        """A straight line needs no power of the mask, and so nothing that is dealt."""
        opened = self.masks.of(step.inputs[0], step)
        line = len(step.integers("coefficients")) <= 2
        attrs = step.attrs if line else with_secrets(step, share=self.masks.secret("share"))
        self.builder.keep(step, inputs=(opened,), attrs=attrs)

    # ---- truncation ----

    def truncate(self, step: Step) -> None:
        opened = self.masks.of(step.inputs[0], step)
        attrs = {**with_secrets(step, tuple=self.masks.secret("tuple")), "offset": self.offset(step)}
        mask = self.builder.by_name.get(opened)
        if mask is not None and mask.op == "mask" and mask.flag("short"):
            attrs["short"] = True
        self.builder.keep(step, inputs=(opened,), attrs=attrs)

    def offset(self, step: Step) -> int:
        """The bit of a comparison is about exactly the number that is truncated only if their offsets are equal."""
        x, shift = self.builder.wires[step.inputs[0]], step.integer("shift")
        compared = self.compared.get(step.name)
        if compared is None or self.plan.level < 2:
            return offset_of(x, shift)
        return digits_for(x, shift=shift, thresholds=compared.integers("knots")).offsets[0]

    def truncate_local(self, step: Step) -> None:
        offset = offset_of(self.builder.wires[step.inputs[0]], step.integer("shift"))
        self.builder.keep(step, attrs={"offset": offset, **step.attrs})

    # ---- comparison ----

    def compare(self, step: Step) -> None:
        opened, found = self.digits(step)
        attrs = {"shift": found.shift, "digits": found.count, "offsets": found.offsets}
        last = self.builder.add(
            "digits",
            (opened,),
            {**attrs, "tuple": self.masks.secret("tuple"), "bits": self.masks.secret("bits")},
            name=self.builder.fresh(f"{step.name}.digits"),
            like=step,
        )
        if found.count > ONE_LEVEL:
            name = self.builder.fresh(f"{step.name}.groups")
            last = self.builder.add("groups", (last.name,), {"bits": self.masks.secret("bits")}, name=name, like=step)
        secrets = {"bits": self.masks.secret("bits"), "share": self.masks.secret("share")}
        self.builder.add("bit", (last.name,), secrets, name=step.name, like=step)

    def digits(self, step: Step) -> tuple[str, Digits]:
        """The opening that is compared, and how."""
        value, knots = step.inputs[0], step.integers("knots")
        made = self.builder.by_name.get(same_integers(value, self.plan.by_name))
        if "coarse" in step.attrs:
            shift = step.integer("coarse")
            knots = tuple(knot >> shift for knot in knots)
        elif self.plan.level == 2 and made is not None and made.op == "truncate":
            shift, value = made.integer("shift"), self.source(made)
        else:
            shift = 0
        found = digits_for(self.builder.wires[value], shift=shift, thresholds=knots)
        return self.masks.of(value, step), found

    def source(self, truncation: Step) -> str:
        """What was truncated, as it was before it was opened: that is how its opening is found again."""
        return self.plan.by_name[truncation.name].inputs[0]

    # ---- choice, and what is shown ----

    def select(self, step: Step) -> None:
        """A truncated value is public numbers times the dealer's secrets, so a bit times it needs no opening."""
        bit, x = step.inputs
        source = same_integers(x, self.builder.by_name)
        truncated = self.builder.wires[source].form == "truncated"
        chosen = source if truncated else self.masks.of(x, step)
        attrs = with_secrets(step, share=self.masks.secret("share"))
        if not truncated or source == x:
            self.builder.keep(step, inputs=(bit, chosen), attrs=attrs)
            return
        name = self.builder.fresh(f"{step.name}.chosen")
        made = self.builder.add(step.op, (bit, chosen), attrs, name=name, like=step)
        self.builder.add("rescale", (made.name,), {"to": step.wire.scale or 0}, name=step.name, like=step)

    def reveal(self, step: Step) -> None:
        drowned = step.integer("drowned", 0)
        attrs = with_secrets(step, noise=self.masks.secret("noise")) if drowned else step.attrs
        self.builder.keep(step, attrs=attrs)
