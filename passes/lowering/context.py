"""What a lowering rule has at hand: the steps so far, and a way to add one. Called by the rules; knows no op."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from ppc.ir.graph import Attribute, Graph, Node
from ppc.plan.maps import shape_of
from ppc.plan.ops import PLAN_OPS
from ppc.plan.steps import Phase, SectionName, Step
from ppc.plan.wires import Form, Wire
from ppc.source import START

Value = str
Shape = tuple[int, ...]


def form_of(op: str, operands: Sequence[Wire]) -> tuple[Form, str]:
    """The form of a joint step's result before masks are in, and the party where it is clear."""
    makes = PLAN_OPS[op].makes
    if makes not in ("as operands", "given"):
        return makes, ""
    forms = {wire.form for wire in operands}
    if forms == {"public"}:
        return "public", ""
    homes = {wire.at for wire in operands if wire.form != "public"}
    if forms <= {"clear", "public"} and len(homes) == 1:
        return "clear", homes.pop()
    return "shared", ""


@dataclass
class Lowering:
    """Collects the steps of the sections while a graph is walked. The one mutable thing of this room."""

    graph: Graph
    sections: dict[SectionName, list[Step]] = field(
        default_factory=lambda: {"setup": [], "each": [], "finish": []},
    )
    wires: dict[Value, Wire] = field(default_factory=dict[Value, Wire])
    homes: dict[Value, SectionName] = field(default_factory=dict[Value, SectionName])
    values: dict[str, Value] = field(default_factory=dict[str, Value])  # of the graph's nodes
    bits: dict[tuple[Value, tuple[float, ...]], Value] = field(
        default_factory=dict[tuple[Value, tuple[float, ...]], Value]
    )
    made: dict[Hashable, Value] = field(default_factory=dict[Hashable, Value])
    routes: dict[str, object] = field(default_factory=dict[str, object])  # what a forward rule leaves for its backward
    backward: frozenset[str] = frozenset()
    updates: frozenset[str] = frozenset()
    node: Node | None = None
    section: SectionName | None = None  # where to put steps whatever they read; None: by what they read
    phase: Phase | None = None
    gradient: bool = False  # whether what is made now is a gradient: small numbers, which want finer scales

    def add(
        self,
        op: str,
        *inputs: Value,
        name: str = "",
        attrs: Mapping[str, Attribute] | None = None,
        wire: Wire | None = None,
        shape: Shape | None = None,
        section: SectionName | None = None,
        phase: Phase | None = None,
    ) -> Value:
        """A step for the node at hand; `wire` is given for what is not joint, `shape` where the op leaves it free."""
        operands = [self.wires[name] for name in inputs]
        step = Step(
            name=self.fresh(name or self._named()),
            op=op,
            inputs=inputs,
            attrs=self._marked(attrs or {}),
            wire=wire or Wire(form="shared", shape=()),
            layer=self._named().split(".", 1)[0],
            phase=phase or self.phase or self._phase(),
            span=self.node.span if self.node else START,
        )
        if wire is None:
            form, at = form_of(op, operands)
            made = shape if shape is not None else shape_of(step, [operand.shape for operand in operands])
            wire = Wire(form=form, shape=made, at=at)
            step = replace(step, wire=wire)
        home = section or self.section or self._section(inputs)
        if (known := self._known(step, home)) is not None:
            return known
        self.sections[home].append(step)
        self.wires[step.name], self.homes[step.name] = wire, home
        return step.name

    def _known(self, step: Step, home: SectionName) -> Value | None:
        """The same step on the same values, where there is one: a value is made once, however often it is written."""
        if PLAN_OPS[step.op].kind not in ("linear", "nonlinear"):
            return None
        key = (home, step.op, step.inputs, tuple(sorted(step.attrs.items())), step.wire.shape)
        known = self.made.setdefault(key, step.name)
        return None if known == step.name else known

    def _marked(self, attrs: Mapping[str, Attribute]) -> dict[str, Attribute]:
        return {**attrs, "gradient": True} if self.gradient else dict(attrs)

    def mark_gradient(self, value: Value) -> None:
        """Where gradients start: the value that a loss rule made, not the steps on its way."""
        steps = self.sections[self.homes[value]]
        place = next(i for i, step in enumerate(steps) if step.name == value)
        steps[place] = replace(steps[place], attrs={**steps[place].attrs, "gradient": True})

    def fresh(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self.wires:
            number += 1
            candidate = f"{name}.{number}"
        return candidate

    def _named(self) -> str:
        return self.node.name if self.node else "plan"

    def _section(self, inputs: Sequence[Value]) -> SectionName:
        return "each" if any(self.homes[name] == "each" for name in inputs) else "setup"

    def _phase(self) -> Phase:
        if self.node is None:
            return "forward"
        if self.node.name in self.updates:
            return "update"
        return "backward" if self.node.name in self.backward else "forward"

    # ---- the steps that rules are made of ----

    def form(self, value: Value) -> Form:
        return self.wires[value].form

    def shape(self, value: Value) -> Shape:
        return self.wires[value].shape

    def product(self, map_: str, x: Value, y: Value, **attrs: Attribute) -> Value:
        """A bilinear map: of secrets a product, with a public operand a linear step."""
        op = "apply" if "public" in (self.form(x), self.form(y)) else "product"
        return self.add(op, x, y, attrs={"map": map_, **attrs})

    def times(self, x: Value, by: float) -> Value:
        return x if by == 1.0 else self.add("times", x, attrs={"by": by})

    def unscaled(self, x: Value) -> tuple[Value, float]:
        """A value as it was before it was multiplied by a constant, and the constant."""
        steps = self.sections[self.homes[x]]
        step = next((one for one in steps if one.name == x), None)
        if step is None or step.op != "times":
            return x, 1.0
        return step.inputs[0], cast(float, step.attrs["by"])

    def scaled_reals(self, x: Value, by: float) -> Value:
        """Public numbers times a constant, as both compute it."""
        wire, key = self.wires[x], ("scaled", x, by)
        if by == 1.0 or wire.bounds is None:
            return x
        if key not in self.made:
            gradient, self.gradient = self.gradient, False  # it is none itself
            made = replace(wire, bounds=wire.bounds.scaled(by))
            self.made[key] = self.add("compute", x, attrs={"op": "scale", "factor": by}, wire=made)
            self.gradient = gradient
        return self.made[key]

    def settled(self, x: Value) -> Value:
        """The value at the scale that is wanted of it: where many steps take it, one truncation serves them all."""
        return self.add("times", x, attrs={"by": 1.0})

    def above(self, x: Value, knots: tuple[float, ...]) -> Value:
        """The bits of x > knot; once for each value and its knots, forward and backward."""
        key = (x, knots)
        if key not in self.bits:
            self.bits[key] = self.add("compare", x, attrs={"knots": knots})
        return self.bits[key]

    def chosen(
        self, bit: Value, x: Value, *, slopes: tuple[float, ...] = (1.0,), knots: tuple[float, ...] = (0.0,)
    ) -> Value:
        """Σ_j slopes[j]·bit_j·(x - knots[j])"""
        return self.add("select", bit, x, attrs={"slopes": slopes, "knots": knots})


Rule = Callable[[Lowering, Node, Sequence[Value]], Value]
