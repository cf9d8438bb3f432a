"""What roles work out before they run: requests and their stretches, padding, addresses, room for sessions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import sleep
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ppc import bundle, bundling
from ppc.bill.memory import peak
from ppc.bundle import Bundle
from ppc.cli import machine, party_verb
from ppc.errors import PpcError, fail
from ppc.passes.checks.verdict import accepted
from ppc.runtime.roles import meeting, request
from ppc.runtime.roles.brought import Brought, given, wanted_rows
from ppc.runtime.roles.deal import DealerService
from ppc.runtime.roles.lessons import AS_GIVEN, lessons_of
from ppc.runtime.roles.request import Request
from ppc.runtime.roles.service import Service
from ppc.runtime.roles.trace import MOST, Trace, events
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.link import Link
from tests.end_to_end.machines import TINY

ABOVE_ZERO = TINY.replace("in 0..1", "in 0.5..1")


def opened(folder: Path, role: str, text: str = TINY, **options: object) -> Bundle:
    made = bundling.at_batches(text, **options)  # pyright: ignore[reportArgumentType]
    return bundle.read(bundle.write(bundling.program(made), folder) / role, accepted)


@dataclass(frozen=True, kw_only=True)
class Held(Link):
    """A link of which only the end is looked at."""

    closed: list[str]

    @classmethod
    def of(cls, role: str, theirs: Hello, closed: list[str]) -> Held:
        peer, line = cast("Any", SimpleNamespace(role=role)), cast("Any", None)
        return cls(session=b"s" * 16, peer=peer, theirs=theirs, outgoing=line, incoming=line, closed=closed)

    def close(self) -> None:
        self.closed.append(self.peer.role)


def asking(found: Bundle) -> Hello:
    """What a party says to whom it asks for two examples."""
    return request.hello_of(found, 2, told=request.told_to_dealer(Request(examples=2), b"s" * 16))


class Queue:
    """What a listener has of links that came one after the other; after the last one the service is to end."""

    def __init__(self, stop: Event, *links: Link) -> None:
        self._stop, self._links = stop, list(links)

    def poll(self, _timeout: float) -> Link:
        if len(self._links) == 1:
            self._stop.set()
        return self._links.pop(0)

    def close(self) -> None:
        pass


def refused(code: str, error: PpcError) -> None:
    assert [one.code for one in error.diagnostics] == [code]
    assert error.diagnostics[0].hint


def test_a_request_is_whole_batches_and_the_rest_padded(tmp_path: Path) -> None:
    found = request.stretches(opened(tmp_path, "client", batches=(2, 4)), Request(examples=11))

    assert [(one.plan.batch, one.iterations, one.first) for one in found] == [(4, 3, 0)]
    found = request.stretches(opened(tmp_path, "client", batches=(2, 4)), Request(examples=9))
    assert [(one.plan.batch, one.iterations, one.first) for one in found] == [(4, 2, 0), (2, 1, 8)]
    assert len({one.session(b"s" * 16) for one in found}) == 2


def test_padding_lies_within_the_bounds(tmp_path: Path) -> None:
    """A row of padding is encoded as any other, so zero may not do."""
    found = opened(tmp_path, "client", ABOVE_ZERO, batches=(4,))
    (stretch,) = request.stretches(found, Request(examples=3))
    (wanted,) = wanted_rows(stretch.plan, "hospital")
    values = given(stretch, "hospital", Brought(rows={"row": np.ones((3, 6))}))("each", 0)["row"]

    assert (wanted.name, wanted.shape, wanted.rows) == ("row", (6,), None)
    assert values[3].tolist() == [0.5] * 6
    assert given(stretch, "lab", Brought())("each", 0) == {}


def test_an_epoch_is_whole_batches_in_an_order_that_has_a_seed(tmp_path: Path) -> None:
    found = opened(tmp_path, "client", train=True)
    (stretch,) = request.stretches(found, Request(examples=5))
    rows = np.arange(30.0).reshape(5, 6)
    brought = Brought(rows={"row": rows, "labels": np.eye(5, 3)})

    def taken(seed: bytes) -> list[list[int]]:
        lessons = lessons_of(found, 5, seed)
        values = given(stretch, "hospital", brought, lessons)
        return [(values("each", step)["row"][:, 0] / 6).astype(int).tolist() for step in range(lessons.steps)]

    assert stretch.iterations == 4  # two epochs of two batches of two; the fifth example is left out
    assert taken(AS_GIVEN) == [[0, 1], [2, 3], [0, 1], [2, 3]]
    first, second, *more = taken(b"s" * 32)
    assert len({*first, *second}) == 4
    assert [first, second] != more
    assert taken(b"s" * 32) == [first, second, *more] != taken(b"t" * 32)


def test_a_training_is_dealt_for_from_a_step_to_a_step(tmp_path: Path) -> None:
    found = opened(tmp_path, "client", train=True)
    (stretch,) = request.stretches(found, Request(examples=5, start=1, stop=3))

    assert (list(stretch.passes), stretch.whole) == ([("setup", 0), ("each", 1), ("each", 2), ("finish", 0)], 4)
    for wrong in (Request(examples=5, start=5), Request(examples=5, start=2, stop=1), Request(examples=5, stop=9)):
        with pytest.raises(PpcError) as caught:
            request.stretches(found, wrong)
        refused("PPC668", caught.value)
    with pytest.raises(PpcError) as caught:
        request.stretches(found, Request(examples=1))
    refused("PPC576", caught.value)


@pytest.mark.parametrize(("ours", "theirs"), [(None, b""), (3, b"4"), (3, b"three"), (3, b"9" * 30)])
def test_examples_on_which_the_sides_do_not_agree(tmp_path: Path, ours: int | None, theirs: bytes) -> None:
    other = Hello(role="server", party="lab", plan="", told={"examples": theirs})
    with pytest.raises(PpcError) as caught:
        request.agreed_examples(opened(tmp_path, "client"), ours, other)
    refused("PPC668", caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("there", ("there", 7440)),
        ("192.0.2.7:80", ("192.0.2.7", 80)),
        ("[2001:db8::1]", ("2001:db8::1", 7440)),
        ("[2001:db8::1]:1", ("2001:db8::1", 1)),
    ],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert meeting.address(text) == found


@pytest.mark.parametrize("text", ["", ":80", "here:", "here:port", "here:65536", "[]:80"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        meeting.address(text)


def test_this_machine_by_any_name() -> None:
    assert meeting.same_machine("localhost")
    assert meeting.same_machine("127.0.0.77")
    for everything in ("0.0.0.0", "0", "::", "::ffff:0.0.0.0", "::1"):
        assert meeting.same_machine(everything)
    for other in ("192.0.2.7", "2001:db8::7"):
        assert not meeting.same_machine(other)


def test_a_second_address_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent there leaves from another one; where a system lets anything be bound, that says nothing."""

    def never(*_: object) -> bool:
        return False

    def always(*_: object) -> bool:
        return True

    monkeypatch.setattr(meeting, "_always_here", never)
    monkeypatch.setattr(meeting, "_leaves_from", never)
    assert meeting.same_machine("127.0.0.77")
    assert not meeting.same_machine("192.0.2.7")
    monkeypatch.setattr(meeting, "_binds", always)
    assert not meeting.same_machine("127.0.0.77")


