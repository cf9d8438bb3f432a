"""choose-triples: which bilinear map a product is dealt for, and how powers are made.

Assumes a plan at stage `lowered`; guarantees the same. The choice decides what is masked, so what is sent:

    -O0  a convolution is the product of two matrices, the windows of the image (each pixel many times) and the weights;
         a power is a product of two factors, made again wherever it is needed
    -O1  a convolution's own map: the image is masked once; a power is made once; squares have one operand
    -O2  all powers of a value from one opening (PROTOCOL.md, section 3), where the field has room for them

`why` says it on the step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, cast

from ppc.ir.graph import Attribute
from ppc.plan.build import PlanBuilder, begun
from ppc.plan.maps import windows
from ppc.plan.steps import Plan, Step

POWER_ROOM = {"mersenne61": 58, "mersenne127": 124}  # bits that the highest power and its coefficient may take
LOCAL_ROOM = 40  # fewer, where each party shifts its own share and the result must stay far from the field's end


@dataclass(frozen=True, kw_only=True)
class ChooseTriples:
    """`fraction` and `magnitude` (bits before the point) say how wide the powers of a value would be."""

    name: ClassVar[str] = "choose-triples"
    level: int = 2
    fraction: int = 16
    local: bool = False

    def run(self, plan: Plan) -> Plan:
        choosing = _Choosing(plan, self)
        for section in plan.sections:
            choosing.builder.section = section.name
            for step in section.steps:
                choosing.step(step)
        return choosing.plan()


def _kept(step: Step) -> dict[str, Attribute]:
    return {"gradient": True} if step.flag("gradient") else {}


class _Choosing:
    def __init__(self, plan: Plan, options: ChooseTriples) -> None:
        self.before, self.options = plan, options
        self.builder: PlanBuilder = begun(plan)
        self.renamed: dict[str, str] = {}
        self.highest: dict[str, int] = {}
        for step in plan.steps():
            if step.op == "polynomial":
                degree = len(step.integers("coefficients")) - 1
                self.highest[step.inputs[0]] = max(degree, self.highest.get(step.inputs[0], 0))
        self.powers: dict[tuple[str, int], str] = {}
        self.slopes: set[str] = set()  # polynomials that were written out: linear in powers

    def plan(self) -> Plan:
        made = self.builder.plan()
        sections = [
            replace(
                section,
                results=tuple(replace(r, value=self.new(r.value)) for r in section.results),
                carries=tuple(replace(c, first=self.new(c.first), then=self.new(c.then)) for c in section.carries),
            )
            for section in made.sections
        ]
        return replace(made, sections=tuple(sections))

    def new(self, name: str) -> str:
        return self.renamed.get(name, name)

    def step(self, step: Step) -> None:
        # A derivative takes what powers its polynomial has masked anyway.
        degree = self.highest[step.inputs[0]] if step.op == "polynomial" else 0
        step = replace(step, inputs=tuple(self.new(name) for name in step.inputs))
        if step.op == "product" and self.options.level == 0 and step.word("map") in ("conv2d", "conv2d_grad_weight"):
            self.unfolded(step)
        elif step.op == "polynomial" and not self.by_powers(step, degree):
            self.renamed[step.name] = self.written_out(step)
        elif step.op == "product":
            self.builder.keep(step, attrs={**step.attrs, **self.reason(step)})
        else:
            self.builder.keep(step)

    # ---- convolutions ----

    def unfolded(self, step: Step) -> None:
        """The image's windows as rows; behind them a product of matrices."""
        x, other = step.inputs
        weight = step.word("map") == "conv2d_grad_weight"
        kernel = step.pair("kernel") if weight else self.builder.wires[other].shape[2:]
        attrs: dict[str, Attribute] = {"kernel": kernel, **{k: step.attrs[k] for k in ("stride", "padding", "groups")}}
        rows = self.builder.add("unfold", [x], attrs, like=step, name=self.builder.fresh(f"{step.name}.windows"))
        size = windows(step, self.builder.wires[x].shape[2:], kernel)
        map_ = "unfolded_grad_weight" if weight else "unfolded_conv2d"
        why = f"windows of {rows.wire.size:,} values and {self.builder.wires[other].size:,} in a product of matrices"
        self.builder.keep(
            step, inputs=[rows.name, other], attrs={"map": map_, **attrs, "size": size, "why": why, **_kept(step)}
        )

    def reason(self, step: Step) -> dict[str, Attribute]:
        """What the product's own map saves."""
        if not step.word("map").startswith("conv2d"):
            wide = [place for place, name in enumerate(step.inputs) if name in self.slopes]
            return {"wide": wide[0]} if wide else {}
        x, y = (self.builder.wires[name] for name in step.inputs)
        pooled = ", with the pool that follows: one value in place of a window's" if "pool" in step.attrs else ""
        kernel = prod(step.pair("kernel") if "kernel" in step.attrs else y.shape[2:])
        return {"why": f"a convolution's own map: {x.size:,} values for up to {x.size * kernel:,} in windows{pooled}"}

    # ---- powers ----

    def by_powers(self, step: Step, degree: int) -> bool:
        """Whether all powers come from one opening: -O2, and the highest fits without truncation between."""
        if len(step.integers("coefficients")) <= 2:
            return True
        wire = self.builder.wires[step.inputs[0]]
        if self.options.level < 2 or wire.form != "shared":
            return False
        whole = 8  # bits before the point that a value raised to a power is given
        room = POWER_ROOM[self.before.field] - (LOCAL_ROOM if self.options.local else 0)
        return degree * (self.options.fraction + whole) + 16 + degree <= room

    def written_out(self, step: Step) -> str:
        """c0 + c1·x + c2·x² + …, each power the product of the one before and x."""
        coefficients = cast(tuple[float, ...], step.attrs["coefficients"])
        if self.options.level == 0 and self.options.local:
            self.powers.clear()  # made again for every polynomial; but what the dealer truncates, it truncates once
        total = ""
        for power, coefficient in enumerate(coefficients):
            if power == 0 or coefficient == 0.0:
                continue
            part = self.builder.add("times", [self.power(step, power)], {"by": coefficient}, like=step)
            total = self.builder.add("add", [total, part.name], like=step).name if total else part.name
        if coefficients[0]:
            total = self.builder.add("offset", [total], {"by": coefficients[0]}, like=step).name
        if self.options.level > 0:
            self.slopes.add(total)
        return total

    def power(self, step: Step, power: int) -> str:
        """Of powers that are there already, so that an odd polynomial needs one product for each of its terms."""
        x = step.inputs[0]
        if power == 1:
            return x
        if (x, power) not in self.powers:
            factors = [self.power(step, part) for part in self.parts(x, power)]
            why = "a square: one operand" if power == 2 and self.options.level > 0 else "a product of two factors"
            made = self.builder.add("product", factors, {"map": "multiply", "why": why}, like=step)
            self.powers[x, power] = made.name
        return self.powers[x, power]

    def parts(self, x: str, power: int) -> tuple[int, int]:
        """Two powers that make this one, as near to each other as can be: both known, where there are such."""
        known = {1, *(other for value, other in self.powers if value == x)}
        splits = [(power - part, part) for part in range(power // 2, 0, -1)]
        return next((split for split in splits if known.issuperset(split)), splits[0])
