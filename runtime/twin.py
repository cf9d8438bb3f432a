"""The twin of a run: the same plan on plain integers, without shares, to the last bit.

It computes every value from what the parties were given, in Python's integers; of the run it knows only the coins:
the masks that the dealer chose, and the owner's coins of unbiased rounding. A run that agrees with it in every
value has no mistake in its masks, shares, openings or kernels. Called by tests and by `ppc run --mode twin`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ppc.errors import InternalError
from ppc.field import Words, from_integers, to_integers
from ppc.plan.steps import Carry, Plan, Step
from ppc.runtime.clear_steps import computed, decoded, encoded, given
from ppc.runtime.desk import Desk
from ppc.runtime.keys import Coins
from ppc.runtime.lazy import Local
from ppc.runtime.reals import sent
from ppc.runtime.schedule import Scope
from ppc.runtime.twin_rules import Plain, Twins, rule_of
from ppc.runtime.values import Value


class Record:
    """The coins of a run, from its watchers: the dealer's masks, and party 0's shares where it shifts them."""

    def __init__(self) -> None:
        self.masks: dict[tuple[str, int, str], Words] = {}
        self.shares: dict[tuple[str, int, str], Words] = {}

    def dealer(self, section: str, iteration: int, step: Step, mask: Words) -> None:
        self.masks[section, iteration, step.name] = mask

    def party(self, desk: Desk, step: Step, _value: Value) -> None:
        if step.op == "truncate_local" and desk.first:
            share = desk.local.stored(desk.share(step.inputs[0]))
            zero = desk.local.zeros(step.wire.shape)
            self.shares[desk.section.name, desk.iteration, step.name] = zero if share is None else share


class Twin:
    """A run of a plan on integers. `given` of both parties together, of shares their sum; and the coins of both."""

    def __init__(
        self,
        plan: Plan,
        coins: Mapping[str, Coins],
        record: Record,
        *,
        ranges: bool = True,
        begun: Mapping[str, Any] | None = None,
    ) -> None:
        """`begun`: what another twin carried to here, where this one goes on from it."""
        self.plan, self.coins, self.record, self.ranges = plan, coins, record, ranges
        self.local = Local(plan.modulus_field, variant="slow")
        self.values: Scope[Any] = Scope(plan, _carried, begun=begun)

    def run(self, section_name: str, iteration: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """One pass through a section: every value of its steps by name."""
        section = self.plan.section(section_name)
        self.values.enter(section)
        found: dict[str, Any] = {}
        for step in self.values.schedules[section_name].order:
            found[step.name] = self._step(step, section_name, iteration, values)
            self.values.put(step, found[step.name])
            self.values.done(section, step)
        self.values.leave(section)
        return found

    def _step(self, step: Step, section: str, iteration: int, values: Mapping[str, Any]) -> Any:
        operands = [self.values[name] for name in step.inputs]
        match step.op:
            case "given" if step.wire.form == "shared":
                return Plain(to_integers(values[step.name], self.plan.modulus_field))
            case "given":
                return given(step, values)
            case "compute":
                return computed(step, operands)
            case "encode":
                coins = self.coins.get(step.wire.at)
                return self._encoded(step, operands[0], coins, (section, iteration))
            case "reveal" if step.wire.real:
                return sent(step, operands[0])
            case "decode":
                elements = from_integers(operands[0].integers, self.plan.modulus_field)
                return decoded(step, self.plan.wires[step.inputs[0]], elements, self.plan.modulus_field)
            case _:
                made = rule_of(step)(self._twins(step, section, iteration), step, operands)
                if self.ranges:
                    self._check(step, made)
                return made

    def _encoded(self, step: Step, reals: NDArray[Any], coins: Coins | None, where: tuple[str, int]) -> Plain:
        source = self.plan.wires[step.inputs[0]]
        elements = encoded(step, source, reals, self.plan.modulus_field, coins, where)
        return Plain(to_integers(elements, self.plan.modulus_field))

    def _twins(self, step: Step, section: str, iteration: int) -> Twins:
        key = (section, iteration, step.name)
        found = self.record.masks.get(key, self.record.shares.get(key))
        coin = None if found is None else to_integers(found, self.plan.modulus_field)
        return Twins(self.plan, self.local, coin, iteration)

    def _check(self, step: Step, made: Plain) -> None:
        """The range that the plan is proved for, of every value that has one."""
        low, high, field = step.wire.low, step.wire.high, self.plan.modulus_field
        if low is None or high is None or step.wire.form == "digits" or not made.integers.size:
            return
        signed = [value - field.modulus if value > field.largest else value for value in made.integers.ravel()]
        if min(signed) < low or max(signed) > high:
            raise InternalError(f"{step.name} has {min(signed)}..{max(signed)}, outside of {low}..{high}", place="twin")


def _carried(_carry: Carry, value: Any, _name: str) -> Any:
    return value
