"""The server with real participants over TLS: it agrees with one process, and outlives those who fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from unittest.mock import Mock

import numpy as np
import pytest

from ppc.cli.crowd import certificates
from ppc.errors import PpcError
from ppc.ir.selective import Clip, Selective
from ppc.runtime.keyring import open_folder
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.letters import Letters
from ppc.runtime.wire.link import dial
from ppc.runtime.wire.listener import Listener
from ppc.selective import ParameterServer, Participant, Progress, guest, letters, train
from ppc.selective.host import Arrival, Host
from ppc.selective.message import Sparse
from ppc.selective.rounds import exchanges_a_round
from ppc.selective.state import keep_participant, keep_server, resumed_participant, resumed_server
from tests.selective.small import FACTS, group

Behaviour = Callable[[Letters, Participant], None]


def honest(line: Letters, one: Participant) -> None:
    guest.attend(one, line, lambda: {"steps": float(one.steps)}, lambda _: None, lambda _: None)


def answering(text: Callable[[Participant], bytes]) -> Behaviour:
    """Takes its first turn, and answers with something else."""

    def behave(line: Letters, one: Participant) -> None:
        line.receive(letters.to_participant(one.facts, one.layout.size))
        line.receive(letters.to_participant(one.facts, one.layout.size))
        line.send(letters.UPDATE, text(one))
        line.receive({})

    return behave


def reporting(said: bytes) -> Behaviour:
    """Takes all its turns, and says something else of its model."""

    def behave(line: Letters, one: Participant) -> None:
        send = line.send

        def changed(kind: int, text: bytes = b"") -> None:
            send(kind, said if kind == letters.REPORT else text)

        line.send = changed
        honest(line, one)

    return behave


def leaving(line: Letters, _: Participant) -> None:
    line.close()


def silent(line: Letters, one: Participant) -> None:
    for _ in range(3):
        line.receive(letters.to_participant(one.facts, one.layout.size))


def sparse(one: Participant, **changes: object) -> bytes:
    size = one.layout.size
    found = Sparse(size, 0, np.arange(size, dtype=np.uint32), np.zeros(size, np.float32))
    return replace(found, **changes).encoded()  # pyright: ignore[reportArgumentType]


def full(one: Participant, value: float) -> bytes:
    return sparse(one, values=np.full(one.layout.size, value, np.float32))


HOSTILE: dict[str, Behaviour] = {
    "leaves": leaving,
    "says nothing": silent,
    "nothing": answering(lambda _: b""),
    "not a number": answering(lambda one: full(one, float("nan"))),
    "infinite": answering(lambda one: full(one, float("inf"))),
    "beyond the clip": answering(lambda one: full(one, 2.0)),
    "another model": answering(lambda one: sparse(one, size=one.layout.size + 1)),
    "outside": answering(lambda one: sparse(one, indices=np.arange(one.layout.size, dtype=np.uint32) + 1)),
    "twice": answering(lambda one: sparse(one, indices=np.zeros(one.layout.size, np.uint32))),
    "too long": answering(lambda one: sparse(one) + b"\0"),
}


def together(
    folder: Path,
    facts: Selective,
    server: ParameterServer,
    parties: list[Participant],
    behave: Mapping[int, tuple[Behaviour, ...]],
    claims: Mapping[int, int] | None = None,
) -> tuple[dict[int, dict[str, float]], list[Progress], list[str]]:
    """A whole training: the server here, each participant in a thread with a line of its own; one with several
    behaviours leaves after each, and comes back for the next. Each has ten examples, or says that it has more."""
    rings = certificates(folder, facts.participants)
    hello = Hello(role="server", party="server", plan="p")
    listener = Listener(("127.0.0.1", 0), open_folder(rings["server"]), hello, expects=("participant",))

    def attend(one: Participant) -> None:
        ring = open_folder(rings[str(one.number + 1)])
        mine = Hello(role="participant", party=ring.own.party, plan="p")
        for again in behave.get(one.number, (honest,)):
            line = Letters(dial(("127.0.0.1", listener.port), ring, mine, expects=("server",)))
            with suppress(PpcError):
                again(line, one)
            line.close()

    threads = [Thread(target=attend, args=(one,)) for one in parties]
    for thread in threads:
        thread.start()
    first = [listener.accept(10) for _ in parties]
    seen: list[Progress] = []
    said: list[str] = []

    def arrived() -> Iterator[Arrival]:
        back = [listener.accept(10) for one in host.dropped if len(behave[one]) > 1]
        for link in (*first, *back):
            number = int(link.peer.party[12:]) - 1
            yield Arrival(number, Letters(link, computing=facts.wait), (claims or {}).get(number, 10))
        first.clear()

    host = Host(facts, server, arrived, said.append, seen.append)
    try:
        host.run(lambda _: None)
        return host.reports(), seen, said
    finally:
        listener.close()
        for line in host.lines.values():
            line.close()
        for thread in threads:
            thread.join()


def test_processes_agree_with_one_process_bit_for_bit(tmp_path: Path) -> None:
    facts = replace(FACTS, wait=10.0)
    alone, parties = group(facts)
    expected = list(train(facts, alone, parties))

    server, parties = group(facts)
    reports, seen, said = together(tmp_path, facts, server, parties, {})

    assert server.vector.tolist() == alone.vector.tolist()
    assert seen == expected
    assert said == []
    assert reports == {one: {"steps": 6.0} for one in range(3)}


def test_the_server_counts_uploads_of_which_only_the_participant_knows() -> None:
    """It was killed within a round: what was sent in it is spent, and told, and not asked for beyond the budget."""
    lines = [Mock(), Mock()]
    came = [Arrival(0, lines[0], 10, 4), Arrival(1, lines[1], 10, 0)]
    host = Host(FACTS, group(FACTS)[0], lambda: iter(came), print, print, over=1)
    host.welcome()

    assert host.uploads == {0: 4, 1: exchanges_a_round(FACTS, 10)}


@pytest.mark.parametrize(
    "text",
    [b"[" * 4_000, b'{"steps": 1' + b"0" * 400 + b"}", b'{"steps": 1e999}', b'{"steps": []}', b'"steps"', b"\xff"],
    ids=["deep", "large", "infinite", "a list", "a word", "no text"],
)
def test_a_report_that_is_none_is_passed_over(tmp_path: Path, text: bytes) -> None:
    server, parties = group(replace(FACTS, wait=10.0))

    reports, seen, _ = together(tmp_path, FACTS, server, parties, {1: (reporting(text),)})

    assert len(seen) == len(list(train(FACTS, *group(FACTS))))
    assert reports == {0: {"steps": 6.0}, 1: {}, 2: {"steps": 6.0}}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_participant_that_fails_is_dropped_and_the_others_go_on(tmp_path: Path, name: str) -> None:
    facts = replace(FACTS, least=2, wait=0.5, clip=Clip(bound=1.0))
    server, parties = group(facts)

    reports, seen, said = together(tmp_path, facts, server, parties, {1: (HOSTILE[name],)})

    assert {one.participant for one in seen} == {0, 2}
    assert len(seen) == 4
    assert sorted(reports) == [0, 2]
    assert said[0].startswith("participant 2 is dropped: ")
    assert np.isfinite(server.vector).all()


@pytest.mark.parametrize("name", ["leaves", "says nothing", "not a number"])
def test_a_participant_that_comes_back_has_its_next_turn(tmp_path: Path, name: str) -> None:
    facts = replace(FACTS, least=2, wait=0.5)
    server, parties = group(facts)

    reports, seen, said = together(tmp_path, facts, server, parties, {1: (HOSTILE[name], honest)})

    assert [one.participant for one in seen] == [0, 2, 0, 1, 2]
    assert said[0].startswith("participant 2 is dropped: ")
    assert said[1:] == ["participant 2 is back"]
    assert sorted(reports) == [0, 1, 2]


def test_of_what_a_participant_claims_ten_times_the_median_counts(tmp_path: Path) -> None:
    """Ten million examples are as a hundred: 25 exchanges of four each, where the others have three."""
    facts = replace(FACTS, exchange=1, rounds=2, wait=5.0)
    server, parties = group(facts)

    _, seen, said = together(tmp_path, facts, server, parties, {}, {1: 10_000_000})

    assert [one.participant for one in seen] == 2 * [*3 * [0], *25 * [1], *3 * [2]]
    assert said == ["participant 2 says it has 10,000,000 examples; 100 count, ten times the median of all"]


def test_with_too_few_the_training_stops(tmp_path: Path) -> None:
    facts = replace(FACTS, wait=5.0)
    server, parties = group(facts)

    with pytest.raises(PpcError) as caught:
        together(tmp_path, facts, server, parties, {1: (leaving,)})

    assert caught.value.diagnostics[0].code == "PPC683"


def test_a_participant_whose_weights_are_no_numbers_sends_nothing(tmp_path: Path) -> None:
    facts = replace(FACTS, rate=1e38, least=1, wait=5.0)
    server, parties = group(facts)

    said: list[str] = []

    def attend(line: Letters, one: Participant) -> None:
        try:
            honest(line, one)
        except PpcError as error:
            said.append(error.diagnostics[0].code)

    with pytest.raises(PpcError, match="participants are left"):
        together(tmp_path, facts, server, parties, dict.fromkeys(range(3), (attend,)))

    assert "PPC682" in said

    assert np.isfinite(server.vector).all()


def test_a_training_goes_on_from_its_checkpoints_as_if_nothing_had_happened(tmp_path: Path) -> None:
    facts = replace(FACTS, rounds=4)
    whole, parties = group(facts)
    list(train(facts, whole, parties))

    half = replace(facts, rounds=2)
    server, parties = group(half)
    list(train(half, server, parties))
    keep_server(tmp_path, server, 2)
    for one in parties:
        keep_participant(tmp_path, one, 2)

    server, parties = group(half)
    assert resumed_server(tmp_path, server) == 2
    assert all(resumed_participant(tmp_path, one, 2) for one in parties)
    list(train(half, server, parties))

    assert server.vector.tolist() == whole.vector.tolist()
    assert server.version == whole.version


def test_what_is_no_checkpoint_of_this_training_is_refused(tmp_path: Path) -> None:
    server, (one, *_) = group(FACTS)
    with pytest.raises(PpcError, match="no checkpoint"):
        resumed_server(tmp_path, server)
    assert not resumed_participant(tmp_path, one, 3)

    keep_server(tmp_path, ParameterServer(np.zeros(5, np.float32)), 1)
    with pytest.raises(PpcError, match="5 parameters"):
        resumed_server(tmp_path, server)

    (tmp_path / "server.1.npz").write_bytes(b"cut")
    with pytest.raises(PpcError) as caught:
        resumed_server(tmp_path, server)
    assert caught.value.diagnostics[0].code == "PPC684"
