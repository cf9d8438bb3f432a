"""How a value comes to be masked: by an opening of its own, or by linear steps on values that are masked.

Called by `reuse_masks`. A mask belongs to a value: what is opened under it once serves every use (PROTOCOL.md,
section 6), and goes through linear steps without a message (section 2).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ppc.ir.graph import Attribute
from ppc.passes.plan_base import linear
from ppc.plan.build import PlanBuilder
from ppc.plan.selection import same_integers
from ppc.plan.steps import Plan, SectionName, Step
from ppc.plan.wires import Wire

STATISTICAL = 60  # a short mask hides its value up to a distance of 2^-60


@dataclass
class Masking:
    """Writes masks into a new plan. `level` decides how much is shared."""

    plan: Plan
    builder: PlanBuilder
    masked: dict[tuple[SectionName, str], str] = field(default_factory=dict[tuple[SectionName, str], str])
    numbers: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.level = self.plan.level
        self.in_setup = {step.name for step in self.plan.section("setup").steps}
        self.truncated = {step.inputs[0] for step in self.plan.steps() if step.op == "truncate"}
        compared = {step.inputs[0] for step in self.plan.steps() if step.op == "compare"}
        # Truncations and comparisons are about the secrets behind one mask, so that must be the value's own.
        self.own = self.truncated | compared
        # What is compared where it was truncated needs no mask of its own once it has R for one.
        self.uniform = self.own - {value for value in compared - self.truncated if self.follows_truncation(value)}

    def secret(self, kind: str) -> str:
        """A name for a new secret of the dealer: its first letter and a number."""
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{kind[0]}{self.numbers[kind]}"

    def of(self, value: str, user: Step) -> str:
        """The value in masked form, for one use of it."""
        if self.hidden(value):
            return value
        if self.level == 0:
            return self.opened(value, user)
        with self.section_of(value) as section:
            if (section, value) not in self.masked:
                direct = self.needed(value, {}) == frozenset({value})
                self.masked[section, value] = self.opened(value, user) if direct else self.inherited(value, user)
            return self.masked[section, value]

    # ---- by an opening ----

    def opened(self, value: str, user: Step) -> str:
        attrs: dict[str, Attribute] = {"mask": self.secret("mask")}
        if self.short(value):
            attrs["short"] = True
        # What a check looks at is opened for the update anyway.
        like = replace(user, phase="update") if user.phase == "check" else user
        return self.builder.add("mask", (value,), attrs, name=self.builder.fresh(f"{value}.masked"), like=like).name

    def short(self, value: str) -> bool:
        """May a truncation of it mask its result too? Only where a mask hides much more than the value (section 4)."""
        wire = self.builder.wires[value]
        fits = wire.bits + 1 + STATISTICAL <= self.plan.modulus_field.bits - 2
        return self.level == 2 and value in self.truncated and wire.form != "clear" and fits

    # ---- by linear steps ----

    def inherited(self, value: str, user: Step) -> str:
        step = self.builder.by_name[value]
        inputs = [name if self.free(name) else self.of(name, user) for name in step.inputs]
        name = self.builder.fresh(f"{value}.masked")
        return self.builder.add(step.op, inputs, step.attrs, name=name, like=step, shape=step.wire.shape).name

    def needed(self, value: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
        """Which values have to be opened, at the least cost, so that this one is masked."""
        if value not in known:
            known[value] = self._needed(value, known)
        return known[value]

    def _needed(self, value: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
        if self.free(value) or self.hidden(value) or self.have(value):
            return frozenset()
        step = self.builder.by_name.get(value)
        if step is None or not linear(step):
            return frozenset({value})
        parts = frozenset[str]().union(*(self.needed(name, known) for name in step.inputs))
        if step.op == "certified":
            return parts  # the same number, so the same opening
        if value in self.own:
            return frozenset({value})
        return parts if self.cost(parts) <= self.cost(frozenset({value})) else frozenset({value})

    def hidden(self, value: str) -> bool:
        """Is it masked as its uses want it? A sum of masks, or a truncation's R, serves none that is about one λ."""
        return self.builder.wires[value].form == "masked" and value not in self.uniform

    def follows_truncation(self, value: str) -> bool:
        made = self.plan.by_name.get(same_integers(value, self.plan.by_name))
        return self.level == 2 and made is not None and made.op == "truncate"

    def free(self, value: str) -> bool:
        return self.builder.wires[value].form == "public"

    def have(self, value: str) -> bool:
        return (self.home(value), value) in self.masked

    def cost(self, values: frozenset[str]) -> int:
        """How many elements are opened in each run of the section at hand."""
        here = (value for value in values if self.home(value) == self.builder.section)
        return sum(self.builder.wires[value].size for value in here)

    # ---- where: what setup made is masked there, once ----

    def home(self, value: str) -> SectionName:
        return "setup" if value in self.in_setup else self.builder.section

    @contextmanager
    def section_of(self, value: str) -> Generator[SectionName]:
        """The builder writes into the section where a value may be masked for good."""
        before = self.builder.section
        self.builder.section = self.home(value)
        try:
            yield self.builder.section
        finally:
            self.builder.section = before


def with_secrets(step: Step, **secrets: str) -> Mapping[str, Attribute]:
    return {**step.attrs, **secrets}


def offset_of(wire: Wire, shift: int) -> int:
    """The least power of two, and multiple of 2^shift, that makes every value of the wire non-negative."""
    return 0 if wire.low is None or wire.low >= 0 else 1 << max(shift, (-wire.low - 1).bit_length())