def test_no_more_sessions_than_there_is_room_for(tmp_path: Path) -> None:
    """A server and a dealer say so to whoever comes too much."""
    server, dealer = opened(tmp_path, "server"), opened(tmp_path, "dealer")
    hello = request.hello_of(server, 2, told=request.told_to_dealer(Request(examples=2), b"s" * 16))
    full = Service(hello=hello, carry_out=lambda _link: "", say=print, most=0)
    service = DealerService(bundle=dealer, brought=Brought(), say=print, most=0)
    for answer in (full.answer, service.answer):
        with pytest.raises(PpcError) as caught:
            answer(None, hello)  # pyright: ignore[reportArgumentType]
        refused("PPC650", caught.value)


def test_a_machine_without_threads_sends_away_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server and a dealer: one session is refused, and the service is still there."""

    def refuse(_self: Thread) -> None:
        raise RuntimeError("can't start new thread")

    hello, lines = asking(opened(tmp_path, "server")), list[str]()
    closed: list[str] = []
    server = Service(hello=hello, carry_out=lambda _link: "", say=lines.append)
    dealer = DealerService(bundle=opened(tmp_path, "dealer"), brought=Brought(), say=lines.append)
    monkeypatch.setattr(Thread, "start", refuse)
    server.serve(cast("Any", Queue(server.stop, Held.of("client", hello, closed))))
    dealer.serve(cast("Any", Queue(dealer.stop, *(Held.of(role, hello, closed) for role in ("client", "server")))))

    assert [line.count("PPC650") for line in lines] == [1, 1]
    assert closed == ["client", "client", "server"]


class Stalled:
    """The dealer's end towards a party that takes nothing, until the link is closed."""

    written = held = 0

    def __init__(self, link: Held, *, idle: float) -> None:
        self.link = link
        del idle

    def send(self, *_parcel: object) -> None:
        while not self.link.closed:
            sleep(0.01)
        raise fail("PPC652", "The link was closed.")

    def close(self) -> None:
        pass


