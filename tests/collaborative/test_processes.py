"""Server and workers over TLS: they agree with one process, open nothing partial, and outlive those who fail."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from ppc import compiler
from ppc.cli.crowd import certificates
from ppc.collaborative import Worker, certified, letters, train
from ppc.collaborative.guest import Attendance
from ppc.collaborative.host import Host, Newcomer, Sum, loss_bytes
from ppc.collaborative.mesh import Mesh, MissingShareError
from ppc.collaborative.state import keep_worker, resumed_worker
from ppc.errors import PpcError
from ppc.ir.collaborative import Collaborative, Pate
from ppc.learning import Network
from ppc.runtime.keyring import open_folder
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.letters import Letters
from ppc.runtime.wire.link import Link, dial
from ppc.runtime.wire.listener import Listener
from ppc.sharing import MODULUS, shares
from tests.sources import CHECKOUT

NET = """
model net(x: real[6] in 0..1) -> real[3] {
    dense(4)
    tanh
    dense(3)
}
"""
FACTS = Collaborative(model="net", workers=3, epochs=2, rate=0.5, batch=4, wait=5.0)
PATE = Pate(data="public", noise="gaussian", amount=0.25, queries=6, delta=1e-3, student="net")
Behaviour = Callable[[Attendance], object]


def group(facts: Collaborative) -> list[Worker]:
    network = Network(compiler.compile_program(NET, batch=4).after("infer-shapes"))
    coins = torch.Generator().manual_seed(5)
    images = torch.rand((facts.workers, 10, 6), generator=coins)
    labels = torch.randint(3, (facts.workers, 10), generator=coins)
    numbers = range(facts.workers)
    return [Worker(one, facts, network, images[one], labels[one], network.initial(one)) for one in numbers]


class Together:
    """A server here, each worker in a thread with lines of its own; some of them behave otherwise. One with several
    behaviours leaves after each, and comes back for the next."""

    def __init__(
        self,
        folder: Path,
        workers: list[Worker],
        behave: Mapping[int, tuple[Behaviour, ...]] | None = None,
        pate: Pate = PATE,
    ) -> None:
        self.pate = pate
        self.facts, self.workers, self.behave = workers[0].facts, workers, behave or {}
        self.rings = certificates(folder, self.facts.workers, mesh=True)
        hello = Hello(role="server", party="server", plan="p")
        self.listener = Listener(("127.0.0.1", 0), open_folder(self.rings["server"]), hello, expects=("participant",))
        self.said: list[str] = []
        self.errors: Queue[PpcError] = Queue()
        self.host = Host(self.facts, self._arrived, self.said.append)
        self.threads = [Thread(target=self._attend, args=(one,), daemon=True) for one in workers]
        for thread in self.threads:
            thread.start()
        while len(self.host.there) < self.facts.workers:
            self.host.welcome()

    def _arrived(self) -> list[Newcomer]:
        found: list[Newcomer] = []
        back = [self.listener.accept(10) for one in self.host.dropped if len(self.behave[one]) > 1]
        while isinstance(link := back.pop() if back else self.listener.poll(0.01), Link):
            line, port = Letters(link), int.from_bytes(link.theirs.told["port"], "little")
            place = ("127.0.0.1", port)
            found.append(Newcomer(number=_number(link), line=line, place=place, examples=10))
        return found

    def _attend(self, own: Worker) -> None:
        for behave in self.behave.get(own.number + 1, (Attendance.attend,)):
            self._once(own, behave)

    def _once(self, own: Worker, behave: Behaviour) -> None:
        ring, number = open_folder(self.rings[str(own.number + 1)]), own.number + 1
        hello = Hello(role="participant", party=ring.own.party, plan="p")
        listener = Listener(("127.0.0.1", 0), ring, hello, expects=("participant",))

        def arrived(wait: float) -> tuple[int, Letters] | None:
            link = listener.poll(max(wait, 0.001))
            return (_number(link), Letters(link)) if isinstance(link, Link) else None

        mesh = Mesh(number, arrived, self.facts.wait)
        told = replace(hello, told={"port": listener.port.to_bytes(2, "little")})
        line = Letters(dial(("127.0.0.1", self.listener.port), ring, told, expects=("server",)))
        attendance = Attendance(
            worker=own,
            line=line,
            mesh=mesh,
            reach=lambda _, place: Letters(dial(place, ring, hello, expects=("participant",))),
            begin=lambda _: None,
            keep=lambda _: None,
            report=lambda: {"taken": float(own.taken)},
            pate=self.pate,
            public=torch.rand(6, 6, generator=torch.Generator().manual_seed(1)),
        )
        try:
            behave(attendance)
        except PpcError as error:
            self.errors.put(error)
        finally:
            listener.close()
            mesh.close()
            line.close()

    def all(self) -> list[Sum]:
        return [one for epoch in self.host.epochs() for one in epoch]

    def close(self) -> None:
        self.host.close()
        self.listener.close()
        for thread in self.threads:
            thread.join(10)


def _number(link: Link) -> int:
    return int(link.peer.party.removeprefix("participant_"))


@pytest.mark.parametrize("facts", [FACTS, replace(FACTS, reduce="mean"), replace(FACTS, feedback="ratio")])
def test_workers_over_the_wire_are_those_of_one_process(tmp_path: Path, facts: Collaborative) -> None:
    alone, apart = group(facts), group(facts)
    expected = [one.opened * (3 if facts.reduce == "mean" else 1) for one in train(facts, alone)]
    run = Together(tmp_path, apart)

    found = run.all()
    run.close()

    assert [one.opened for one in found] == pytest.approx(expected, abs=1e-12)
    assert run.host.measured == sum(one.predicted for one in found) == len(found) * loss_bytes(3)
    for one, other in zip(alone, apart, strict=True):
        assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_the_votes_are_added_with_noise_and_opened_once(tmp_path: Path) -> None:
    workers = group(FACTS)
    run = Together(tmp_path, workers)

    counts, times = run.host.counts(PATE, 6, 3)
    run.close()

    true = sum(one.votes(torch.rand(6, 6, generator=torch.Generator().manual_seed(1))) for one in workers)
    assert times == 1
    assert 0 < np.abs(counts / 2**16 - true).max() < 2.0


def to_its_first_round(one: Attendance) -> None:
    while (found := one.line.receive(letters.of_worker(3)))[0] != letters.ROUND:
        if found[0] == letters.PEERS:
            one._meet(letters.json_of(found[1]))  # pyright: ignore[reportPrivateUsage]


def leaving(one: Attendance) -> None:
    to_its_first_round(one)
    one.line.close()


def answering(kind: int, text: bytes) -> Behaviour:
    """Hands out no share, and sends the server something else."""

    def behave(one: Attendance) -> None:
        to_its_first_round(one)
        one.line.send(kind, text)
        one.line.receive({})

    return behave


HOSTILE: dict[str, Behaviour] = {
    "leaves": leaving,
    "no element": answering(letters.PARTIAL, MODULUS.to_bytes(8, "little")),
    "too short": answering(letters.PARTIAL, b"1234"),
    "nothing": answering(letters.PARTIAL, b""),
    "too long": answering(letters.PARTIAL, bytes(16)),
    "another kind": answering(letters.REPORT, b"{}"),
    "no JSON": answering(letters.FAILED, b"["),
    "no numbers": answering(letters.FAILED, b'{"a": "b"}'),
    "too deep": answering(letters.FAILED, b"[" * 60_000),
    "no finite number": answering(letters.FAILED, b"[1e999]"),
    "hands out nothing": answering(letters.FAILED, b"[1, 2]"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_worker_that_fails_is_dropped_and_nothing_partial_is_opened(tmp_path: Path, name: str) -> None:
    facts = replace(FACTS, least=2, epochs=1, wait=1.0)
    run = Together(tmp_path, group(facts), {3: (HOSTILE[name],)})

    found = run.all()
    run.close()

    assert [one.opened is None for one in found] == [True, *[False] * (len(found) - 1)]
    assert [one.there for one in found] == [3, *[2] * (len(found) - 1)]
    assert any("worker 3 is dropped" in text for text in run.said)


def test_a_worker_that_comes_back_takes_part_from_then_on(tmp_path: Path) -> None:
    run = Together(tmp_path, group(replace(FACTS, least=2)), {3: (leaving, Attendance.attend)})

    found = run.all()
    run.close()

    assert [one.there for one in found] == [3] * len(found)
    assert [one.opened is None for one in found] == [True, *[False] * (len(found) - 1)]
    assert any("worker 3 is dropped" in text for text in run.said)
    assert run.said[-1] == "worker 3 is back"


def test_of_what_a_worker_claims_ten_times_the_median_counts() -> None:
    said: list[str] = []
    came = [Newcomer(number=one, line=Mock(), place=("", 0), examples=10) for one in (1, 2)]
    liar = Newcomer(number=3, line=Mock(), place=("", 0), examples=10_000_000)
    host = Host(FACTS, lambda: [*came, liar], said.append)
    host.welcome()

    host.doubt()
    host.doubt()

    assert host.rounds == 25
    assert said == ["worker 3 says it has 10,000,000 examples; 100 count, ten times the median of all"]


def test_with_too_few_the_training_stops(tmp_path: Path) -> None:
    run = Together(tmp_path, group(replace(FACTS, wait=1.0)), {2: (leaving,)})

    with pytest.raises(PpcError, match="PPC683"):
        run.all()
    run.close()


def test_a_worker_takes_part_in_no_sum_over_fewer(tmp_path: Path) -> None:
    """A server that wants the loss of one worker asks for the sum over that one alone."""
    run = Together(tmp_path, group(FACTS))

    run.host.tell(1, letters.ROUND, letters.called(1, [1]))
    error = run.errors.get(timeout=60)
    run.close()

    assert "PPC687" in str(error)


def test_a_worker_votes_no_more_than_three_times(tmp_path: Path) -> None:
    run = Together(tmp_path, group(FACTS))

    for _ in range(4):
        with pytest.raises(Empty):
            run.errors.get(timeout=0.01)
        run.host.opened([1, 2, 3], letters.VOTE, 6, 18)
    assert "PPC687" in str(run.errors.get(timeout=60))
    run.close()


def test_a_budget_pays_for_every_vote_that_is_called_for(tmp_path: Path) -> None:
    """One that pays for one vote of six examples does not pay for another, though nothing was opened of the first."""
    once = replace(PATE, amount=8.0, budget=certified(replace(PATE, amount=8.0), 9))
    run = Together(tmp_path, group(replace(FACTS, least=2, wait=1.0)), {3: (leaving_the_votes,)}, once)

    with pytest.raises(PpcError, match="called for 1 times"):
        run.host.counts(once, 6, 3)
    run.host.opened([1, 2], letters.VOTE, 6, 18)
    error = run.errors.get(timeout=60)
    run.close()

    assert "PPC687" in str(error)


def leaving_the_votes(one: Attendance) -> None:
    while (found := one.line.receive(letters.of_worker(3)))[0] != letters.VOTE:
        if found[0] == letters.PEERS:
            one._meet(letters.json_of(found[1]))  # pyright: ignore[reportPrivateUsage]


def test_who_waits_for_one_that_never_dials_has_given_the_others_their_shares() -> None:
    """Else they would miss it too, and two of three be dropped."""
    line = Mock()
    mesh = Mesh(1, lambda _: None, 0.05, {2: line})

    with pytest.raises(MissingShareError, match="3"):
        mesh.together(1, [1, 2, 3], shares(np.array([5]), 3))

    line.send.assert_called_once()
    line.close.assert_not_called()


def test_a_checkpoint_brings_a_worker_back_to_the_bit(tmp_path: Path) -> None:
    whole, first, second = (group(FACTS)[0] for _ in range(3))
    for one, steps in ((whole, 5), (first, 4)):
        for _ in range(steps):
            one.ahead()
            one.step(None)
    keep_worker(tmp_path, first, 1)

    assert resumed_worker(tmp_path, second, 1)
    second.ahead()
    second.step(None)

    assert all(torch.equal(whole.weights[name], second.weights[name]) for name in whole.weights)
    assert not resumed_worker(tmp_path, second, 7)


# ---- real processes ----

PROGRAM = """
model digits(image: real[1, 8, 8] in 0..1) -> real[10] {
    dense(10)
}

