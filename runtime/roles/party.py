"""A run of one party: every stretch of a request over a channel to the peer, with the dealer's part as it comes.

Counts what is really carried, beside what the plans say. Knows files and terminals of nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ppc.bundle import Bundle
from ppc.errors import PpcError
from ppc.field import Words
from ppc.plan.kept import ACCURACY
from ppc.plan.steps import Section
from ppc.runtime.channel import Channel
from ppc.runtime.checkpoint.common import mark_of
from ppc.runtime.checkpoint.left import left, write
from ppc.runtime.party import Party, Supply
from ppc.runtime.roles.brought import Array, Brought, given
from ppc.runtime.roles.counted import CountedChannel
from ppc.runtime.roles.course import Course
from ppc.runtime.roles.dealt import Dealt
from ppc.runtime.roles.public import frozen
from ppc.runtime.roles.request import Counts, Stretch, predicted
from ppc.runtime.roles.trace import Trace
from ppc.runtime.session import Given

RIGHT = "right"  # the result of an evaluation: how many answers are


@dataclass(kw_only=True)
class PartyRun:
    """One run. `moved` of `total` bytes says how far it is, at any time and from any thread."""

    bundle: Bundle
    channel: Channel
    dealt: Dealt
    session: bytes
    brought: Brought
    examples: int
    run: Sequence[Stretch]
    course: Course | None = None
    threads: int = 1
    trace: Trace | None = None
    steps: int = 0  # iterations that are done
    seconds: list[float] = field(default_factory=list[float])  # that each of them took
    results: dict[str, list[Array]] = field(default_factory=dict[str, list[Array]], repr=False)
    carried: dict[str, Words] = field(default_factory=dict[str, Words], repr=False)  # behind the last step

    def __post_init__(self) -> None:
        self.counted = CountedChannel(self.channel, self.trace.keep if self.trace else None)
        self.predicted = predicted(self.run, seeds=self.dealt.seeds(len({stretch.number for stretch in self.run})))
        self.index = self.bundle.parties.index(self.bundle.party)
        self.total = sum(self.predicted.sent) + self.predicted.dealt[self.index]
        self._parties: dict[int, Party] = {}

    @property
    def moved(self) -> int:
        return self.counted.sent + self.counted.received + self.dealt.received

    @property
    def all_steps(self) -> int:
        return sum(stretch.iterations for stretch in self.run if not stretch.measures)

    @property
    def said(self) -> str:
        """The numbers that this party sees in every step, as the last one left them."""
        found = {name: parts[-1] for name, parts in self.results.items() if parts and parts[-1].size == 1}
        return "  ".join(f"{name} {float(value.ravel()[0]):.4f}" for name, value in found.items())

    @property
    def measured(self) -> Counts:
        """What this party saw: of the dealer its own part only."""
        mine, theirs = self.counted.sent, self.counted.received
        sent = (mine, theirs) if self.index == 0 else (theirs, mine)
        dealt = (self.dealt.received, 0) if self.index == 0 else (0, self.dealt.received)
        return Counts(sent=sent, dealt=dealt, rounds=self.counted.rounds)

    def carry_out(self) -> dict[str, Array]:
        """All stretches; this party's results by name, without padding."""
        for stretch in self.run:
            self._stretch(stretch)
        found = {name: self._whole(parts) for name, parts in self.results.items()}
        return {**found, **self._public(found)}

    def _public(self, found: Mapping[str, Array]) -> dict[str, Array]:
        """Who is given a model is given all of it: the public layers too, which this party has already."""
        if not any(name in found for name in self.bundle.released()):
            return {}
        return {name: self.brought.whole[name] for name in frozen(self.run[0].plan)}

    def _stretch(self, stretch: Stretch) -> None:
        party, values, trains = self._party(stretch), self._given(stretch), self._trains(stretch)
        for section, iteration in stretch.passes:
            start = perf_counter()
            self._keep(stretch.plan.section(section), self._pass(party, section, iteration, values, trains=trains))
            if section == "each" and not stretch.measures:
                self.steps += 1
                self.seconds.append(perf_counter() - start)
        if trains:
            self.carried = party.carried()

    def _trains(self, stretch: Stretch) -> bool:
        return self.course is not None and not stretch.measures

    def _party(self, stretch: Stretch) -> Party:
        """The party of a stretch, which may go on with an earlier one."""
        self.counted.begin()
        seed, salt, supply = self.dealt.stretch(stretch, self.session)
        party = self._parties.get(stretch.number) or Party(
            stretch.plan,
            self.bundle.party,
            self.counted,
            seed,
            salt,
            carried=self.course.carried if self.course and self._trains(stretch) else None,
            threads=self.threads,
            watch=self.trace.step if self.trace else None,
        )
        party.supply = self._traced(supply)
        if not stretch.closes:  # it is wanted again
            self._parties[stretch.number] = party
        return party

    def _given(self, stretch: Stretch) -> Given:
        name, course = self.bundle.party, self.course
        if course is None:
            return given(stretch, name, self.brought)
        if stretch.measures:
            return given(stretch, name, course.tests(self.carried))
        return given(stretch, name, course.brought(), course.lessons)

    def leave(self, path: Path) -> None:
        """Write this party's shares of what was trained; behind one step both parties' have one mark."""
        if self.course is not None:
            mark = mark_of(self.session, self.course.stop)
            write(path, left(self.course.wishes.plan, self.bundle.party, mark, self.carried))

    def _pass(self, party: Party, section: str, iteration: int, values: Given, *, trains: bool) -> dict[str, Any]:
        """One pass; of a training, what it leaves is kept before the next one begins."""
        course, act = (
            self.course if trains else None,
            partial(party.run, section, iteration, values(section, iteration)),
        )
        if course is not None and section == "finish":
            course.releases()
        try:
            found = self._timed(f"{section} {iteration}", act)
        except PpcError as error:
            if course is None or section != "each":
                raise
            raise course.ended(iteration, party.carried(), error) from None
        if course is not None and section == "setup":
            course.begins(party.carried())
        if course is not None and section == "each":
            course.done(iteration + 1, party.carried())
        return found

    def _timed(self, name: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return self.trace.around("pass", name, act) if self.trace else act()

    def _traced(self, supply: Supply | None) -> Supply | None:
        trace = self.trace
        if supply is None or trace is None:
            return supply
        return lambda section, turn: trace.around("dealer", f"{section} {turn}", lambda: supply(section, turn))

    def _keep(self, section: Section, found: dict[str, Any]) -> None:
        """What is this party's in clear; a value that stays on shares is nobody's result."""
        for result in section.results:
            if result.to and result.name in found:
                self._result(result.name, np.asarray(found[result.name]))

    def _result(self, name: str, value: Array) -> None:
        """Right answers are told as a part of all."""
        if self.course is not None and self.course.request.tests and name == RIGHT:
            name, value = ACCURACY, value / self.course.request.tests
        self.results.setdefault(name, []).append(value)

    def _whole(self, parts: list[Array]) -> Array:
        """Batches in one array, examples of padding dropped; what comes once an iteration, in its order."""
        sizes = {stretch.plan.batch for stretch in self.run}
        if not self.bundle.training and all(part.ndim and part.shape[0] in sizes for part in parts):
            return np.concatenate(parts)[: self.examples]
        return parts[0] if len(parts) == 1 else np.stack(parts)
