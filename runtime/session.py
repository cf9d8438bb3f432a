"""A whole run in one process: two parties in two threads, the dealer in a third, and a channel that counts.

What the parties compute is what separate processes would; only the channel and the dealer's delivery differ. If one of
them fails, the others end too, and the first failure is raised.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.field import Words
from ppc.plan.steps import Plan, Step
from ppc.runtime.channel import TIMEOUT, memory_channels
from ppc.runtime.dealer import Dealer
from ppc.runtime.desk import Desk
from ppc.runtime.keys import Coins, Seed
from ppc.runtime.meter import Meter
from ppc.runtime.party import Party
from ppc.runtime.values import Value

Given = Callable[[str, int], Mapping[str, Any]]  # by section and iteration
SESSION_BYTES = 16
AHEAD = 1  # how many parcels the dealer makes before they are needed


@dataclass(frozen=True, kw_only=True)
class Watchers:
    """For tests and the twin: shown every value of a party, and every mask of the dealer."""

    party: Callable[[Desk, Step, Value], None] | None = None
    dealer: Callable[[str, int, Step, Words], None] | None = None


@dataclass(kw_only=True)
class Outcome:
    """What a run left: results by party, in the order of the iterations, and what was carried."""

    results: dict[str, list[tuple[str, int, dict[str, Value]]]]
    meter: Meter
    sent: dict[str, int]  # bytes that the channel carried, by sender
    dealt: dict[str, int] = field(default_factory=dict[str, int])  # bytes of corrections, by section

    def result(self, party: str, section: str, iteration: int = 0) -> dict[str, Value]:
        return next(r for home, number, r in self.results[party] if (home, number) == (section, iteration))


def turns(section: str, iterations: int, start: int = 0) -> range:
    """Setup once, the middle section again and again, finish once."""
    return range(start, start + iterations) if section == "each" else range(1)


def passes(plan: Plan, iterations: int, start: int = 0) -> Iterator[tuple[str, int]]:
    """One after the other; there may be more than memory would hold."""
    return ((section.name, turn) for section in plan.sections for turn in turns(section.name, iterations, start))


def run_in_memory(
    plan: Plan,
    given: Mapping[str, Given],
    iterations: int = 1,
    *,
    public: Given | None = None,
    session: bytes | None = None,
    seeds: Sequence[Seed] | None = None,
    coins: Mapping[str, Coins] | None = None,
    timeout: float = TIMEOUT,
    variant: str | None = None,
    watch: Watchers | None = None,
) -> Outcome:
    """Run a plan. `given` has for each party what it is given; `public` is what the dealer may know of it."""
    return _Run(plan, given, iterations, public, session, seeds, coins, timeout, variant, watch or Watchers()).outcome()


class _Run:
    def __init__(
        self,
        plan: Plan,
        given: Mapping[str, Given],
        iterations: int,
        public: Given | None,
        session: bytes | None,
        seeds: Sequence[Seed] | None,
        coins: Mapping[str, Coins] | None,
        timeout: float,
        variant: str | None,
        watch: Watchers,
    ) -> None:
        self.plan, self.given, self.public, self.timeout = plan, given, public, timeout
        self.passes = list(passes(plan, iterations))
        self.parcels: Queue[NDArray[np.uint8]] = Queue(AHEAD)
        self.failed: list[BaseException] = []
        self.ended = Event()
        session = session or secrets.token_bytes(SESSION_BYTES)
        first, second, own = tuple(seeds) if seeds else (Seed(), Seed(), Seed())
        self.dealer = Dealer(plan, (first, second), session, own=own, variant=variant, watch=watch.dealer)
        self.channels = dict(zip(plan.parties, memory_channels(timeout), strict=True))
        self.parties = {
            name: self._party(name, seed, session, coins, variant, watch)
            for name, seed in zip(plan.parties, (first, second), strict=True)
        }
        self.out = Outcome(
            results={name: [] for name in plan.parties},
            meter=Meter(),
            sent={},
            dealt={name: layout.bytes for name, layout in self.dealer.layouts.items()},
        )

    def _party(
        self,
        name: str,
        seed: Seed,
        session: bytes,
        coins: Mapping[str, Coins] | None,
        variant: str | None,
        watch: Watchers,
    ) -> Party:
        return Party(
            self.plan,
            name,
            self.channels[name],
            seed,
            session,
            supply=self.supply if name == self.plan.parties[1] else None,
            coins=coins[name] if coins else None,
            variant=variant,
            watch=watch.party,
        )

    def outcome(self) -> Outcome:
        """Wait for all; the first failure is everybody's."""
        jobs = [self.deal, *(self._follower(name) for name in self.plan.parties)]
        threads = [Thread(target=self._guarded, args=(job,), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failed:
            raise self.failed[0]
        for name, party in self.parties.items():
            self.out.meter.merge(party.meter)
            self.out.sent[name] = self.channels[name].sent
        return self.out

    def _guarded(self, job: Callable[[], None]) -> None:
        """Whoever fails first closes the channels, so that nobody waits for what will not come."""
        try:
            job()
        except BaseException as error:
            self.failed.append(error)
            self.ended.set()
            for channel in self.channels.values():
                channel.close()

    def _follower(self, name: str) -> Callable[[], None]:
        def follow() -> None:
            for section, iteration in self.passes:
                values = self.given.get(name, _nothing)(section, iteration)
                found = self.parties[name].run(section, iteration, values)
                self.out.results[name].append((section, iteration, found))

        return follow

    def deal(self) -> None:
        for section, iteration in self.passes:
            parcel = self.dealer.deal(section, iteration, (self.public or _nothing)(section, iteration))
            while not self.ended.is_set():
                try:
                    self.parcels.put(parcel, timeout=0.1)
                    break
                except Full:
                    continue

    def supply(self, _section: str, _iteration: int) -> NDArray[np.uint8]:
        """The next parcel, unless the dealer has ended."""
        waited = 0.0
        while not self.ended.is_set() and waited < self.timeout:
            try:
                return self.parcels.get(timeout=0.1)
            except Empty:
                waited += 0.1
        raise fail("PPC652", "The dealer ended before the plan did.", hint="Read what it says.")


def _nothing(_section: str, _iteration: int) -> Mapping[str, Any]:
    return {}
