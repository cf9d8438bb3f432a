"""Updates on shares: what is opened, what is not, and what each of the two aggregators sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from ppc.cli.crowd import certificates
from ppc.errors import PpcError
from ppc.field import Words
from ppc.ir.selective import Clip, Noise, Selective, Upload
from ppc.runtime.keyring import open_folder
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.letters import Letters
from ppc.runtime.wire.link import dial
from ppc.runtime.wire.listener import Listener
from ppc.selective import ParameterServer, Participant, Progress, adding, guest, letters, train
from ppc.selective.aggregator import Aggregator
from ppc.selective.host import Arrival, Host
from ppc.selective.remembered import Memory, Tags
from ppc.selective.state import order_seed, passed_over, resumed_participant
from ppc.sharing import MODULUS, shares
from tests.selective.small import FACTS, group, network

DENSE = replace(FACTS, aggregate="additive", clip=Clip(bound=1.0), upload=Upload(share=0.1, how="largest"), wait=10.0)
SPARSE = replace(DENSE, upload=Upload(share=0.3, how="random"))
Behaviour = Callable[[Letters, Letters, Participant], None]


def honest(line: Letters, second: Letters, one: Participant) -> None:
    guest.attend(one, line, lambda: {"steps": float(one.steps)}, second=second)


@dataclass
class World:
    """A whole training over TLS on this machine, every role in a thread of its own."""

    folder: Path
    facts: Selective
    behave: dict[int, Behaviour]
    aggregator: Aggregator

    def run(self, server: ParameterServer, parties: list[Participant]) -> tuple[list[Progress], list[str]]:
        rings = certificates(self.folder, self.facts.participants)
        hellos = {name: Hello(role=name, party=name, plan="p") for name in ("server", "aggregator")}
        listeners = {
            name: Listener(("127.0.0.1", 0), open_folder(rings[name]), hellos[name], expects=("participant", "server"))
            for name in hellos
        }
        threads = [Thread(target=self.participant, args=(one, rings, listeners)) for one in parties]
        for thread in threads:
            thread.start()
        arrivals = {name: [listener.accept(20) for _ in parties] for name, listener in listeners.items()}
        for link in arrivals["aggregator"]:
            self.aggregator.welcome(int(link.peer.party[12:]) - 1, Letters(link))
        aim = ("127.0.0.1", listeners["aggregator"].port)
        second = Letters(dial(aim, open_folder(rings["server"]), hellos["server"], expects=("aggregator",)))
        theirs = Letters(listeners["aggregator"].accept(20))
        threads.append(Thread(target=self.serve, args=(theirs,)))
        threads[-1].start()
        came = [Arrival(int(link.peer.party[12:]) - 1, Letters(link, computing=5.0), 10) for link in arrivals["server"]]
        seen: list[Progress] = []
        said: list[str] = []

        def arrived() -> Iterator[Arrival]:
            while came:
                yield came.pop()

        host = Host(self.facts, server, arrived, said.append, seen.append, second=second)
        try:
            host.run(lambda _: None)
        finally:
            for line in (*host.lines.values(), second, theirs):
                line.close()
            self.aggregator.close()
            for listener in listeners.values():
                listener.close()
            for thread in threads:
                thread.join()
        return seen, said

    def participant(self, one: Participant, rings: dict[str, Path], listeners: dict[str, Listener]) -> None:
        ring = open_folder(rings[str(one.number + 1)])
        mine = Hello(role="participant", party=ring.own.party, plan="p")
        second, line = (
            Letters(dial(("127.0.0.1", listeners[name].port), ring, mine, expects=(name,)))
            for name in ("aggregator", "server")
        )
        try:
            self.behave.get(one.number, honest)(line, second, one)
        except PpcError:
            pass
        finally:
            line.close()
            second.close()

    def serve(self, theirs: Letters) -> None:
        try:
            self.aggregator.serve(theirs)
        except PpcError:
            theirs.close()


def world(folder: Path, facts: Selective, behave: dict[int, Behaviour] | None = None) -> World:
    return World(folder, facts, behave or {}, Aggregator(facts, len(group(facts)[0].vector)))


@pytest.mark.parametrize("facts", [DENSE, SPARSE], ids=["dense", "sparse"])
def test_processes_agree_with_one_process_bit_for_bit(tmp_path: Path, facts: Selective) -> None:
    alone, parties = group(facts)
    expected = list(train(facts, alone, parties))

    server, parties = group(facts)
    seen, said = world(tmp_path, facts).run(server, parties)

    assert server.vector.tolist() == alone.vector.tolist()
    assert seen == expected
    assert said == []


def first_turn(line: Letters, one: Participant) -> tuple[bytes, int]:
    allowed = letters.to_participant(one.facts, one.layout.size)
    line.receive(allowed)
    _, text = line.receive(allowed)
    return text[: adding.TAG], one.facts.shared(one.layout.size)


def half(line: Letters, second: Letters, one: Participant) -> None:
    """Its share comes to the server alone."""
    tag, size = first_turn(line, one)
    line.send(letters.SHARE, adding.share_text(tag, np.ones(size, np.uint64)))
    second.close()
    line.receive({})


def other_half(line: Letters, second: Letters, one: Participant) -> None:
    """Its share comes to the second aggregator alone."""
    tag, size = first_turn(line, one)
    second.send(letters.SHARE, adding.share_text(tag, np.ones(size, np.uint64)))


def no_element(line: Letters, second: Letters, one: Participant) -> None:
    tag, size = first_turn(line, one)
    line.send(letters.SHARE, adding.share_text(tag, np.full(size, MODULUS, np.uint64)))
    line.receive({})


def other_round(line: Letters, second: Letters, one: Participant) -> None:
    _, size = first_turn(line, one)
    line.send(letters.SHARE, adding.share_text(bytes(adding.TAG), np.ones(size, np.uint64)))
    line.receive({})


FAILING = {"half": half, "other half": other_half, "no element": no_element, "another round": other_round}


@pytest.mark.parametrize("name", FAILING)
def test_who_fails_is_left_out_by_both_before_anything_is_opened(tmp_path: Path, name: str) -> None:
    facts = replace(DENSE, least=2, wait=2.0)
    alone, parties = group(facts)
    others = [parties[0], parties[2]]
    list(train(facts, alone, others))

    server, parties = group(facts)
    seen, said = world(tmp_path, facts, {1: FAILING[name]}).run(server, parties)

    assert server.vector.tolist() == alone.vector.tolist()
    assert [one.participant for one in seen] == [0, 2, 0, 2]
    assert said[0].startswith("participant 2 is dropped: ")


@pytest.mark.parametrize("name", FAILING)
def test_no_partial_sum_is_opened_when_somebody_who_is_needed_fails(tmp_path: Path, name: str) -> None:
    facts = replace(DENSE, wait=2.0)
    server, parties = group(facts)
    before = server.vector.copy()
    found = world(tmp_path, facts, {1: FAILING[name]})

    with pytest.raises(PpcError) as caught:
        found.run(server, parties)

    assert caught.value.diagnostics[0].code == "PPC683"
    assert server.vector.tolist() == before.tolist()
    assert found.aggregator.sums == 0


def test_the_second_aggregator_that_leaves_ends_the_training_with_nothing_opened(tmp_path: Path) -> None:
    server, parties = group(DENSE)
    before = server.vector.copy()
    found = world(tmp_path, DENSE)
    found.serve = lambda theirs: theirs.close()

    with pytest.raises(PpcError) as caught:
        found.run(server, parties)

    assert caught.value.diagnostics[0].code == "PPC686"
    assert server.vector.tolist() == before.tolist()


def holding(facts: Selective, tag: bytes, *who: int) -> Aggregator:
    found = Aggregator(replace(facts, wait=0.01), 53)
    found.held = {one: (tag, np.full(facts.shared(53), one + 1, np.uint64)) for one in who}
    return found


def sum_of(found: Aggregator, tag: bytes, *asked: int) -> tuple[tuple[int, ...], list[int]]:
    _, who, total = adding.total_of(found.answer(tag, asked)[1], found.facts.shared(53), 3)
    return who, total.tolist()


def test_the_second_aggregator_sums_under_a_tag_over_one_set_only() -> None:
    """From two sums over different participants the difference would be somebody's update."""
    tag, facts = b"t" * 16, replace(DENSE, least=2)
    found = holding(facts, tag, 0, 1, 2)

    assert sum_of(found, tag, 0, 1, 2) == ((0, 1, 2), [6] * 53)
    found.held = holding(facts, tag, 0, 1).held
    assert found.answer(tag, (0, 1)) == (letters.GIVEN, tag)
    found.held = holding(facts, tag, 0, 1, 2).held
    assert sum_of(found, tag, 0, 1, 2) == ((0, 1, 2), [6] * 53)


