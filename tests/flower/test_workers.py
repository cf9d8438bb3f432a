"""A collaborative training on Flower, with letters that are carried by a dictionary instead of Flower."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ppc.collaborative import Worker, letters
from ppc.collaborative.state import resumed_worker
from ppc.errors import PpcError, fail
from ppc.flower import mail, parts
from ppc.flower.client import answer
from ppc.flower.held import held, read
from ppc.flower.server import serve
from ppc.flower.subject import Crew, found
from ppc.selective.members import unlabelled
from tests.flower.crews import CREW, PUBLIC, ROUNDS, TEST, Spoil, Workers, alone, served, told


def silent(_: bytes, __: bytes) -> None:
    """Nothing comes."""


def crew(program: str = CREW) -> Crew:
    subject = found(program)
    assert isinstance(subject, Crew)
    return subject


def same_models(folder: Path, program: str = CREW) -> bool:
    """The checkpoints after the last epoch are those of one process."""
    workers, _ = alone(program)
    for one in workers:
        expected = {name: tensor.clone() for name, tensor in one.weights.items()}
        assert resumed_worker(folder, one, 2)
        if not all(torch.equal(expected[name], one.weights[name]) for name in expected):
            return False
    return True


@pytest.mark.parametrize("change", [("", ""), ("least 2", "reduce mean"), ("least 2", "feedback ratio")])
def test_models_and_opened_sums_are_those_of_one_process_to_the_bit(tmp_path: Path, change: tuple[str, str]) -> None:
    program = CREW.replace(*change)
    if "ratio" in program:
        program = program[: program.index("label public")]
    nodes = Workers(program, {"checkpoint": str(tmp_path)})
    out, said = served(nodes)

    sums = [one * (3 if "mean" in program else 1) for one in alone(program)[1]]
    assert [one for epoch in out["sums"] for one in epoch] == pytest.approx(sums, abs=1e-12)
    assert same_models(tmp_path, program)
    assert out["bytes"] == out["predicted"] == 2 * ROUNDS * parts.loss_bytes(3)
    assert out["letters"] == 3 * (2 * (2 * ROUNDS + 1))
    assert any("14 letters to each of 3 workers, 42 in all" in line for line in said)


def test_the_server_is_said_to_be_trusted_where_keys_are_not_signed() -> None:
    _, said = served(Workers())

    assert any("trusted to hand round the nodes' own keys" in line for line in said)


def test_a_node_without_certificates_is_told_itself_whom_it_trusts() -> None:
    said: list[str] = []
    for letter in (mail.letter(mail.WHO), mail.letter(letters.BEGIN, bytes(8))):
        answer(CREW, told({"partition-id": 1, "num-partitions": 3}), letter, b"", said.append)

    assert [line for line in said if "number 2, this node, comes without certificates" in line] == said[:1]


def test_workers_label_and_a_student_learns(tmp_path: Path) -> None:
    out, said = served(Workers(changes={"public": PUBLIC, "test": TEST, "output": str(tmp_path)}))

    assert any("epsilon" in line for line in said)
    assert out["privacy"]["votes_taken"] == 1
    assert out["labelled"] == 20
    assert json.loads((tmp_path / "report.json").read_text())["privacy"] == out["privacy"]
    with np.load(tmp_path / "labels.npz") as rows:
        assert rows["image"].shape == (20, 1, 8, 8)
    for name in ("labels.npz", "student.safetensors"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_labels_that_were_paid_for_are_written_though_the_student_diverges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    diverges = Mock(side_effect=fail("PPC682", "It diverges.", hint=""))
    monkeypatch.setattr("ppc.flower.collaborative_server.taught", diverges)

    with pytest.raises(PpcError, match="PPC682"):
        served(Workers(changes={"public": PUBLIC, "output": str(tmp_path)}))
    assert (tmp_path / "labels.npz").exists()
    assert json.loads((tmp_path / "labels.privacy.json").read_text())["votes_taken"] == 1


def test_labels_without_noise_are_those_of_one_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def silence(*_: object) -> NDArray[np.int64]:
        return np.zeros((20, 10), np.int64)

    monkeypatch.setattr("ppc.collaborative.labelling.noise_share", silence)
    served(Workers(changes={"public": PUBLIC, "output": str(tmp_path)}))

    images = unlabelled(Path(PUBLIC), crew().student)[:20]
    votes = sum(one.votes(images) for one in alone()[0])
    with np.load(tmp_path / "labels.npz") as rows:
        assert np.array_equal(rows["labels"], np.asarray(votes).argmax(1))


def shortened(_: bytes, said: bytes) -> bytes:
    return said[:-1]


def turned(_: bytes, said: bytes) -> bytes:
    """A bit of a sealed share, or of a partial sum, is another one: in the partial sum it is no element any more."""
    return said[:-1] + bytes([said[-1] ^ 0x80])


BAD: dict[str, list[Spoil | None]] = {
    "shares do not come": [None, silent],
    "shares too short": [None, shortened],
    "no shares": [None, lambda _, __: mail.letter(letters.PARTIAL, bytes(8))],
    "nothing": [None, lambda _, __: b""],
    "no partial sum": [None, None, silent],
    "no element": [None, None, turned],
    "partial sum too short": [None, None, shortened],
    "it says it cannot": [None, lambda _, __: mail.letter(mail.FAILED, b"no")],
}


@pytest.mark.parametrize("name", BAD)
def test_who_fails_is_dropped_nothing_is_opened_and_it_comes_back(name: str) -> None:
    out, said = served(Workers(spoilt={12: list(BAD[name])}))

    first, *others = (one for epoch in out["sums"] for one in epoch)
    assert first is None
    assert all(one is not None for one in others)
    assert any(line.startswith("worker 3 is dropped") for line in said)
    assert "worker 3 is back" in said


def test_without_the_shares_of_one_no_share_is_handed_on() -> None:
    nodes = Workers(spoilt={12: [None, silent]})
    served(nodes)

    first = [said[0] for _, letter, said in nodes.kept if letter[0] == parts.BUNDLE][:5]
    assert first.count(parts.SEALED) == 5  # of two calls, one after the other
    assert letters.PARTIAL not in first


def test_a_share_that_was_changed_is_missed_and_its_sender_dropped() -> None:
    """By both who cannot open it; the sum is not opened."""

    def spoil(_: bytes, said: bytes) -> bytes:
        half = (len(said) - 1) // 2
        return said[:half] + bytes([said[half] ^ 1]) + said[half + 1 : -1] + bytes([said[-1] ^ 1])

    out, said = served(Workers(spoilt={12: [None, spoil]}))

    assert out["sums"][0][0] is None
    assert "worker 3 is dropped: the others miss its shares" in said


def test_with_too_few_the_training_stops() -> None:
    nodes = Workers(CREW.replace("least 2", "least 3"), spoilt={12: [None, silent, silent]})
    with pytest.raises(PpcError, match="PPC683"):
        served(nodes)


def test_a_loss_that_is_no_number_is_not_sent_and_its_worker_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked in every round who it is, and would else spoil all of them."""
    right = Worker.ahead

    def ahead(own: Worker) -> float:
        return float("nan") if own.number == 2 else right(own)

    monkeypatch.setattr(Worker, "ahead", ahead)
    out, said = served(Workers())

    assert [one is None for epoch in out["sums"] for one in epoch] == [True] + [False] * 5
    assert any("worker 3 is dropped" in line and "loss is no number" in line for line in said)
    assert "worker 3 is back" not in said


