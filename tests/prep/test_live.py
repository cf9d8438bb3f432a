"""A dealer that is there: the right answer, as many parcels on the way as the window says, and clean ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np
import pytest

from ppc.errors import InternalError, PpcError
from ppc.field import Words
from ppc.runtime.channel import MemoryChannel, memory_channels
from ppc.runtime.party import Party
from ppc.runtime.prep.ahead import Ahead
from ppc.runtime.prep.live import WINDOW, LiveDealer, LiveSupply
from ppc.runtime.session import passes
from tests.prep.hosts import OTHER, PARTIES, PLAN
from tests.runtime.test_failures import refused

SESSION = bytes(range(16))
GIVEN = {"hospital": {"x.real": np.arange(6) / 4}, "lab": {"w.real": np.ones(6) / 2}}


class Run:
    """A dealer and two parties, each in a thread of its own."""

    def __init__(self, iterations: int = 3, *, timeout: float = 20) -> None:
        self.iterations = iterations
        self.pairs = [memory_channels(timeout) for _ in PARTIES]
        self.peers = memory_channels(timeout)
        self.failed: list[BaseException] = []
        self.threads: list[Thread] = []
        self.dealer = LiveDealer(PLAN, (self.pairs[0][0], self.pairs[1][0]), SESSION, iterations=iterations)

    def start(self, act: Callable[[], object]) -> None:
        def guarded() -> None:
            try:
                act()
            except BaseException as error:
                self.failed.append(error)

        self.threads.append(Thread(target=guarded, daemon=True))
        self.threads[-1].start()

    def end(self) -> None:
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()

    def party(self, role: int, found: list[Any]) -> None:
        name = PARTIES[role]
        source = LiveSupply(PLAN, name, self.pairs[role][1], SESSION, iterations=self.iterations)
        party = Party(PLAN, name, self.peers[role], source.seed, source.salt, supply=source.supply)
        for section, turn in passes(PLAN, self.iterations):
            given = {key: value for key, value in GIVEN[name].items() if (key == "w.real") == (section == "setup")}
            found.append(party.run(section, turn, given))
        source.close()


def test_a_run() -> None:
    run = Run()
    found: list[list[Any]] = [[], []]
    run.start(run.dealer.run)
    for role in (0, 1):
        run.start(lambda role=role: run.party(role, found[role]))
    run.end()
    assert run.failed == []
    for role in (0, 1):
        for results in found[role][1:]:
            assert np.allclose(np.asarray(results["product"], float), np.arange(6) / 8)


def test_bytes_are_the_plans() -> None:
    """Party 0 gets a seed, party 1 a seed, and for each pass a header and what the plan says."""
    run = Run()
    run.start(run.dealer.run)
    for role in (0, 1):
        run.start(lambda role=role: run.party(role, []))
    run.end()
    layouts = run.dealer.layouts
    planned = sum(16 + layouts[section].bytes for section, _ in passes(PLAN, 3))
    assert run.pairs[0][0].sent == 32
    assert run.pairs[1][0].sent == 32 + planned


def test_back_pressure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A party that takes nothing gets no more than the window; the dealer makes no more than two beyond it."""
    made: list[str] = []
    from ppc.runtime.dealer import Dealer

    deal = Dealer.deal

    def counted(self: Dealer, section: str, iteration: int, public: Any = None) -> Any:
        made.append(section)
        return deal(self, section, iteration, public)

    monkeypatch.setattr(Dealer, "deal", counted)
    run = Run(iterations=20)
    run.start(run.dealer.run)
    run.start(lambda: LiveSupply(PLAN, PARTIES[0], run.pairs[0][1], SESSION, iterations=20))
    source = LiveSupply(PLAN, PARTIES[1], run.pairs[1][1], SESSION, iterations=20)
    supply = source.supply
    assert supply is not None
    for taken, (section, turn) in enumerate(passes(PLAN, 20)):
        time.sleep(0.3 if taken < 3 else 0)
        assert len(made) <= taken + WINDOW + 3
        assert supply(section, turn).size == run.dealer.layouts[section].bytes
    run.end()
    assert run.failed == []


