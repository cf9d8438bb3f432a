"""What a rule of a party works with: its place in the plan, its values, its hand of the dealer's secrets.

Called by the rules. Knows how every form becomes a share; sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ppc.errors import InternalError
from ppc.plan.steps import Carry, Plan, Section, Step
from ppc.plan.wires import Wire
from ppc.runtime.hand import Hand
from ppc.runtime.kernels import Expression, select
from ppc.runtime.keys import Coins
from ppc.runtime.lazy import Array, Lazy, Leaves, Local
from ppc.runtime.schedule import Scope
from ppc.runtime.values import Bits, Masked, Reals, Truncated, Value


class Desk:
    """One party's. `hand`, `section` and `given` change with every pass through a section."""

    hand: Hand
    section: Section
    iteration: int
    given: Mapping[str, Any]

    def __init__(
        self, plan: Plan, name: str, local: Local, coins: Coins, begun: Mapping[str, Value] | None = None
    ) -> None:
        self.plan, self.name, self.local, self.coins = plan, name, local, coins
        self.first = self.plan.parties[0] == self.name
        self.values: Scope[Value] = Scope(self.plan, self.carried, begun=begun)
        self.certifying = {step.word("by") for step in self.plan.steps() if step.op == "certified"}

    def begin(self, section: Section, iteration: int, hand: Hand, given: Mapping[str, Any]) -> None:
        """The next pass through a section."""
        self.section, self.iteration, self.hand, self.given = section, iteration, hand, given
        self.values.enter(section)

    def wire(self, name: str) -> Wire:
        return self.plan.wires[name]

    # ---- a value in the form that a rule needs ----

    def knows(self, wire: Wire) -> bool:
        """Whether a clear or public value is here."""
        return wire.form == "public" or wire.at == self.name

    def reals(self, name: str) -> Reals:
        return cast(Reals, self.values[name])

    def masked(self, name: str) -> Masked:
        value = self.values[name]
        if not isinstance(value, Masked):
            raise InternalError(f"{name} is not masked", place="run")
        return value

    def bits(self, name: str) -> Bits:
        value = self.values[name]
        if not isinstance(value, Bits):
            raise InternalError(f"{name} is no bit", place="run")
        return value

    def share(self, name: str) -> Array | None:
        """This party's additive share of any value that has one."""
        return self.share_of(self.values[name], self.wire(name))

    def share_of(self, value: Value, wire: Wire) -> Array | None:
        if isinstance(value, Masked):
            return self._unmasked(value, wire)
        if isinstance(value, Truncated):
            return self._truncated(value, wire)
        if isinstance(value, Bits):
            return Lazy(wire.shape, lambda leaves: self.number(leaves, value, 0))
        if wire.form == "public" and not self.first:
            return None
        return cast("Array | None", value)

    def _unmasked(self, value: Masked, wire: Wire) -> Array | None:
        opened, mask = value.opened, value.mask
        if mask is None:
            return opened if self.first else None
        if self.first:
            return Lazy(wire.shape, lambda leaves: leaves.element(opened) - leaves.element(mask))
        return Lazy(wire.shape, lambda leaves: -leaves.element(mask))

    def _truncated(self, value: Truncated, wire: Wire) -> Lazy:
        """Form C of PROTOCOL.md, section 4."""

        def build(leaves: Leaves) -> Expression:
            opened = leaves.element(value.opened) + value.offset
            share = self.reached(opened, leaves.element(value.reached), value) - leaves.element(value.upper)
            return share + (opened >> value.shift) - (value.offset >> value.shift) if self.first else share

        return Lazy(wire.shape, build)

    def reached(self, opened: Expression, element: Expression, value: Truncated) -> Expression:
        """u·2^(n-shift) times an element: what a sum that passed p has lost."""
        bits = self.plan.modulus_field.bits
        return select(opened.below(1 << bits - 1), element * (1 << bits - value.shift), 0)

    def number(self, leaves: Leaves, bits: Bits, threshold: int) -> Expression:
        """The share of one threshold's bit: c + (1 - 2c)·λ_d."""
        hidden = leaves.element(bits.number[threshold])
        return select(leaves.bit(bits.opened[threshold]), (1 if self.first else 0) - hidden, hidden)

    def carried(self, carry: Carry, value: Value, name: str) -> Value:
        """In the form in which it is carried."""
        if carry.wire.form == "shared" and self.wire(name).form != "shared":
            return self.local.stored(self.share_of(value, self.wire(name)))
        return self.local.store(value) if isinstance(value, Lazy) else value

    def put(self, step: Step, value: Value) -> None:
        """Expressions stay expressions where the plan says that they become part of their readers' passes."""
        if isinstance(value, Lazy) and not step.flag("inline"):
            value = self.local.store(value)
        self.values.put(step, value)
