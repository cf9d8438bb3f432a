"""A collaborative training that takes no time, what it gives in one process, and nodes whose letters a dictionary
carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ppc.collaborative import Worker, train
from ppc.flower.client import answer
from ppc.flower.server import serve
from ppc.flower.settings import Settings
from ppc.flower.subject import Crew, found
from ppc.selective.members import labelled, part

CREW = """\
model digits(image: real[1, 8, 8] in 0..1) -> real[10] {
    dense(10)
}

train digits by collaborative {
    workers 3
    epochs 2
    least 2
    rate 0.1
    batch 10
}

label public by pate {
    noise gaussian 0.5
    queries 20
    student digits
    delta 1e-3
}
"""
DATA, PUBLIC, TEST, SEED = "digits:75,part=train", "digits:30,part=test", "digits:50,part=test", 1
ROUNDS = 3  # of an epoch: 25 examples each
Spoil = Callable[[bytes, bytes], bytes | None]  # of a letter and its answer, what arrives


@dataclass
class Workers:
    """Nodes 10, 11, … whose state lies in a dictionary. `spoilt` of a node changes one answer after the other, as
    long as there are some; `kept` are all letters and answers that passed the server."""

    program: str = CREW
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    own: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    spoilt: dict[int, list[Spoil | None]] = field(default_factory=dict[int, list[Spoil | None]])
    states: dict[int, bytes] = field(default_factory=dict[int, bytes])
    kept: list[tuple[int, bytes, bytes]] = field(default_factory=list[tuple[int, bytes, bytes]])
    answers: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])

    def nodes(self) -> tuple[int, ...]:
        return (10, 11, 12)

    def post(self, node: int, letter: bytes) -> str:
        ticket = str(len(self.answers))
        said = self.answered(node, letter)
        self.kept.append((node, letter, said))
        spoil = self.spoilt[node].pop(0) if self.spoilt.get(node) else None
        self.answers[ticket] = said if spoil is None else spoil(letter, said)
        return ticket

    def answered(self, node: int, letter: bytes) -> bytes:
        settings = told({"partition-id": node - 10, "num-partitions": 3, **self.own.get(node, {})}, **self.changes)
        said, self.states[node] = answer(self.program, settings, letter, self.states.get(node, b""))
        return said

    def answer(self, ticket: str) -> bytes | None:
        return self.answers[ticket]


def told(node: dict[str, Any] | None = None, **changes: Any) -> Settings:
    run = {"data": DATA, "seed": SEED, "patience": 0, "trip": -30, **changes}
    return Settings.of(run, node, number=7)


def served(nodes: Workers, **changes: Any) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    return serve(nodes.program, told(**{**nodes.changes, **changes}), nodes, said.append), said


def alone(program: str = CREW) -> tuple[list[Worker], list[float]]:
    """The workers after the same training without any engine, and the sums that were opened."""
    crew = found(program)
    assert isinstance(crew, Crew)
    workers: list[Worker] = []
    for number in range(1, crew.members + 1):
        network = crew.network(crew.facts.model_of(number))
        rows = part(labelled(Path(DATA), network), number, crew.members, None)
        workers.append(Worker(number - 1, crew.facts, network, *rows, network.initial(SEED + number), SEED))
    return workers, [one.opened for one in train(crew.facts, workers)]