def test_a_training_goes_on_from_its_checkpoints_to_the_same_models(tmp_path: Path) -> None:
    changes = {"checkpoint": str(tmp_path)}
    half, _ = served(Workers(CREW.replace("epochs 2", "epochs 1"), changes))
    rest, _ = served(Workers(changes=changes), resume=True)

    assert same_models(tmp_path)
    assert [*half["sums"], *rest["sums"]] == served(Workers())[0]["sums"]


def test_votes_count_in_a_run_that_goes_on(tmp_path: Path) -> None:
    """Two calls of three are spent; the third is the last that workers answer."""
    changes: dict[str, Any] = {"checkpoint": str(tmp_path), "public": PUBLIC}
    served(Workers(changes=changes))
    served(Workers(changes=changes), resume=True)
    third, _ = served(Workers(changes=changes), resume=True)
    assert third["privacy"]["votes_taken"] == 3

    with pytest.raises(PpcError, match="PPC685"):
        served(Workers(changes=changes), resume=True)
    for name in tmp_path.glob("server.votes.json"):
        name.unlink()
    with pytest.raises(PpcError, match="PPC683"):
        served(Workers(changes=changes), resume=True)


@pytest.mark.parametrize("change", [{"public": "digits:29,part=test"}, {"data": "nowhere.npz"}, {"data": ""}])
def test_who_cannot_take_part_says_why(change: dict[str, str]) -> None:
    said: list[str] = []
    nodes = Workers(changes={"public": PUBLIC}, own=dict.fromkeys((10, 11, 12), change))
    with pytest.raises(PpcError, match="PPC683"):
        serve(CREW, told(public=PUBLIC), nodes, said.append)
    assert len([line for line in said if line.startswith("Node ")]) == 3


