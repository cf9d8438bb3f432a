"""A worker as a process: it does what the server calls for, until the server ends the training.

It never answers two calls with the same loss: a sum over all and one over all but one would tell the loss of that one.
Nor does it take part with fewer workers than the program says, whatever the server wants.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ppc.collaborative import letters
from ppc.collaborative.labelling import MOST_VOTES, noisy_votes, within
from ppc.collaborative.mesh import Mesh, MissingShareError
from ppc.collaborative.sharing import decoded_loss, encoded_loss
from ppc.collaborative.state import Spent
from ppc.collaborative.worker import Worker
from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.ir.collaborative import Pate
from ppc.runtime.wire.letters import Letters
from ppc.sharing import shares

Reach = Callable[[int, tuple[str, int]], Letters]  # dial a worker


@dataclass(kw_only=True)
class Attendance:
    """What a worker brings to a training. `begin` is told of epochs that were over before it came."""

    worker: Worker
    line: Letters  # to the server
    mesh: Mesh
    reach: Reach
    begin: Callable[[int], None]
    keep: Callable[[int], None]
    report: Callable[[], dict[str, float]]
    pate: Pate | None = None
    public: Tensor | None = None  # the examples to label
    second: Letters | None = None  # to the second aggregator, where winners are opened
    voted: int = 0  # times
    queried: int = 0  # examples, those of a vote that was not opened included
    spent: Spent = field(default_factory=Spent)  # both, of the training that is gone on with

    def attend(self) -> int:
        """Until the end; the number of rounds."""
        rounds = 0
        while True:
            kind, text = self.line.receive(letters.of_worker(self.worker.facts.workers))
            match kind:
                case letters.PEERS:
                    self._meet(letters.json_of(text))
                case letters.BEGIN:
                    self._begin(int.from_bytes(text, "little"))
                case letters.ROUND:
                    self._round(text)
                    rounds += 1
                case letters.VOTE:
                    self._vote(text)
                case letters.KEEP:
                    self.keep(int.from_bytes(text, "little"))
                    self.line.send(letters.REPORT, json.dumps({"shares": self.mesh.sent, **self.report()}).encode())
                case letters.VOID:
                    continue  # of votes; the server calls for them again
                case letters.END:
                    return rounds
                case _:
                    raise _unasked()

    def _begin(self, over: int) -> None:
        self.begin(over)
        if over:
            self.voted, self.queried = self.spent.read()

    def _meet(self, places: object) -> None:
        """Dial those who came before; one that has left meanwhile is no reason to leave as well."""
        for number, host, port in cast("Sequence[tuple[int, str, int]]", places):
            try:
                self.mesh.add(int(number), self.reach(int(number), (str(host), int(port))))
            except PpcError:
                continue

    def _round(self, text: bytes) -> None:
        attempt, _, numbers = self._called(text)
        worker = self.worker
        loss = encoded_loss(worker.ahead(), worker.facts.workers)
        worker.step(self._opened(attempt, numbers, np.array([loss])))

    def _opened(self, attempt: int, numbers: Sequence[int], value: NDArray[np.int64]) -> float | None:
        """The mean over those who took part, if the sum was opened."""
        if not self._shared(attempt, numbers, value):
            return None
        kind, text = self.line.receive({letters.OPENED: 8, letters.VOID: 0})
        if kind == letters.VOID:
            return None
        return decoded_loss(int(letters.elements_of(text, 1)[0])) / len(numbers)

    def _vote(self, text: bytes) -> None:
        attempt, asked, numbers = self._called(text)
        if self.pate is None or self.public is None or not 0 < asked <= min(self.pate.queries, len(self.public)):
            raise _unasked()
        if self.voted == MOST_VOTES or not within(self.pate, self.queried + asked):
            raise _unasked()
        self.voted, self.queried = self.voted + 1, self.queried + asked
        self.spent.write(self.voted, self.queried)
        votes = noisy_votes(self.pate, self.worker, self.public[:asked], len(numbers))
        if self.pate.opened == "histogram":
            self._shared(attempt, numbers, votes)
        else:
            self._split(text, votes)

    def _shared(self, attempt: int, numbers: Sequence[int], values: NDArray[np.int64]) -> bool:
        """Share values among all who take part, and tell the server the sum of the shares that are here."""
        parts: list[Words] = shares(values, len(numbers))
        try:
            partial = self.mesh.together(attempt, numbers, parts)
        except MissingShareError as missing:
            self.line.send(letters.FAILED, json.dumps(missing.numbers).encode())
            self.line.receive({letters.VOID: 0})
            return False
        self.line.send(letters.PARTIAL, np.ascontiguousarray(partial).tobytes())
        return True

    def _split(self, call: bytes, votes: NDArray[np.int64]) -> None:
        """One share to the server, the other to the second aggregator."""
        if self.second is None:
            raise _unasked()
        ours, theirs = shares(votes, 2)
        self.second.send(letters.SHARE, letters.vote_share(call, theirs))
        self.line.send(letters.PARTIAL, np.ascontiguousarray(ours).tobytes())

    def _called(self, text: bytes) -> tuple[int, int, list[int]]:
        attempt, examples, numbers = letters.call_of(text)
        facts = self.worker.facts
        if self.mesh.own not in numbers or not facts.needed <= len(numbers) or numbers[-1] > facts.workers:
            raise fail(
                "PPC687",
                f"The server wants a sum over {len(numbers)} workers; the program says at least {facts.needed}.",
                hint="Nothing was sent. Ask who runs the server.",
            )
        return attempt, examples, numbers


def _unasked() -> PpcError:
    return fail("PPC687", "The server asked for what the program does not say.", hint="Compare the programs.")
