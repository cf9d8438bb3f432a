"""Votes over TLS of which winners alone are opened: a server, a second aggregator, a dealer, and who fails of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from ppc import winner_program
from ppc.cli.crowd import certificates
from ppc.collaborative import Worker, letters
from ppc.collaborative.compared import Compared, Comparison
from ppc.collaborative.guest import Attendance
from ppc.collaborative.host import Host, Newcomer
from ppc.collaborative.mesh import Mesh
from ppc.collaborative.privacy import statement
from ppc.collaborative.second import Second
from ppc.collaborative.state import Spent
from ppc.collaborative.winners import Pair, winners
from ppc.errors import PpcError
from ppc.ir.collaborative import Collaborative
from ppc.runtime.keyring import open_folder
from ppc.runtime.roles.brought import Brought
from ppc.runtime.roles.deal import DealerService
from ppc.runtime.roles.meeting import Terms
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.letters import Letters
from ppc.runtime.wire.link import Link, dial
from ppc.runtime.wire.listener import Listener
from ppc.sharing import MODULUS
from tests.collaborative.test_processes import FACTS, PATE, group

WINNER = replace(PATE, opened="winner", amount=0.01)
TWO = replace(FACTS, least=2, wait=3.0)
PUBLIC = torch.rand(6, 6, generator=torch.Generator().manual_seed(1))
HERE = "127.0.0.1"
Behaviour = Callable[[Attendance], object]


@dataclass
class World:
    """Votes of workers over TLS, every role in a thread of its own; the server is here."""

    folder: Path
    facts: Collaborative = TWO
    behave: dict[int, Behaviour] = field(default_factory=dict[int, Behaviour])
    dealt: Callable[[Listener, DealerService], None] = lambda listener, service: service.serve(listener)
    served: Callable[[Second, Letters], None] = Second.serve
    idle: float = 30.0
    patience: float = 10.0
    said: list[str] = field(default_factory=list[str])
    failed: Queue[PpcError] = field(default_factory=lambda: Queue())

    def __post_init__(self) -> None:
        self.rings = certificates(self.folder / "rings", self.facts.workers, mesh=True)
        self.workers = group(self.facts)
        expects = ("participant", "server")
        self.listeners = {name: self._listener(name, expects) for name in ("server", "aggregator")}
        self.service = DealerService(
            bundle=winner_program.bundle_of(self.facts, WINNER, 3, "dealer"),
            brought=Brought(),
            say=self.said.append,
            roles=("aggregator", "server"),
        )
        self.listeners["dealer"] = self._listener("dealer", ("aggregator", "server"), self.service.answer)
        self.ports = {name: listener.port for name, listener in self.listeners.items()}
        self.links: Queue[Link] = Queue()
        self.second = Second(
            facts=self.facts,
            pate=WINNER,
            classes=3,
            compare=lambda share: self._comparison("aggregator").carry_out(lambda: self.links.get(timeout=20), share),
            look=lambda: self._comparison("aggregator").look(),
            spent=Spent.of(self.folder, "aggregator"),
        )

    def _listener(self, name: str, expects: tuple[str, ...], answer: Any = None) -> Listener:
        return Listener((HERE, 0), open_folder(self.rings[name]), answer or self._hello(name), expects=expects)

    def _hello(self, name: str) -> Hello:
        own = open_folder(self.rings[name]).own
        return Hello(role=own.role, party=own.party, plan="p")

    def _comparison(self, name: str) -> Comparison:
        role = {"aggregator": "client"}.get(name, name)
        return Comparison(
            bundle=winner_program.bundle_of(self.facts, WINNER, 3, role),
            name=winner_program.HISTOGRAM,
            keyring=open_folder(self.rings[name]),
            dealer=(HERE, self.ports["dealer"]),
            terms=Terms(patience=self.patience, idle=self.idle, insecure_local=True),
        )

    def _dial(self, name: str, to: str) -> Link:
        return dial((HERE, self.ports[to]), open_folder(self.rings[name]), self._hello(name), expects=(to,))

    # ---- the roles ----

    def run(self) -> tuple[Compared, int]:
        threads = [Thread(target=self._caught, args=(act,)) for act in self._roles()]
        for thread in threads:
            thread.start()
        host = Host(self.facts, self._arrived, self.said.append, spent=Spent.of(self.folder, "server"))
        while len(host.there) < self.facts.workers:
            host.welcome()
        comparison = self._comparison("server")
        pair = Pair(
            line=Letters(self._dial("server", "aggregator")),
            compare=lambda share: comparison.carry_out(lambda: self._dial("server", "aggregator"), share),
            look=comparison.look,
        )
        try:
            return winners(host, pair, WINNER, 6, 3)
        finally:
            pair.end()
            host.close()
            self.service.stop.set()
            for thread in threads:
                thread.join(20)
            assert not any(thread.is_alive() for thread in threads)
            for listener in self.listeners.values():
                listener.close()

    def _caught(self, act: Callable[[], None]) -> None:
        try:
            act()
        except PpcError as error:
            self.failed.put(error)

    def _roles(self) -> Iterator[Callable[[], None]]:
        yield lambda: self.dealt(self.listeners["dealer"], self.service)
        yield self._aggregator
        for one in self.workers:
            yield lambda one=one: self._attend(one)

    def _aggregator(self) -> None:
        while (link := self.listeners["aggregator"].accept(20)).peer.role != "server":
            self.second.welcome(int(link.peer.party[12:]), Letters(link))
        line, ended = Letters(link), Event()
        door = Thread(target=self._welcome, args=(ended,))
        door.start()
        try:
            self.served(self.second, line)
        finally:
            line.close()
            ended.wait(0.3)  # in which the server may still dial for a comparison
            ended.set()
            door.join()
            self.second.close()

    def _welcome(self, ended: Event) -> None:
        """The server comes again for each comparison; who is not asked in is sent away at the end."""
        while not ended.is_set():
            if isinstance(link := self.listeners["aggregator"].poll(0.02), Link):
                self.links.put(link)
        with suppress(Empty):
            while True:
                self.links.get_nowait().close()

    def _arrived(self) -> list[Newcomer]:
        found = self.listeners["server"].poll(0.05)
        if not isinstance(found, Link):
            return []
        number = int(found.peer.party[12:])
        return [Newcomer(number=number, line=Letters(found), place=(HERE, 1), examples=10)]

    def _attend(self, one: Worker) -> None:
        name = str(one.number + 1)
        attendance = Attendance(
            worker=one,
            second=Letters(self._dial(name, "aggregator")),
            line=Letters(self._dial(name, "server")),
            mesh=Mesh(one.number + 1, lambda _: None, 0.05),
            reach=Mock(),
            begin=Mock(),
            keep=Mock(),
            report=dict,
            pate=WINNER,
            public=PUBLIC,
        )
        assert attendance.second is not None
        try:
            self.behave.get(one.number + 1, Attendance.attend)(attendance)
        finally:
            attendance.line.close()
            attendance.second.close()

    @property
    def votes(self) -> Any:
        return [one.votes(PUBLIC) for one in self.workers]


def test_winners_over_tls_are_those_of_the_votes_and_carry_what_the_plan_says(tmp_path: Path) -> None:
    """With hardly any noise; where workers tie, any of their classes may win."""
    world = World(tmp_path)

    found, times = world.run()

    counts = np.sum(world.votes, 0)
    assert counts[np.arange(6), found.classes].tolist() == counts.max(1).tolist()
    assert times == world.second.voted == 1
    assert found.measured.sent == found.predicted.sent
    assert found.measured.dealt[1] == found.predicted.dealt[1]
    assert found.measured.rounds == found.predicted.rounds
    assert world.second.taken == 3 * (letters.LENGTH.size + letters.ASKED.size + 4 * 3 + 8 * 6 * 3)
    assert world.failed.empty()


def to_its_vote(one: Attendance) -> bytes:
    while (found := one.line.receive(letters.of_worker(3)))[0] != letters.VOTE:
        pass
    return found[1]


def half(one: Attendance) -> None:
    """Its share comes to the server alone."""
    to_its_vote(one)
    one.line.send(letters.PARTIAL, bytes(8 * 18))
    one.line.receive({})


def other_half(one: Attendance) -> None:
    """Its share comes to the second aggregator alone."""
    call = to_its_vote(one)
    assert one.second is not None
    one.second.send(letters.SHARE, letters.vote_share(call, np.zeros(18, np.uint64)))


def no_element(one: Attendance) -> None:
    call = to_its_vote(one)
    assert one.second is not None
    one.second.send(letters.SHARE, letters.vote_share(call, np.full(18, MODULUS, np.uint64)))
    one.line.send(letters.PARTIAL, bytes(8 * 18))
    one.line.receive({})


HOSTILE: dict[str, Behaviour] = {"half": half, "other half": other_half, "no element": no_element}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_worker_that_is_not_at_both_is_left_out_before_anything_is_compared(tmp_path: Path, name: str) -> None:
    """The others vote again, each with more noise; both votes count."""
    world = World(tmp_path, behave={2: HOSTILE[name]})

    found, times = world.run()

    counts = np.sum([world.votes[0], world.votes[2]], 0)
    assert counts[np.arange(6), found.classes].tolist() == counts.max(1).tolist()
    assert (times, world.second.compared) == (2, 1)
    assert Spent.of(tmp_path, "server").read() == (2, 12)
    assert world.said[0].startswith("worker 2 is dropped: ")


def nobody(listener: Listener, _service: DealerService) -> None:
    listener.close()


def leaving(listener: Listener, _service: DealerService) -> None:
    """Is there, greets both parties, and goes."""
    for _ in range(4):
        listener.accept(10).close()


def half_there(listener: Listener, _service: DealerService) -> None:
    """The second aggregator finds it, and the server does not."""
    listener.accept(10).close()
    listener.close()


@pytest.mark.parametrize("dealt", [nobody, half_there])
def test_a_dealer_that_is_not_there_costs_no_vote(
    tmp_path: Path, dealt: Callable[[Listener, DealerService], None]
) -> None:
    """Started again, it finds the vote that the program pays for."""
    with pytest.raises(PpcError, match=r"PPC686.*none was taken"):
        World(tmp_path, dealt=dealt, patience=0.5).run()

    assert [Spent.of(tmp_path, name).read() for name in ("server", "aggregator")] == [(0, 0), (0, 0)]


def test_a_dealer_that_leaves_before_the_comparison_opens_no_winner_and_the_votes_count(tmp_path: Path) -> None:
    world = World(tmp_path, dealt=leaving, patience=2.0)

    with pytest.raises(PpcError, match="PPC686") as caught:
        world.run()

    assert "no winner was opened" in str(caught.value)
    assert "PPC686" in str(world.failed.get(timeout=60))
    assert world.second.compared == 1
    assert [Spent.of(tmp_path, name).read() for name in ("server", "aggregator")] == [(1, 6), (1, 6)]


def to_its_sum(line: Letters) -> None:
    """There before the vote, and asked for its sum."""
    line.receive({letters.READY: 0})
    line.send(letters.READY)
    line.receive({letters.ADD: 100})


def asleep(_second: Second, line: Letters) -> None:
    """Adds up, and does not come to the comparison."""
    to_its_sum(line)
    line.send(letters.MISSING, b"[]")


def answering(text: bytes) -> Callable[[Second, Letters], None]:
    def served(_second: Second, line: Letters) -> None:
        to_its_sum(line)
        line.send(letters.MISSING, text)

    return served


def leaving_before_the_vote(_second: Second, line: Letters) -> None:
    line.close()


def hindered(_second: Second, line: Letters) -> None:
    line.receive({letters.READY: 0})
    line.send(letters.READY, b"no dealer")


@pytest.mark.parametrize("served", [leaving_before_the_vote, hindered])
def test_a_second_aggregator_that_cannot_compare_costs_no_vote(
    tmp_path: Path, served: Callable[[Second, Letters], None]
) -> None:
    with pytest.raises(PpcError, match=r"PPC686.*none was taken"):
        World(tmp_path, served=served).run()

    assert Spent.of(tmp_path, "server").read() == (0, 0)


@pytest.mark.parametrize(
    "served",
    [
        asleep,
        lambda _, line: to_its_sum(line),
        answering(b"["),
        answering(b'{"a": 1}'),
        answering(b"[7]"),
        answering(b"7"),
    ],
    ids=["no comparison", "leaves", "no JSON", "no list", "not called", "a number"],
)
def test_a_second_aggregator_that_fails_ends_the_votes_with_nothing_opened(
    tmp_path: Path, served: Callable[[Second, Letters], None]
) -> None:
    world = World(tmp_path, served=served, idle=2.0, patience=2.0)

    with pytest.raises(PpcError, match="PPC686"):
        world.run()

    assert Spent.of(tmp_path, "server").read() == (1, 6)


def test_a_worker_without_a_line_to_the_second_aggregator_sends_nothing() -> None:
    line = Mock()
    line.receive.side_effect = [(letters.VOTE, letters.called(1, [1, 2, 3], 6))]
    one = Attendance(
        worker=group(TWO)[0],
        line=line,
        mesh=Mesh(1, lambda _: None, 0.05),
        reach=Mock(),
        begin=Mock(),
        keep=Mock(),
        report=dict,
        pate=WINNER,
        public=PUBLIC,
    )

    with pytest.raises(PpcError, match="PPC687"):
        one.attend()
    line.send.assert_not_called()


def test_what_goes_with_the_labels_has_nothing_of_the_counts() -> None:
    """The same epsilon as of the histogram, which is opened to nobody."""
    found, histogram = statement(WINNER, 6, 1, 3), statement(replace(WINNER, opened="histogram"), 6, 1, 3)

    assert found["opened"] == "winner"
    assert found["epsilon"] == histogram["epsilon"]
    assert "estimate_from_the_counts" not in found