# ---- what a worker refuses ----


def begun() -> tuple[Workers, bytes]:
    """A worker that has begun, and the records of all three."""
    nodes = Workers()
    said = [nodes.answered(node, mail.letter(mail.WHO)) for node in nodes.nodes()]
    return nodes, b"".join(mail.told(0, one, 3).record for one in said)


def bundle(*some: tuple[int, bytes]) -> bytes:
    return mail.letter(parts.BUNDLE, parts.packed(some))


BEGIN = (letters.BEGIN, bytes(8))


def call(attempt: int, numbers: list[int], records: bytes) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    chosen = b"".join(records[96 * (one - 1) : 96 * one] for one in numbers)
    return (parts.KEYS, chosen), (letters.ROUND, letters.called(attempt, numbers))


VOID = (letters.VOID, b"")
REFUSED: dict[str, Callable[[bytes], bytes]] = {
    "the same attempt": lambda records: bundle(VOID, *call(1, [1, 2, 3], records)),
    "before the last sum": lambda records: bundle(*call(2, [1, 2, 3], records)),
    "too few": lambda records: bundle(VOID, *call(2, [1], records)),
    "without it": lambda records: bundle(VOID, *call(2, [2, 3], records)),
    "keys of too few": lambda records: bundle(VOID, (parts.KEYS, records[:96]), call(2, [1, 2, 3], records)[1]),
    "shares of too few": lambda _: bundle((parts.RELAYED, bytes(36))),
    "shares of no call": lambda _: bundle(VOID, (parts.RELAYED, bytes(72))),
    "another kind": lambda _: bundle((letters.PARTIAL, bytes(8))),
    "votes on nothing": lambda records: bundle(
        VOID, call(2, [1, 2, 3], records)[0], (letters.VOTE, letters.called(2, [1, 2, 3], 5))
    ),
    "no bundle": lambda _: mail.letter(letters.ROUND, letters.called(2, [1, 2, 3])),
    "half a part": lambda _: mail.letter(parts.BUNDLE, b"\1"),
    "less than it says": lambda _: mail.letter(parts.BUNDLE, b"\1\xff\0\0\0"),
    "nothing": lambda _: b"",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_worker_refuses_and_takes_no_part_any_more(name: str) -> None:
    nodes, records = begun()
    assert nodes.answered(10, bundle(BEGIN, *call(1, [1, 2, 3], records)))[0] == parts.SEALED

    assert nodes.answered(10, REFUSED[name](records))[0] == mail.FAILED
    assert nodes.answered(10, bundle((letters.VOID, b""), *call(9, [1, 2, 3], records)))[0] == mail.FAILED
    assert nodes.answered(10, mail.letter(mail.WHO))[0] == mail.FAILED


def test_a_worker_gives_its_partial_sum_once() -> None:
    nodes, records = begun()
    sealed = {node: nodes.answered(node, bundle(BEGIN, *call(1, [1, 2, 3], records)))[1:] for node in nodes.nodes()}
    relayed = sealed[11][:36] + sealed[12][:36]

    assert nodes.answered(10, bundle((parts.RELAYED, relayed)))[0] == letters.PARTIAL
    assert nodes.answered(10, bundle((parts.RELAYED, relayed)))[0] == mail.FAILED


def test_a_share_is_good_for_one_call_and_one_receiver() -> None:
    """Of another attempt, of others who take part, or from another worker, it cannot be opened."""
    nodes, records = begun()
    calls = {1: [1, 2, 3], 2: [1, 2, 3]}
    sealed: dict[int, dict[int, bytes]] = {}
    for attempt, numbers in calls.items():
        head = BEGIN if attempt == 1 else (letters.VOID, b"")
        sealed[attempt] = {
            node: nodes.answered(node, bundle(head, *call(attempt, numbers, records)))[1:] for node in nodes.nodes()
        }
    old, right, swapped = sealed[1][11][:36], sealed[2][12][:36], sealed[2][11][36:]

    assert nodes.answered(10, bundle((parts.RELAYED, old + right))) == mail.letter(letters.FAILED, b"[2]")
    kept = nodes.states[11]
    assert nodes.answered(11, bundle((parts.RELAYED, swapped + right)))[0] == letters.FAILED
    assert kept != nodes.states[11]


@dataclass
class Watched(Workers):
    """Notes the shares that nodes keep."""

    shares: list[bytes] = field(default_factory=list[bytes])

    def answered(self, node: int, letter: bytes) -> bytes:
        said = super().answered(node, letter)
        if "kept" in (arrays := read(self.states[node])[1]):
            self.shares.append(arrays["kept"].tobytes())
        return said


def test_what_the_server_carries_tells_no_share() -> None:
    nodes = Watched()
    served(nodes)
    passed = b"|".join(letter + said for _, letter, said in nodes.kept)

    assert len(nodes.shares) == 18
    assert not any(one in passed for one in nodes.shares)


def test_a_state_of_another_run_is_none() -> None:
    nodes, _ = begun()
    before = nodes.states[10]
    head, _ = read(before)
    nodes.states[10] = held({**head, "training": "00"}, {})

    assert nodes.answered(10, mail.letter(mail.WHO))[0] == mail.WHO
    assert read(nodes.states[10])[0]["secret"] != head["secret"]


def test_workers_may_have_different_models(tmp_path: Path) -> None:
    wider = (
        CREW.split("\n\n", 1)[0].replace("digits(", "wider(").replace("dense(10)", "dense(12)\n    tanh\n    dense(10)")
    )
    program = f"{wider}\n\n{CREW}".replace("    workers 3", "    workers 3\n    worker 2 learns wider", 1)
    assert crew(program).facts.models == ((2, "wider"),)
    nodes = Workers(program, {"checkpoint": str(tmp_path)}, own={11: {"output": str(tmp_path / "mine")}})
    served(nodes)

    assert same_models(tmp_path, program)
    assert (tmp_path / "mine" / "worker_2.safetensors").stat().st_mode & 0o077 == 0


def test_after_a_resume_no_sum_over_fewer_has_the_losses_of_one_before(tmp_path: Path) -> None:
    """Worker 3 stays away after everybody has gone back an epoch: its losses would be the differences."""

    class Two(Workers):
        def nodes(self) -> tuple[int, ...]:
            return (10, 11)

    program = CREW[: CREW.index("label public")].replace("epochs 2", "epochs 3")
    changes = {"checkpoint": str(tmp_path)}
    served(Workers(program.replace("epochs 3", "epochs 1"), changes))
    before = {one: one.read_bytes() for one in tmp_path.glob("*.1.npz")}
    served(Workers(program.replace("epochs 3", "epochs 2"), changes), resume=True)
    for one in tmp_path.glob("*.npz"):
        one.unlink()
    for one, kept in before.items():
        one.write_bytes(kept)

    again, said = served(Two(program, changes), resume=True)

    second, third = again["sums"]
    assert second == [None] * ROUNDS
    assert None not in third
    assert not any("dropped" in line for line in said)
    workers, _ = alone(program)
    for one in workers[:2]:
        expected = {name: tensor.clone() for name, tensor in one.weights.items()}
        assert resumed_worker(tmp_path, one, 3)
        assert all(torch.equal(expected[name], one.weights[name]) for name in expected)


def test_without_a_seed_of_the_run_each_node_draws_its_own_and_goes_on_with_it(tmp_path: Path) -> None:
    """A training that is begun anew has other losses; the app that is written names none."""
    changes: dict[str, Any] = {"checkpoint": str(tmp_path), "seed": -1}
    seeds: list[list[int]] = []
    sums: list[Any] = []
    for program, resume in ((CREW.replace("epochs 2", "epochs 1"), False), (CREW, True), (CREW, False)):
        out, _ = served(Workers(program, changes), resume=resume)
        sums.append(out["sums"])
        last = 1 if len(seeds) == 0 else 2
        heads = (np.load(tmp_path / f"worker_{one}.{last}.npz")["head"] for one in (1, 2, 3))
        seeds.append([int(head[1]) for head in heads])

    assert seeds[0] == seeds[1]
    assert len({*seeds[0], *seeds[2]}) == 6
    assert sums[0][0] != sums[2][0]