@pytest.mark.parametrize("wrong", ["plan", "session", "iterations", "role"])
def test_greetings_that_differ(wrong: str) -> None:
    run = Run()
    plan = OTHER if wrong == "plan" else PLAN
    session = bytes(16) if wrong == "session" else SESSION
    iterations = 4 if wrong == "iterations" else 3
    run.start(lambda: LiveSupply(PLAN, PARTIES[0], run.pairs[0][1], SESSION, iterations=3))
    name = PARTIES[0 if wrong == "role" else 1]
    run.start(lambda: LiveSupply(plan, name, run.pairs[1][1], session, iterations=iterations))
    assert wrong in str(refused("PPC553", run.dealer.run)).replace("number of iterations", "iterations")
    run.end()


def test_a_dealer_that_ends_early() -> None:
    """Party 1 is told at its next parcel."""
    run = Run()
    run.start(run.dealer.run)
    source: list[LiveSupply] = []
    run.start(lambda: LiveSupply(PLAN, PARTIES[0], run.pairs[0][1], SESSION, iterations=3))
    source.append(LiveSupply(PLAN, PARTIES[1], run.pairs[1][1], SESSION, iterations=3))
    run.pairs[1][1].close()
    run.end()
    assert [error.diagnostics[0].code for error in run.failed if isinstance(error, PpcError)] == ["PPC652"]
    supply = source[0].supply
    assert supply is not None

    def all_of_it() -> None:
        for section, turn in passes(PLAN, 3):
            supply(section, turn)

    refused("PPC652", all_of_it)


def test_parcels_out_of_order() -> None:
    run = Run()
    run.start(run.dealer.run)
    run.start(lambda: LiveSupply(PLAN, PARTIES[0], run.pairs[0][1], SESSION, iterations=3))
    source = LiveSupply(PLAN, PARTIES[1], run.pairs[1][1], SESSION, iterations=3)
    supply = source.supply
    assert supply is not None
    refused("PPC651", lambda: supply("each", 1))
    source.close()
    run.end()


def test_an_acknowledgement_of_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    run.start(run.dealer.run)
    channel = run.pairs[0][1]
    send = MemoryChannel.send

    def changed(self: MemoryChannel, frame: Words) -> None:
        send(self, frame + np.uint64(1) if self is channel and frame.size == 2 else frame)

    monkeypatch.setattr(MemoryChannel, "send", changed)
    run.start(lambda: LiveSupply(PLAN, PARTIES[0], channel, SESSION, iterations=3))
    LiveSupply(PLAN, PARTIES[1], run.pairs[1][1], SESSION, iterations=3)
    run.end()
    assert [error.diagnostics[0].code for error in run.failed if isinstance(error, PpcError)] == ["PPC651"]


def test_nothing_secret_is_shown() -> None:
    run = Run()
    assert "hidden" in repr(run.dealer)
    with pytest.raises(InternalError):
        LiveSupply(PLAN, PARTIES[0], run.pairs[0][1], b"short")


def test_items_ahead() -> None:
    """In order, never more than the depth, and errors where they belong."""
    made: list[int] = []

    def numbers() -> Any:
        for number in range(5):
            made.append(number)
            yield number
        raise ValueError("the end")

    ahead = Ahead(numbers(), 1)
    found = [next(ahead)]
    time.sleep(0.2)
    assert len(made) <= 3
    found += [next(ahead) for _ in range(4)]
    assert found == list(range(5))
    with pytest.raises(ValueError, match="the end"):
        next(ahead)
    ahead.close()
    with pytest.raises(StopIteration):
        next(ahead)
    early: Ahead[int] = Ahead(iter(range(100)))
    next(early)
    early.close()
