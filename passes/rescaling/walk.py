"""What the rules of scales have at hand while a plan is walked: each value at the scale that is wanted.

A lowered value is looked up by `at` (at one scale) or `operand` (at no more than the scale wanted); both
remember what they made, so that a value is encoded, lifted or truncated once for each scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ppc.ir.graph import Attribute
from ppc.passes.rescaling.carried import Carried, repeated
from ppc.plan.infer import infer
from ppc.plan.ops import PLAN_OPS
from ppc.plan.ranges import Range
from ppc.plan.selection import selected_range
from ppc.plan.steps import Plan, SectionName, Step
from ppc.plan.wires import Wire
from ppc.source import START

Value = str


def _same(step: Step, _shift: int) -> Mapping[str, Attribute]:
    return step.attrs


def _moved(step: Step, shift: int) -> Mapping[str, Attribute]:
    return {"to": step.integer("to") - shift}


def _certified(step: Step, shift: int) -> Mapping[str, Attribute]:
    low, high = step.integer("low") >> shift, (step.integer("high") >> shift) + 1
    return {"by": step.word("by"), "low": low, "high": high}


def _only_lifts(step: Step) -> bool:
    """Whether the factor aligns scales alone, and the real number stays."""
    return step.integer("factor") == 1 << step.integer("lift")


# Steps behind which nothing is truncated, but before them, and the attributes that they then have.
PASSED: dict[str, Callable[[Step, int], Mapping[str, Attribute]]] = {
    "pool_spread": _same,
    "unfold": _same,
    "rescale": _moved,
    "certified": _certified,
}


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Fraction bits: of activations and weights in products, of gradients in products, of the loss gradient.

    `slack`: how many bits more a value may keep, as it has behind a pool, rather than be truncated for a product.
    """

    fraction: int = 16
    gradient: int = 32
    loss: int = 35
    slack: int = 4