@pytest.mark.parametrize("asked", [(0,), (0, 0, 0), ()])
def test_the_second_aggregator_gives_out_no_sum_of_one(asked: tuple[int, ...]) -> None:
    tag = b"t" * 16

    assert sum_of(holding(replace(DENSE, least=1), tag, 0, 1), tag, *asked) == ((), [])


def unevenness(share: Words) -> float:
    """The chi-square of the sixteenths that 32,000 elements fall into; beyond 90 by chance once in 10^12 times."""
    seen = np.bincount((share >> np.uint64(57)).astype(np.int64), minlength=16)
    return float(((seen - 2000) ** 2 / 2000).sum())


def test_one_share_of_an_update_is_uniform() -> None:
    assert all(unevenness(share) < 90 for share in shares(np.zeros(32_000, np.int64), 2))


def test_what_a_turn_sends_to_each_of_the_two_is_uniform_and_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(32_000, dtype=np.int64) - 16_000
    monkeypatch.setattr(Participant, "contribution", lambda *_: values)
    server, parties = group(DENSE)
    question = b"t" * adding.TAG + server.download(DENSE.downloaded(len(server.vector))).encoded()

    def sent() -> list[Words]:
        made = guest.turned(parties[0], question, lambda _: None, Memory())
        return [adding.share_of(text, 32_000)[1] for _, text in made]

    first, second = sent(), sent()

    assert adding.opened(*first).tolist() == adding.opened(*second).tolist() == values.tolist()
    assert all(unevenness(share) < 90 for share in (*first, *second))
    assert all((one == other).sum() < 10 for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize(("exchange", "tag"), [(1, b"u"), (2, b"t")], ids=["another tag", "another exchange"])
def test_an_update_goes_under_one_tag_only(tmp_path: Path, exchange: int, tag: bytes) -> None:
    """Nothing is sent, whoever asks; the memory is that of the folder."""
    server, parties = group(DENSE)
    download = server.download(DENSE.downloaded(len(server.vector))).encoded()
    guest.turned(parties[0], b"t" * adding.TAG + download, lambda _: None, Memory.of(tmp_path, "0.tags"))
    again = group(DENSE)[1][0]
    again.exchanges = exchange - 1

    with pytest.raises(PpcError, match="PPC687"):
        guest.turned(again, tag * adding.TAG + download, lambda _: None, Memory.of(tmp_path, "0.tags"))


def test_tags_are_those_of_the_training(tmp_path: Path) -> None:
    tags = Tags.of(tmp_path, False)

    assert Tags.of(tmp_path, True).tag(3, 1) == tags.tag(3, 1)
    assert len({Tags().tag(3, 1), tags.tag(3, 1), tags.tag(1, 3), tags.training}) == 4
    (tmp_path / "server.tags").unlink()
    with pytest.raises(PpcError, match="PPC684"):
        Tags.of(tmp_path, True)


def test_a_memory_that_is_damaged_is_refused_and_an_unfinished_line_is_none(tmp_path: Path) -> None:
    path = tmp_path / "sums"
    path.write_bytes(b"aa 0,1\nbb 0")
    found = Memory.of(tmp_path, "sums")
    found.add("bb", "1,2")

    assert found.lines == Memory.of(tmp_path, "sums").lines == {"aa": "0,1", "bb": "1,2"}
    path.write_bytes(b"\xff\n")
    with pytest.raises(PpcError, match="PPC684"):
        Memory.of(tmp_path, "sums")


def test_who_has_no_checkpoint_does_not_answer_again_what_it_answered(tmp_path: Path) -> None:
    one = group(DENSE)[1][0]
    memory = Memory.of(tmp_path, "0.tags")
    memory.add("7", "ab")
    passed_over(tmp_path, one, 3, memory)

    assert (one.exchanges, one.steps) == (7, 7 * one.steps_each)
    assert resumed_participant(tmp_path, group(DENSE)[1][0], 3)


def test_a_seed_of_its_own_is_kept(tmp_path: Path) -> None:
    assert order_seed(tmp_path, 0) == order_seed(tmp_path, 0) != order_seed(None, 0)
    (tmp_path / "participant_0.seed").write_text("no seed")
    with pytest.raises(PpcError, match="PPC684"):
        order_seed(tmp_path, 0)


def test_the_largest_sum_that_the_plan_allows_comes_out_right() -> None:
    facts = replace(DENSE, participants=1000, clip=Clip(bound=4e7))
    assert not facts.overflows
    assert replace(facts, clip=Clip(bound=1e8)).overflows

    each = adding.encoded(facts, np.array([4e7, -4e7, 9e9], np.float32))
    parts = np.stack([np.stack(shares(each, 2)) for _ in range(1000)])
    sums = adding.opened(
        *(np.array([sum(map(int, column)) % MODULUS for column in parts[:, at].T], np.uint64) for at in (0, 1))
    )

    assert (sums / 2**24).tolist() == [4e10, -4e10, 4e10]


def test_a_sum_beyond_the_clip_is_not_used() -> None:
    sums = np.array([3 * 2**24 + 4], np.int64)

    with pytest.raises(PpcError, match="beyond the clip"):
        adding.mean_update(SPARSE, 53, 0, sums, 3)


def test_blindly_chosen_places_are_public_and_the_same_for_all() -> None:
    _, parties = group(SPARSE)
    size = parties[0].layout.size
    updates = np.random.default_rng(0).normal(size=(3, size)).astype(np.float32)

    found = {tuple(one.selected(update, 7).tolist()) for one, update in zip(parties, updates, strict=True)}

    assert found == {tuple(adding.public_places(SPARSE, size, 7).tolist())}
    assert adding.public_places(SPARSE, size, 7).tolist() != adding.public_places(SPARSE, size, 8).tolist()


@pytest.mark.parametrize(
    ("upload", "noise", "elements"),
    [
        (Upload(share=0.1, how="largest"), "none", 53),
        (Upload(share=0.1, how="random", above=1e-3), "none", 53),
        (Upload(share=0.1, how="random"), "sparse_vector", 53),
        (Upload(share=0.1, how="random"), "gaussian", 5),
        (Upload(share=0.1, how="random"), "none", 5),
    ],
)
def test_a_choice_that_tells_of_the_data_is_dense(upload: Upload, noise: str, elements: int) -> None:
    facts = replace(DENSE, upload=upload, noise=Noise(kind=noise, amount=1.0))  # pyright: ignore[reportArgumentType]

    assert facts.shared(53) == elements
    assert network().graph  # the model of 53 parameters is that of the other tests
