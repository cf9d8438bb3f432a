"""Selective trainings on shares on Flower: the second aggregator is one more node; what it gets passes the server
sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc.cli.crowd import certificates
from ppc.errors import PpcError
from ppc.field import Words
from ppc.flower import mail
from ppc.flower.client import answer
from ppc.flower.held import held, read
from ppc.flower.server import serve
from ppc.flower.settings import Settings
from ppc.selective import adding, letters
from ppc.selective.adding import TAG, share_bytes, total_of
from tests.flower.programs import DATA, SEED, SPARSE, in_one_process
from tests.flower.test_letters import vector

DENSE = SPARSE.replace("10% random", "10% largest")
SECOND = 12  # the node behind those of the participants


@dataclass
class Shared:
    """Nodes 10 and 11, the second aggregator at 12. `spoilt` answers of letters that are no question who they are."""

    program: str = SPARSE
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    own: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    spoilt: dict[int, list[bytes | None]] = field(default_factory=dict[int, list[bytes | None]])
    present: tuple[int, ...] = (10, 11, SECOND)
    states: dict[int, bytes] = field(default_factory=dict[int, bytes])
    kept: list[tuple[int, bytes, bytes]] = field(default_factory=list[tuple[int, bytes, bytes]])
    answers: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])

    def nodes(self) -> tuple[int, ...]:
        return self.present

    def post(self, node: int, letter: bytes) -> str:
        ticket = str(len(self.answers))
        if letter[0] not in (mail.WHO, letters.BEGIN) and self.spoilt.get(node):
            self.answers[ticket] = self.spoilt[node].pop(0)
            return ticket
        said = self.answered(node, letter)
        self.kept.append((node, letter, said))
        self.answers[ticket] = said
        return ticket

    def answered(self, node: int, letter: bytes) -> bytes:
        known = {"partition-id": node - 10, "num-partitions": 3, **self.own.get(node, {})}
        settings = Settings.of({"data": DATA, "seed": SEED, **self.changes}, known, number=7)
        said, self.states[node] = answer(self.program, settings, letter, self.states.get(node, b""))
        return said

    def answer(self, ticket: str) -> bytes | None:
        return self.answers[ticket]

    def of_kind(self, kind: int) -> list[tuple[bytes, bytes]]:
        return [(letter, said) for _, letter, said in self.kept if letter[0] == kind]


def served(nodes: Shared, **changes: Any) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    told = {"data": DATA, "seed": SEED, "patience": 0, "trip": -60, **nodes.changes, **changes}
    return serve(nodes.program, Settings.of(told, number=7), nodes, said.append), said


@pytest.mark.parametrize(("program", "elements"), [(SPARSE, 65), (DENSE, 650)], ids=["public places", "dense"])
def test_the_model_is_that_of_one_process_to_the_bit(tmp_path: Path, program: str, elements: int) -> None:
    out, said = served(Shared(program), output=str(tmp_path))

    assert np.array_equal(vector(tmp_path), in_one_process(program))
    assert out["up"] == out["predicted_up"] == out["up_second"] == 4 * share_bytes(elements)
    assert any("trusted to hand round" in line for line in said)


def test_a_training_goes_on_from_its_checkpoint_to_the_same_end(tmp_path: Path) -> None:
    changes = {"checkpoint": str(tmp_path), "output": str(tmp_path)}
    served(Shared(SPARSE.replace("rounds 2", "rounds 1"), changes))
    served(Shared(changes=changes), resume=True)

    assert np.array_equal(vector(tmp_path), in_one_process(SPARSE))


def test_the_server_has_one_share_and_cannot_read_the_other() -> None:
    """What the second aggregator takes out of a letter is not in anything that passed the server."""
    nodes = Shared()
    served(nodes)
    secret = bytes.fromhex(read(nodes.states[SECOND])[0]["secret"])
    passed = b"|".join(letter + said for _, letter, said in nodes.kept)

    assert len(nodes.of_kind(letters.ADD)) == 2
    assert secret not in passed
    assert all(len(said) == 1 + 2 * share_bytes(65) + 28 for _, said in nodes.of_kind(letters.TURN))
    assert all(said[1 : 1 + TAG] == letter[97 : 97 + TAG] for letter, said in nodes.of_kind(letters.TURN))


def test_who_sends_no_second_share_is_dropped_and_nothing_is_opened() -> None:
    """A changed one cannot be opened, and one is too few for a sum."""

    @dataclass
    class Turned(Shared):
        turned: bool = False

        def answered(self, node: int, letter: bytes) -> bytes:
            said = super().answered(node, letter)
            if node == 11 and letter[0] == letters.TURN and not self.turned:
                self.turned = True
                return said[:-1] + bytes([said[-1] ^ 1])
            return said

    alone = Turned()
    with pytest.raises(PpcError, match="PPC683"):
        served(alone)
    _, theirs = alone.of_kind(letters.ADD)[0]
    assert total_of(theirs[1:], 65, 2)[1] == ()  # of one alone no sum is given out


@pytest.mark.parametrize(
    "bad",
    [b"", mail.letter(letters.SHARE, b"short"), mail.letter(letters.SHARE, bytes(2 * share_bytes(65) + 28)), None],
)
def test_a_participant_that_fails_is_dropped(bad: bytes | None) -> None:
    with pytest.raises(PpcError, match="PPC683"):
        served(Shared(spoilt={11: [bad]}))


@pytest.mark.parametrize(
    "bad", [b"", mail.letter(letters.TOTAL, b"short"), mail.letter(letters.TOTAL, bytes(20)), None]
)
def test_without_the_second_aggregator_nothing_is_opened(bad: bytes | None) -> None:
    with pytest.raises(PpcError, match="PPC686"):
        served(Shared(spoilt={SECOND: [bad]}))


def test_a_training_does_not_begin_without_the_second_aggregator() -> None:
    with pytest.raises(PpcError, match="PPC686"):
        served(Shared(present=(10, 11)))


def test_the_second_aggregator_sums_under_a_tag_over_one_set_only() -> None:
    nodes = Shared()
    served(nodes)
    question, said = nodes.of_kind(letters.ADD)[0]

    assert total_of(said[1:], 65, 2)[1] == (0, 1)
    assert nodes.answered(SECOND, question) == said
    head, _ = read(nodes.states[SECOND])
    nodes.states[SECOND] = held({**head, "given": dict.fromkeys(head["given"], "0,1,2")}, {})
    assert nodes.answered(SECOND, question)[0] == letters.GIVEN


def going_back(folder: Path, program: str, present: tuple[int, ...], **changes: Any) -> list[str]:
    """Of three participants, with what is kept of the first round."""
    for path in folder.glob("*.2.npz"):
        path.unlink()
    own = {node: {"num-partitions": "4"} for node in range(10, 14)}
    return served(Shared(program, {"checkpoint": str(folder)}, own=own, present=present), **changes)[1]


def test_who_stays_away_when_a_training_goes_on_cannot_be_worked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The difference of the sums of a round, once with all and once without one, would be its update."""
    opened: list[NDArray[np.int64]] = []
    found = adding.opened

    def noticed(ours: Words, theirs: Words) -> NDArray[np.int64]:
        opened.append(found(ours, theirs))
        return opened[-1]

    monkeypatch.setattr(adding, "opened", noticed)
    everybody, program = (10, 11, 12, 13), SPARSE.replace("participants 2", "participants 3")
    going_back(tmp_path, program.replace("rounds 2", "rounds 1"), everybody)
    going_back(tmp_path, program, everybody, resume=True)
    assert len(opened) == 2

    said = going_back(tmp_path, program, (10, 11, 13), resume=True)
    assert len(opened) == 2
    assert [line.partition(":")[0] for line in said if "opened" in line] == [
        "sums that were opened before, over other participants, are not opened again"
    ]
    assert not any("dropped" in line for line in said)
    going_back(tmp_path, program, everybody, resume=True)
    assert np.array_equal(opened[1], opened[2])

    (tmp_path / "aggregator.sums").unlink()
    with pytest.raises(PpcError, match="PPC686"):
        going_back(tmp_path, program, (10, 11, 13), resume=True)
    with pytest.raises(PpcError, match="PPC683"):
        going_back(tmp_path, program, (10, 11, 13))
    assert len(opened) == 3


@pytest.mark.parametrize("text", [b"", b"\1", bytes(20), b"\xff\xff\xff\xff" + bytes(400), b"\1\0\0\0" + bytes(100)])
def test_the_second_aggregator_refuses_what_is_no_question(text: bytes) -> None:
    nodes = Shared()
    for kind in (letters.ADD, letters.TURN):
        said = nodes.answered(SECOND, mail.letter(kind, text))
        assert said[0] == mail.FAILED or total_of(said[1:], 65, 2)[1] == ()


def test_with_certificates_a_key_of_the_servers_own_is_refused(tmp_path: Path) -> None:
    rings = certificates(tmp_path, 2)
    names = {10: "1", 11: "2", SECOND: "aggregator"}
    own = {node: {"certificates": str(rings[name])} for node, name in names.items()}
    _, said = served(Shared(own=own))
    assert not any("trusted" in line for line in said)

    del own[SECOND]
    nodes = Shared(own=own)
    with pytest.raises(PpcError, match="PPC683"):
        served(nodes)
    assert {said[0] for _, said in nodes.of_kind(letters.TURN)} == {mail.FAILED}
