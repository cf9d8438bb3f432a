"""A plan at one party without shares: the same integers, through the same kernels, in the clear.

What fixed point in the field costs by itself, between float and a run on shares; called by the benchmarks and by tests.
A value that a run opens under a mask is the number itself here, and the mask is the coin of its unbiased rounding:
given the masks of a run, every value is the twin's, to the last bit. Nothing of it is private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ppc.errors import InternalError
from ppc.field import Words
from ppc.plan.ops import LINEAR
from ppc.plan.steps import Carry, Plan, Step
from ppc.runtime.clear_steps import computed, decoded, encoded, given
from ppc.runtime.hand import Hand
from ppc.runtime.keys import Coins, Seed, artifact_hash
from ppc.runtime.lazy import Lazy, Local
from ppc.runtime.openings import certify
from ppc.runtime.reals import sent
from ppc.runtime.schedule import Scope
from ppc.runtime.twin import Record
from ppc.runtime.unshared_rules import Place, Plain, rule_of, stored

ROUNDING = frozenset({"truncate", "digits"})  # what looks at a mask


class Masks(Protocol):
    """Where the coins of a pass come from: the mask of an opening, the noise of a reveal, a share that is shifted."""

    def mask(self, section: str, iteration: int, step: Step) -> Words: ...


class DrawnMasks:
    """Fresh ones, from a seed, as the dealer's are."""

    def __init__(self, plan: Plan, local: Local, seed: Seed | None = None) -> None:
        self.local = local
        self._keys = (seed or Seed()).keys(b"unshared", "unshared", artifact_hash(plan))

    def mask(self, section: str, iteration: int, step: Step) -> Words:
        hand = Hand(self.local, self._keys, section, iteration)
        match step.op:
            case "mask":
                return hand.mask(step)
            case "reveal":
                return self._noise(step, hand.uniform(step.word("noise"), *step.wire.shape))
            case _:
                return hand.uniform(f"share of {step.name}", *step.wire.shape)

    def _noise(self, step: Step, drawn: Words) -> Words:
        drowned = step.integer("drowned")
        return self.local.store(Lazy(step.wire.shape, lambda leaves: leaves.element(drawn).low(drowned)))


class RecordedMasks:
    """Those of a run that was watched."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def mask(self, section: str, iteration: int, step: Step) -> Words:
        key = (section, iteration, step.name)
        found = self.record.masks.get(key, self.record.shares.get(key))
        if found is None:
            raise InternalError(f"the run has no coin for {step.name}", place="unshared")
        return found


class Unshared:
    """A run of a plan in the clear. `given` of both parties together; `coins` of both, by their names."""

    def __init__(
        self,
        plan: Plan,
        coins: Mapping[str, Coins] | None = None,
        masks: Masks | None = None,
        *,
        threads: int = 1,
        variant: str | None = None,
    ) -> None:
        self.plan = plan
        self.coins = {party: Coins() for party in plan.parties} if coins is None else coins
        self.local = Local(plan.modulus_field, threads=threads, variant=variant)
        self.masks = masks or DrawnMasks(plan, self.local)
        self.values: Scope[Any] = Scope(plan, self._carried)
        self.section, self.iteration = "", 0
        self.rounded = rounded(plan)
        self.certifying = {step.word("by") for step in plan.steps() if step.op == "certified"}

    def run(self, section_name: str, iteration: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """One pass through a section; its results by name, whoever they are for."""
        section, self.section, self.iteration = self.plan.section(section_name), section_name, iteration
        self.values.enter(section)
        for step in self.values.schedules[section_name].order:
            self.keep(step, self._step(step, values))
            self.values.done(section, step)
        found = {result.name: self.values[result.value] for result in section.results}
        self.values.leave(section)
        return found

    def keep(self, step: Step, value: Any) -> None:
        """As parties do, what the plan says is computed where it is read."""
        if not step.flag("inline"):
            value = stored(self.local, value)
        if step.name in self.certifying:
            certify(self.section, self.iteration, self.local.store(value.value))
        self.values.put(step, value)

    def _step(self, step: Step, values: Mapping[str, Any]) -> Any:
        operands, where = [self.values[name] for name in step.inputs], (self.section, self.iteration)
        match step.op:
            case "given":
                return given(step, values)
            case "compute":
                return computed(step, operands)
            case "encode":
                source, coins = self.plan.wires[step.inputs[0]], self.coins.get(step.wire.at)
                elements = encoded(step, source, operands[0], self.plan.modulus_field, coins, where)
                return Plain(elements)
            case "reveal" if step.wire.real:
                return sent(step, operands[0])
            case "decode":
                elements = self.local.store(operands[0].value)
                return decoded(step, self.plan.wires[step.inputs[0]], elements, self.plan.modulus_field)
            case _:
                coin = self.masks.mask(*where, step) if self._tossed(step) else None
                return rule_of(step)(Place(self.plan, self.local, coin, self.iteration), step, operands)

    def _tossed(self, step: Step) -> bool:
        return step.name in self.rounded or bool(step.word("noise")) or step.op == "truncate_local"

    def _carried(self, carry: Carry, value: Any, _name: str) -> Any:
        kept = stored(self.local, value)
        return Plain(kept.value) if isinstance(kept, Plain) and carry.wire.form != "masked" else kept


def rounded(plan: Plan) -> frozenset[str]:
    """The openings whose masks decide a rounding; the other ones need none here."""
    wanted: set[str] = set()
    carried = {carry.name: (carry.first, carry.then) for section in plan.sections for carry in section.carries}
    for step in reversed(list(plan.steps())):
        if step.op in ROUNDING or (step.name in wanted and step.op in LINEAR and step.wire.form == "masked"):
            wanted.update(step.inputs)
            wanted.update(name for source in step.inputs for name in carried.get(source, ()))
    return frozenset(step.name for step in plan.steps() if step.op == "mask" and step.name in wanted)
