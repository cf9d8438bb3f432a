"""The server and the participants of a Flower app, with letters that are carried by a dictionary instead of Flower."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ppc.errors import PpcError
from ppc.flower import mail as post
from ppc.flower.client import answer
from ppc.flower.server import serve
from ppc.flower.settings import Settings
from ppc.learning import Layout
from ppc.learning.network import as_tensors
from ppc.selective import letters
from ppc.weights import load
from tests.flower.programs import DATA, PROGRAM, SEED, TEST, in_one_process, node, settings

CODED = "ppc.errors"


@dataclass
class Nodes:
    """Participants whose state lies in a dictionary, as it lies in Flower's hands. `spoilt` answers otherwise."""

    program: str = PROGRAM
    changes: dict[str, object] = field(default_factory=dict[str, object])
    spoilt: dict[int, list[bytes | None]] = field(default_factory=dict[int, list[bytes | None]])
    states: dict[int, bytes] = field(default_factory=dict[int, bytes])
    answers: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])

    def nodes(self) -> tuple[int, ...]:
        return (10, 11)

    def post(self, node: int, letter: bytes) -> str:
        ticket = str(len(self.answers))
        if letter[0] == letters.TURN and self.spoilt.get(node):
            self.answers[ticket] = self.spoilt[node].pop(0)
            return ticket
        said, state = answer(self.program, settings(node - 10, **self.changes), letter, self.states.get(node, b""))
        self.states[node], self.answers[ticket] = state, said
        return ticket

    def answer(self, ticket: str) -> bytes | None:
        return self.answers[ticket]


def served(nodes: Nodes, folder: Path, **changes: object) -> tuple[dict[str, object], list[str]]:
    told = Settings.of(
        {"data": DATA, "test": TEST, "seed": SEED, "output": str(folder), "patience": 0, **_plain(changes)}
    )
    said: list[str] = []
    return serve(nodes.program, told, nodes, said.append), said


def _plain(changes: dict[str, object]) -> dict[str, str | int]:
    return {name: value for name, value in changes.items() if isinstance(value, str | int)}


def vector(folder: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    from ppc.flower.subject import subject

    network = subject(PROGRAM).network
    weights = as_tensors(load(folder / "model.safetensors", network.graph).weights)
    return Layout.of(network).vector(weights).numpy()


@pytest.mark.parametrize("order", ["round_robin", "random"])
def test_the_result_is_that_of_one_process_to_the_bit(tmp_path: Path, order: str) -> None:
    program = PROGRAM.replace("order random", f"order {order}")
    found, said = served(Nodes(program), tmp_path)

    assert np.array_equal(vector(tmp_path), in_one_process(program))
    assert found["up"] == found["predicted_up"] == 4 * (24 + 8 * 65)
    assert found["down"] == found["predicted_down"] == 4 * (24 + 8 * 650)
    assert json.loads((tmp_path / "report.json").read_text())["reports"].keys() == {"1", "2"}
    assert sum(line.startswith("round ") for line in said) == 2


def test_the_asynchronous_order_runs(tmp_path: Path) -> None:
    found, _ = served(Nodes(PROGRAM.replace("order random", "order asynchronous")), tmp_path)

    assert found["exchanges"] == 2 * 2 * 10
    assert np.isfinite(vector(tmp_path)).all()


@pytest.mark.parametrize(
    "bad",
    [b"", post.letter(letters.UPDATE, b"short"), post.letter(letters.END), post.letter(post.FAILED, b"no data"), None],
    ids=["nothing", "no update", "another kind", "a failure", "silence"],
)
def test_who_fails_is_left_out_and_comes_back(tmp_path: Path, bad: bytes | None) -> None:
    found, said = served(Nodes(spoilt={11: [bad]}), tmp_path, trip=-30)  # nobody waits for silence

    assert found["exchanges"] == 3
    assert any(line.startswith("participant 2 is dropped") for line in said)
    assert "participant 2 is back" in said


def test_a_training_goes_on_from_its_checkpoint_to_the_same_end(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    nodes = Nodes(PROGRAM.replace("rounds 2", "rounds 1"), {"checkpoint": kept})
    served(nodes, tmp_path, checkpoint=kept)
    served(Nodes(PROGRAM, {"checkpoint": kept}), tmp_path, checkpoint=kept, resume=1)

    assert np.array_equal(vector(tmp_path), in_one_process())


@pytest.mark.parametrize(
    ("changes", "why"), [({"data": ""}, "nothing to learn from"), ({"data": "digits:1"}, "too few")]
)
def test_who_cannot_take_part_says_why(tmp_path: Path, changes: dict[str, object], why: str) -> None:
    said: list[str] = []
    with pytest.raises(PpcError, match="PPC683"):
        serve(PROGRAM, Settings.of({"patience": 0}), Nodes(changes=changes), said.append)

    assert all(why in line for line in said)
    assert len(said) == 2


def test_a_node_has_its_number_and_its_own_data() -> None:
    own = Settings.of({"data": "digits:10"}, {**node(1), "data": "mine.npz"})

    assert (own.number, own.data, own.shared) == (2, "mine.npz", False)
    assert Settings.of({"data": "digits:10"}, node(0)).shared
    with pytest.raises(PpcError, match="PPC689"):
        Settings.of({}, {"partition-id": "first"})
    with pytest.raises(PpcError, match="`certificate` in the configuration of this node"):
        Settings.of({}, {**node(0), "certificate": "mine"})


def test_a_node_without_a_number_says_so() -> None:
    said, _ = answer(PROGRAM, Settings.of({"data": DATA}), post.letter(post.WHO), b"")

    assert said[0] == post.FAILED
    assert b"partition-id" in said


@pytest.mark.parametrize(
    "said",
    [
        b"[]",
        b"{}",
        b"[" * 4_000,
        b'{"number": 3, "examples": 5, "uploads": 0}',
        b'{"number": 1, "examples": 0, "uploads": 0}',
        b'{"number": 1, "examples": 1e300, "uploads": 0}',
        b'{"number": 1, "examples": 1e999, "uploads": 0}',
        b'{"number": 1, "examples": 5, "uploads": -1}',
    ],
)
def test_a_node_that_is_no_participant_is_not_taken(said: bytes) -> None:
    with pytest.raises(PpcError, match="PPC689"):
        post.told(10, post.letter(post.WHO, said), members=2)