class Walk:
    def __init__(self, plan: Plan, scales: Scales, carried: Mapping[str, Carried], *, eager: bool, local: bool) -> None:
        self.plan, self.scales, self.carried = plan, scales, carried
        self.eager, self.local = eager, local
        self.made: dict[SectionName, list[Step]] = {section.name: [] for section in plan.sections}
        self.wires: dict[Value, Wire] = {}
        self.home: dict[Value, SectionName] = {}
        self.by_name: dict[Value, Step] = {}
        self.truncations: dict[tuple[Value, int], Value] = {}
        self.flat: dict[tuple[Value, int], Value] = {}  # the same by the value before it was reshaped
        self.known: dict[tuple[Value, int], Value] = {}
        self.current: dict[Value, Value] = {}  # a lowered value's own step
        self.repeated = repeated(plan)
        self.step: Step | None = None
        self.section: SectionName = "setup"

    # ---- a value at a scale ----

    def real(self, value: Value) -> bool:
        return self.wires[self.current[value]].real

    def wire(self, value: Value) -> Wire:
        return self.wires[self.current[value]]

    def scale(self, value: Value) -> int:
        return self.wire(value).scale or 0

    def gradient(self, value: Value) -> bool:
        """Whether it is a gradient, or a sum of gradients that is carried."""
        source = self.plan.by_name.get(value)
        return value.endswith(".momentum") if source is None else source.flag("gradient")

    def wanted(self, value: Value) -> int:
        """The scale at which a value enters a product: finer for gradients, which are small."""
        if not self.gradient(value):
            return self.scales.fraction
        known = value in self.current
        return self.scales.loss if known and self.real(value) else self.scales.gradient

    def operand(self, value: Value) -> Value:
        """The value as products and comparisons take it: truncated, if it has more than the scale wanted."""
        wanted = self.wanted(value)
        if self.real(value) or self.scale(value) > wanted + self.scales.slack:
            return self.at(value, wanted)
        return self.current[value]

    def untruncated(self, value: Value) -> Value:
        """The value with all of its bits, so that its mask is a sum of masks that there are already."""
        wide = self.wanted(value) + 2 * self.scales.fraction
        return self.operand(value) if self.real(value) or self.scale(value) > wide else self.current[value]

    def at(self, value: Value, scale: int) -> Value:
        """The value at one scale: encoded, truncated, or multiplied by a power of two."""
        if (value, scale) not in self.known:
            self.known[value, scale] = self.converted(value, scale)
        return self.known[value, scale]

    def converted(self, value: Value, scale: int) -> Value:
        current, wire = self.current[value], self.wire(value)
        if wire.real:
            rounding = "stochastic" if self.gradient(value) else "nearest"
            return self.convert("encode", value, {"rounding": rounding, "scale": scale}, "encoded")
        change = scale - (wire.scale or 0)
        if change < 0:
            return self.shifted(current, -change)
        if change > 0:
            return self.convert("times", value, {"factor": 1 << change, "lift": change}, "lifted")
        return current

    def truncated_now(self, value: Value, made: Value) -> Value:
        """A gradient with the bits of a factor enters sums and products alike: one truncation serves all of them."""
        self.current[value] = made
        return self.operand(value)

    def shifted(self, name: Value, shift: int) -> Value:
        """A value of the new plan without its `shift` lowest bits, truncated where it has the fewest elements.

        What is certified of a value holds of its truncation; the opening is that of the value itself.
        """
        if (name, shift) not in self.truncations:
            self.truncations[name, shift] = self.shifted_anew(name, shift)
        return self.truncations[name, shift]

    def shifted_anew(self, name: Value, shift: int) -> Value:
        step = self.by_name.get(name)
        if step is not None and self.better_before(step):
            inner = self.shifted(step.inputs[0], shift)
            return self.again(step, (inner,), PASSED[step.op](step, shift))
        if step is not None and self.made_of_parts(step):
            return self.shifted_parts(step, shift)
        if step is not None and step.op == "encode":
            return self.again(step, step.inputs, {**step.attrs, "scale": step.integer("scale") - shift})
        return self.truncation(name, shift)

    def made_of_parts(self, step: Step) -> bool:
        """Whether it only holds other values, lifted or beside each other, which may be truncated for others too: one
        secret is truncated once for each scale, in whatever it stands (PROTOCOL.md, section 4)."""
        if step.op == "reshape":
            inner = self.by_name.get(step.inputs[0])
            return inner is not None and self.made_of_parts(inner)
        return step.op == "concat" or (step.op == "times" and step.integer("lift", 0) > 0 and _only_lifts(step))

    def shifted_parts(self, step: Step, shift: int) -> Value:
        if step.op != "times":
            return self.again(step, [self.shifted(part, shift) for part in step.inputs], step.attrs)
        left = step.integer("lift") - shift
        if left > 0:
            return self.again(step, step.inputs, {"factor": 1 << left, "lift": left})
        return self.shifted(step.inputs[0], -left) if left else step.inputs[0]

    def better_before(self, step: Step) -> bool:
        """Whether a truncation in front of a linear step has fewer elements, or serves what is certified of it too."""
        if step.op in ("certified", "pool_spread", "unfold", "rescale"):
            return True
        inner = self.by_name.get(step.inputs[0]) if step.op in PASSED else None
        return inner is not None and self.better_before(inner)

    def truncation(self, name: Value, shift: int) -> Value:
        """One for a value in all of its shapes."""
        like = self.by_name.get(name) or self.of_carried(name)
        key = (self.before_reshapes(name), shift)
        if key in self.flat:
            return self.reshaped(self.flat[key], replace(like, name=self.fresh(f"{name}.truncated")))
        attrs: dict[str, Attribute] = {"shift": shift}
        op = "truncate_local" if self.local and self.uniform(name) else "truncate"
        wire = infer(op, attrs, [self.wires[name]])
        step = replace(like, name=self.fresh(f"{name}.truncated"), op=op, inputs=(name,), attrs=attrs, wire=wire)
        self.flat[key] = step.name
        return self.keep(step, self.home[name])

    def reshaped(self, name: Value, like: Step) -> Value:
        wire = infer("reshape", {}, [self.wires[name]], shape=like.wire.shape)
        return self.keep(replace(like, op="reshape", inputs=(name,), attrs={}, wire=wire), self.home[name])

    def before_reshapes(self, name: Value) -> Value:
        step = self.by_name.get(name)
        return self.before_reshapes(step.inputs[0]) if step is not None and step.op == "reshape" else name

    def uniform(self, name: Value) -> bool:
        """Whether the shares of a value are uniform, which shifting them needs: a known number shared as itself and
        zero is not. What is carried is uniform from the start: see `reuse_masks`."""
        step = self.by_name.get(name)
        if step is None or step.op in ("product", "polynomial", "select", "truncate_local"):
            return True
        if step.op in ("add", "subtract", "add_channel"):
            return any(self.uniform(operand) for operand in step.inputs)
        return PLAN_OPS[step.op].kind == "linear" and all(self.uniform(operand) for operand in step.inputs)

    def again(self, step: Step, operands: Sequence[Value], attrs: Mapping[str, Attribute]) -> Value:
        """A linear step once more, on other operands."""
        wire = infer(step.op, attrs, [self.wires[operand] for operand in operands], shape=step.wire.shape)
        made = replace(
            step, name=self.fresh(f"{step.name}.truncated"), inputs=tuple(operands), attrs=dict(attrs), wire=wire
        )
        return self.keep(made, self.home[step.name])

    def of_carried(self, name: Value) -> Step:
        """Where a step belongs that is about a weight's master copy."""
        span = self.step.span if self.step else START
        layer = name.split(".", 1)[0]
        return Step(name=name, op="given", wire=self.wires[name], layer=layer, phase="update", span=span)

    def convert(self, op: str, value: Value, attrs: Mapping[str, Attribute], part: str) -> Value:
        """A step that belongs to a value, wherever it is needed; made in the section of the value."""
        current = self.current[value]
        source = self.plan.by_name.get(value) or self.of_carried(value)
        name = self.fresh(f"{value}.{part}")
        wire = infer(op, attrs, [self.wires[current]])
        made = replace(source, name=name, op=op, inputs=(current,), attrs=dict(attrs), wire=wire)
        return self.keep(made, self.home[current])

    # ---- new steps ----

    def add(self, op: str, *inputs: Value, attrs: Mapping[str, Attribute] | None = None, part: str = "") -> Value:
        """A step for the lowered step at hand. Its operands are values of the new plan."""
        assert self.step is not None  # rules run for a step
        attributes = dict(attrs or {})
        wire = infer(op, attributes, [self.wires[name] for name in inputs], shape=self.step.wire.shape)
        name = self.fresh(f"{self.step.name}.{part}" if part else self.step.name)
        return self.keep(replace(self.step, name=name, op=op, inputs=inputs, attrs=attributes, wire=wire), self.section)

    def copy(self, *inputs: Value, attrs: Mapping[str, Attribute] | None = None) -> Value:
        """The step at hand, whose wire is known already: one party's own numbers."""
        assert self.step is not None
        changed = self.step.attrs if attrs is None else attrs
        return self.keep(replace(self.step, inputs=inputs, attrs=dict(changed)), self.section)

    def keep(self, step: Step, home: SectionName) -> Value:
        step = replace(step, attrs={key: value for key, value in step.attrs.items() if key != "gradient"})
        if step.op == "select":
            step = replace(step, wire=self.selected(step))
        self.made[home].append(step)
        self.by_name[step.name] = step
        self.wires[step.name], self.home[step.name] = step.wire, home
        return step.name

    def selected(self, step: Step) -> Wire:
        """The exact range of what a bit selects from the value that it was compared from."""
        x = self.wires[step.inputs[1]]
        known = Range(x.low, x.high) if x.low is not None and x.high is not None else None
        found = selected_range(step, self.by_name, known) if known else None
        return replace(step.wire, low=found.low, high=found.high) if found else step.wire

    def fresh(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self.wires:
            number += 1
            candidate = f"{name}.{number}"
        return candidate