train digits by collaborative {
    workers 3
    epochs 1
    rate 0.1
    batch 20
}

label public by pate {
    noise gaussian 0.5
    queries 20
    student digits
    delta 1e-3
}
"""


def ppc(folder: Path, *words: str, program: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    (folder / "digits.pnn").write_text(program)
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "HOME": str(folder)}
    line = [sys.executable, "-m", "ppc", "train", "digits.pnn", *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, env=environment, timeout=300)


def test_a_training_of_processes_gives_labels_with_their_price_and_a_student(tmp_path: Path) -> None:
    data = ("--data", "digits:60,part=train", "--public", "digits:30,part=test", "--test", "digits:30,part=test")
    done = ppc(tmp_path, *data, "--seed", "1", "--json", "-o", "student.safetensors", "--labels", "labels.npz")

    assert done.returncode == 0, done.stderr
    found, privacy = json.loads(done.stdout), json.loads((tmp_path / "labels.privacy.json").read_text())
    assert found["bytes"] == found["predicted"] == loss_bytes(3)
    assert set(found["reports"]) == {"1", "2", "3"}
    assert privacy == found["privacy"]
    assert privacy["queries"] == 20
    assert privacy["epsilon"] > 10
    assert privacy["meaning"] == "no meaningful guarantee"
    assert privacy["estimate_from_the_counts"]["publishable"] is False
    with np.load(tmp_path / "labels.npz") as labels:
        assert labels["image"].shape == (20, 1, 8, 8)
        assert labels["labels"].shape == (20,)
    assert (tmp_path / "student.safetensors").stat().st_size > 4 * 650


@pytest.mark.parametrize(
    ("words", "change", "code"),
    [
        (("--data", "digits:2"), ("", ""), "PPC508"),
        (("--data", "digits:60", "--public", "digits:9"), ("queries 20", "queries 20\n    budget 1e-3"), "PPC688"),
    ],
    ids=["too few examples", "no budget"],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, words: tuple[str, ...], change: tuple[str, str], code: str
) -> None:
    done = ppc(tmp_path, *words, program=PROGRAM.replace(*change))

    assert code in done.stderr
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_who_comes_behind_a_slow_worker_still_has_a_second() -> None:
    line = Mock()
    line.receive.return_value = (letters.PARTIAL, bytes(8))
    host = Host(FACTS, lambda: (), print)
    host.there = {1: Newcomer(number=1, line=line, place=("", 1), examples=8)}

    assert host.answer(1, 0.0, 1) is not None
    assert line.allow.call_args.args[0] >= 1
