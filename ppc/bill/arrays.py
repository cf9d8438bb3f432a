"""Which stored arrays a value is made of at a party: what one pass over memory reads.

Steps marked `inline` are computed where they are read, so their arrays are those of their operands. An array has a name
and a number of elements; a plane of bits counts as a 64th. What is zero at a party has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from ppc.bill.products import mask_owner
from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire

Arrays = Mapping[str, int]
NONE: Arrays = {}
PLANE = 64  # bits of a word


class Holdings:
    """One party's arrays of any value of a plan."""

    def __init__(self, plan: Plan, party: int) -> None:
        self.plan, self.party, self.name = plan, party, plan.parties[party]
        self._shares: dict[str, Arrays] = {}

    @cached_property
    def first(self) -> bool:
        return self.party == 0

    def wire(self, name: str) -> Wire:
        return self.plan.wires[name]

    def knows_mask(self, name: str) -> bool:
        """Whether this party has a share of a masked value's mask: the owner of it alone, where there is one."""
        return mask_owner(self.plan.by_name, name) in ("", self.name)

    def share(self, name: str) -> Arrays:
        """What this party's share of a value is computed from."""
        if name not in self._shares:
            self._shares[name] = self._share(name)
        return self._shares[name]

    def _share(self, name: str) -> Arrays:
        wire, step = self.wire(name), self.plan.by_name.get(name)
        match wire.form:
            case "clear":
                return {name: wire.size} if wire.at == self.name else NONE
            case "public":
                return {name: wire.size} if self.first else NONE
            case "masked":
                return {**(self.opened(name) if self.first else NONE), **self.mask(name)}
            case "truncated":
                assert step is not None
                return {**self.opened(step.inputs[0]), **self.upper(step)}
            case "bit":
                return self.bit(name)
            case _:
                return self.expression(step) if step and step.flag("inline") else {name: wire.size}

    def upper(self, step: Step) -> Arrays:
        """Of a truncated value the shares of R and of its high bit."""
        return {f"{step.name} R": step.wire.size, f"{step.name} ρ": step.wire.size}

    def opened(self, name: str) -> Arrays:
        step = self.plan.by_name.get(name)
        if step is not None and step.flag("inline") and self.wire(name).form == "masked":
            return self.opened(step.inputs[0])
        return {f"{name} e": self.wire(name).size}

    def mask(self, name: str) -> Arrays:
        step = self.plan.by_name.get(name)
        if not self.knows_mask(name):
            return NONE
        if step is not None and step.flag("inline") and self.wire(name).form == "masked":
            return self.mask(step.inputs[0])
        return {f"{name} λ": self.wire(name).size}

    def bit(self, name: str) -> Arrays:
        """One threshold's: an opened plane, and the share of its mask as a number."""
        size = self.wire(name).size
        return {f"{name} c": size // PLANE, f"{name} λ": size}

    def expression(self, step: Step) -> Arrays:
        """What an element-wise step reads, where it is computed."""
        found: dict[str, int] = {}
        if step.op == "select":
            found |= self.bit(step.inputs[0])
            found |= self._chosen(step)
        elif step.op == "polynomial":
            found |= {**self.opened(step.inputs[0]), **self.mask(step.inputs[0])}
            found |= {f"{step.name} λ^{k}": step.wire.size for k in range(2, len(step.integers("coefficients")))}
        else:
            for name in step.inputs:
                found |= self.share(name)
        return found

    def _chosen(self, step: Step) -> Arrays:
        """Of `select`: what it chooses from, and the shares of the bit's mask times its secrets."""
        x, size = step.inputs[1], step.wire.size
        made = self.plan.by_name.get(x)
        if self.wire(x).form == "masked":
            return {**self.opened(x), **self.mask(x), f"{step.name} λλ": size}
        assert made is not None
        both = {f"{step.name} λR": size, f"{step.name} λρ": size}
        return {**self.opened(made.inputs[0]), **self.upper(made), **both}


def size(arrays: Arrays) -> int:
    return sum(arrays.values())
