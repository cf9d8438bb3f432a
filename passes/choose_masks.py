"""choose-masks: the dealer makes the mask of a truncated product from the product of its operands' masks.

Assumes stage `masked`. At level 2, where a product is opened once, under a mask that only truncations and comparisons
read, `into` names that mask and the product has no share of its own: one correction less for each of its values
(PROTOCOL.md, section 7). The mask stays uniform, and it is used for this one value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.passes.plan_base import handed_on, users
from ppc.plan.steps import Plan, Step

READERS = frozenset({"truncate", "digits"})
# Steps that add the product, as it is, to something else. Of `subtract` and `add_channel` that is the first operand.
ADDING = frozenset({"add", "subtract", "add_channel", "reshape", "offset", "rescale"})


@dataclass(frozen=True)
class ChooseMasks:
    """Find the products that need no share."""

    name: ClassVar[str] = "choose-masks"

    def run(self, plan: Plan) -> Plan:
        if plan.level < 2:
            return plan
        chosen = _Choosing(plan).chosen()
        sections = tuple(
            replace(section, steps=tuple(_changed(step, chosen.get(step.name, "")) for step in section.steps))
            for section in plan.sections
        )
        return replace(plan, sections=sections)


def _changed(step: Step, mask: str) -> Step:
    if not mask:
        return step
    attrs = {key: value for key, value in step.attrs.items() if key != "share"}
    return replace(step, attrs={**attrs, "into": mask})


@dataclass
class _Choosing:
    plan: Plan

    def __post_init__(self) -> None:
        self.users = users(self.plan)
        self.handed_on = handed_on(self.plan)

    def chosen(self) -> dict[str, str]:
        """The mask for each product; a mask takes up one product only."""
        found: dict[str, str] = {}
        for step in self.plan.steps():
            mask = self.mask(step) if step.op == "product" else ""
            if mask and mask not in found.values():
                found[step.name] = mask
        return found

    def mask(self, product: Step) -> str:
        """The mask under which alone the product is opened, if it may be chosen."""
        last = product
        while True:
            readers = self.users.get(last.name, ())
            if last.name in self.handed_on or len(readers) != 1:
                return ""
            reader = readers[0]
            if reader.op == "mask":
                return reader.word("mask") if self.free(reader) else ""
            if reader.op not in ADDING or (reader.op != "add" and reader.inputs[0] != last.name):
                return ""
            last = reader

    def free(self, mask: Step) -> bool:
        """May λ be any uniform number? A short one is a sum of two; a product's reader would need it beforehand."""
        readers = self.users.get(mask.name, ())
        only = all(reader.op in READERS for reader in readers) and mask.name not in self.handed_on
        return only and bool(readers) and not mask.flag("short")
