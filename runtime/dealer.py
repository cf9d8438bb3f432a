"""The dealer: makes party 1's corrections for every pass through a section, and sees no data.

It draws both parties' hands from their seeds, follows the masks of all values through the plan, and writes what party 1
must add to its own draws so that both shares fit (PROTOCOL.md, sections 2 to 7). Fresh secrets in every iteration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.plan.steps import Carry, Plan
from ppc.runtime.dealing import deal_step
from ppc.runtime.hand import Hand
from ppc.runtime.keys import Keys, Seed, artifact_hash
from ppc.runtime.lazy import Local
from ppc.runtime.parcel import Layout
from ppc.runtime.rooms import Rooms
from ppc.runtime.schedule import Scope
from ppc.runtime.table import Known, Table, Watch


class Dealer:
    """`public` holds the public given values, by name: a public map of a masked value maps its mask too."""

    def __init__(
        self,
        plan: Plan,
        seeds: tuple[Seed, Seed],
        session: bytes,
        *,
        own: Seed | None = None,
        threads: int = 1,
        variant: str | None = None,
        watch: Watch | None = None,
    ) -> None:
        artifact = artifact_hash(plan)
        self.plan, self.watch = plan, watch
        self.local = Local(plan.modulus_field, threads=threads, variant=variant)
        self._keys: tuple[Keys, ...] = tuple(
            seed.keys(session, name, artifact) for seed, name in zip(seeds, plan.parties, strict=True)
        )
        self._own = (own or Seed()).keys(session, "dealer", artifact)
        self.layouts = {section.name: Layout(plan, section) for section in plan.sections}
        self.values: Scope[Known] = Scope(plan, _carried)
        self._rooms = Rooms()

    def __repr__(self) -> str:
        return "Dealer(hidden)"

    def deal(self, section_name: str, iteration: int, public: Mapping[str, Any] | None = None) -> NDArray[np.uint8]:
        """Party 1's corrections for one pass; sections and iterations come in the order of the run."""
        section = self.plan.section(section_name)
        hands = [Hand(self.local, keys, section_name, iteration) for keys in (*self._keys, self._own)]
        parcel = self.layouts[section_name].empty(self._rooms)
        drawn = (hands[0], hands[1], hands[2])
        table = Table(self.plan, self.local, self.values, drawn, parcel, public or {}, self.watch)
        self.values.enter(section)
        for step in self.values.schedules[section_name].order:
            self.values.put(step, deal_step(table, step))
            self.values.done(section, step)
        self.values.leave(section)
        return parcel.data


def _carried(_carry: Carry, value: Known, _name: str) -> Known:
    return value