def test_a_dealer_that_is_to_end_waits_for_nobody_who_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ppc.runtime.roles.deal.ParcelSender", Stalled)
    dealt, lines, closed = opened(tmp_path, "dealer"), list[str](), list[str]()
    service = DealerService(bundle=dealt, brought=Brought(), say=lines.append, drain=0.2)
    links = [Held.of(role, asking(dealt), closed) for role in ("client", "server")]
    serving = Thread(target=service.serve, args=(Queue(service.stop, *links),), daemon=True)
    serving.start()
    serving.join(20)

    assert not serving.is_alive()
    assert "takes nothing, and the dealer is to end" in lines[0]
    assert [one.diagnostics[0].code for one in service.failed] == ["PPC652"]


@pytest.mark.parametrize(("told", "code"), [({}, "PPC669"), ({"session": b"s" * 16}, "PPC669")])
def test_a_party_that_tells_the_dealer_too_little(tmp_path: Path, told: dict[str, bytes], code: str) -> None:
    service = DealerService(bundle=opened(tmp_path, "dealer"), brought=Brought(), say=print)
    with pytest.raises(PpcError) as caught:
        service.answer(None, Hello(role="client", party="hospital", plan="", told=told))  # pyright: ignore[reportArgumentType]
    refused(code, caught.value)


def test_a_run_that_does_not_fit_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a party, and by a dealer before it deals."""
    run = request.stretches(opened(tmp_path, "client"), Request(examples=1))
    dealer = opened(tmp_path, "dealer")
    service = DealerService(
        bundle=dealer, brought=Brought(), say=print, fits=lambda run: party_verb.fits(run, party_verb.DEALER)
    )
    hello = request.hello_of(dealer, 2, told=request.told_to_dealer(Request(examples=2), b"s" * 16))

    def asked() -> object:
        return service.answer(None, hello)  # pyright: ignore[reportArgumentType]

    party_verb.fits(run, 0)
    asked()
    monkeypatch.setattr(machine, "free_memory", lambda: 1)
    for begin in (lambda: party_verb.fits(run, 0), asked):
        with pytest.raises(PpcError) as caught:
            begin()
        refused("PPC658", caught.value)


def test_a_dealer_needs_room_for_what_it_sends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside its values."""
    run = request.stretches(opened(tmp_path, "client"), Request(examples=1))
    values = max(peak(run[0].plan, section).roles[party_verb.DEALER] for section in run[0].plan.sections)
    monkeypatch.setattr(machine, "free_memory", lambda: values)
    with pytest.raises(PpcError) as caught:
        party_verb.fits(run, party_verb.DEALER)
    refused("PPC658", caught.value)


def test_a_trace_is_bounded() -> None:
    trace = Trace()
    for _ in range(MOST + 1):
        trace.keep(("compute", "x", 0, 1))

    assert len(trace.spans) == MOST
    assert len(events("lab", 1, trace.spans[:3])) == 5
