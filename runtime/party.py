"""One party: carries out its half of a plan, section by section, round by round, over a channel.

All openings of a round that a party sends travel in one frame, in the order of the steps. Knows its own values, its
seed, and what it is sent; nothing of the other party's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.errors import InternalError, fail
from ppc.field import Words
from ppc.plan.messages import HEADER, payload, senders
from ppc.plan.steps import Plan, Section, Step
from ppc.runtime.channel import Channel, Header
from ppc.runtime.clear_steps import CLEAR
from ppc.runtime.desk import Desk
from ppc.runtime.hand import Hand
from ppc.runtime.keys import Coins, Seed, artifact_hash
from ppc.runtime.lazy import Local
from ppc.runtime.linear import ELEMENTWISE, MOVING
from ppc.runtime.local_steps import LINEAR_RULE, LOCAL
from ppc.runtime.meter import Meter
from ppc.runtime.openings import Opening, opening
from ppc.runtime.parcel import Layout
from ppc.runtime.received import checked
from ppc.runtime.values import Value

RULES: dict[str, Callable[[Desk, Step], Value]] = {
    **dict.fromkeys((*ELEMENTWISE, *MOVING, "window", "batch"), LINEAR_RULE),
    **LOCAL,
    **CLEAR,
}
Supply = Callable[[str, int], NDArray[np.uint8]]  # the dealer's corrections for a section and iteration


class Party:
    """A party of a run. `supply` is there for party 1 only; `watch` is shown every value, for tests."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        channel: Channel,
        seed: Seed,
        session: bytes,
        *,
        supply: Supply | None = None,
        coins: Coins | None = None,
        carried: Mapping[str, Words] | None = None,
        threads: int = 1,
        variant: str | None = None,
        watch: Callable[[Desk, Step, Value], None] | None = None,
    ) -> None:
        """`carried`: the shares with which an earlier run ended, where this one goes on from them."""
        self.plan, self.name, self.channel, self.supply = plan, name, channel, supply
        self.keys = seed.keys(session, name, artifact_hash(plan))
        local = Local(plan.modulus_field, threads=threads, variant=variant)
        self.desk = Desk(plan, name, local, coins or Coins(), carried)
        self.layouts = {section.name: Layout(plan, section) for section in plan.sections}
        self.meter = Meter()
        self.watch = watch

    def __repr__(self) -> str:
        return f"Party({self.name})"

    def run(self, section_name: str, iteration: int, given: Mapping[str, Any]) -> dict[str, Value]:
        """One pass through a section; its results by name, as far as they are this party's."""
        section, desk = self.plan.section(section_name), self.desk
        self._within(section, iteration)
        desk.begin(section, iteration, self._hand(section_name, iteration), given)
        for round_ in desk.values.schedules[section_name].rounds:
            if round_.openings:
                self._exchange(section, round_.number, round_.openings)
            for step in round_.local:
                self._keep(section, step, RULES[step.op](desk, step))
        desk.hand.taken()
        results = {result.name: desk.values[result.value] for result in section.results if self._receives(result.to)}
        desk.values.leave(section)
        return results

    def _within(self, section: Section, iteration: int) -> None:
        """What iterations add up is proved for so many of them."""
        most = min((step.integer("most") for step in section.steps if "most" in step.attrs), default=iteration + 1)
        if iteration >= most:
            raise fail(
                "PPC656",
                f"This is iteration {iteration:,}; what is added up in the plan has room for {most:,}.",
                hint="Evaluate fewer examples, or with a larger batch.",
            )

    def carried(self) -> dict[str, Words]:
        """This party's shares of what the last whole iteration handed on."""
        local, found = self.desk.local, self.desk.values.carried
        return {name: _share(name, value, self.plan, local) for name, value in found.items()}

    def _receives(self, to: str) -> bool:
        return to in ("", self.name)

    def _hand(self, section: str, iteration: int) -> Hand:
        parcel = None
        if self.supply is not None:
            parcel = self.layouts[section].coming(partial(self.supply, section, iteration))
        return Hand(self.desk.local, self.keys, section, iteration, parcel)

    def _keep(self, section: Section, step: Step, value: Value) -> None:
        self.desk.put(step, value)
        if self.watch is not None:
            self.watch(self.desk, step, self.desk.values[step.name])
        self.desk.values.done(section, step)

    # ---- one round ----

    def _exchange(self, section: Section, number: int, steps: Sequence[Step]) -> None:
        """Send the own frame, receive the peer's, and finish every opening of the round."""
        openings = [opening(self.desk, step) for step in steps]
        mine = self._sent(section, number, steps, openings)
        theirs = self._received(section, number, steps)
        for step, each in zip(steps, openings, strict=True):
            self._keep(section, step, each.read(mine.get(step.name), theirs.get(step.name)))

    def _parts(self, steps: Sequence[Step], sender: str) -> list[tuple[Step, int]]:
        """The openings in which a party sends, and the words of each."""
        sending = (step for step in steps if sender in senders(self.plan, step, self.plan.wires[step.inputs[0]]))
        return [(step, payload(self.plan, step) // 8) for step in sending]

    def _header(self, section: Section, number: int, parts: Sequence[tuple[Step, int]]) -> Header:
        return Header(section.name, self.desk.iteration, number, 8 * sum(size for _, size in parts))

    def _sent(
        self, section: Section, number: int, steps: Sequence[Step], openings: Sequence[Opening]
    ) -> dict[str, Words]:
        parts = self._parts(steps, self.name)
        header = self._header(section, number, parts)
        frame, room = header.frame()
        found = _split(room, parts)
        for step, each in zip(steps, openings, strict=True):
            if step.name in found:
                each.write(found[step.name])
                self.meter.message(section.name, step, self.name, found[step.name].nbytes)
        if header.length:
            self.channel.send(frame)
            self.meter.frame(section.name, number, self.name)
        return found

    def _received(self, section: Section, number: int, steps: Sequence[Step]) -> dict[str, Words]:
        parts = self._parts(steps, self.plan.peer(self.name))
        header = self._header(section, number, parts)
        if not header.length:
            return {step.name: np.empty(0, np.uint64) for step, _ in parts}
        found = _split(header.payload(self.channel.receive(HEADER + header.length, header)), parts)
        for step, _ in parts:
            checked(self.plan, step, found[step.name], header, self.plan.peer(self.name))
        return found


def _share(name: str, value: Value, plan: Plan, local: Local) -> Words:
    """A share as it is kept; that of the other party's own number is zero."""
    if value is None:
        return local.zeros(plan.wires[name].shape)
    if not isinstance(value, np.ndarray):
        raise InternalError(f"{name} is carried in another form than a share", place="run")
    return value


def _split(room: Words, parts: Sequence[tuple[Step, int]]) -> dict[str, Words]:
    found: dict[str, Words] = {}
    place = 0
    for step, size in parts:
        found[step.name] = room[place : place + size]
        place += size
    return found
