"""A worker as a process: it does what the server calls for, until the server ends the training, with lines of its own
to all other workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ppc.collaborative import letters
from ppc.collaborative.member import Call, Member, unasked
from ppc.collaborative.mesh import Mesh, MissingShareError
from ppc.errors import PpcError
from ppc.runtime.wire.letters import Letters
from ppc.sharing import shares

Reach = Callable[[int, tuple[str, int]], Letters]  # dial a worker


@dataclass(kw_only=True)
class Attendance(Member):
    """A worker with its lines."""

    line: Letters  # to the server
    mesh: Mesh
    reach: Reach
    second: Letters | None = None  # to the second aggregator, where winners are opened

    def attend(self) -> int:
        """Until the end; the number of rounds."""
        rounds = 0
        while True:
            kind, text = self.line.receive(letters.of_worker(self.worker.facts.workers))
            match kind:
                case letters.PEERS:
                    self._meet(letters.json_of(text))
                case letters.BEGIN:
                    self.begun(int.from_bytes(text, "little"))
                case letters.ROUND:
                    self._round(self.called(kind, text))
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
                    raise unasked()

    def _meet(self, places: object) -> None:
        """Dial those who came before; one that has left meanwhile is no reason to leave as well."""
        for number, host, port in cast("Sequence[tuple[int, str, int]]", places):
            try:
                self.mesh.add(int(number), self.reach(int(number), (str(host), int(port))))
            except PpcError:
                continue

    def _round(self, call: Call) -> None:
        if not self._shared(call):
            self.learned(call.numbers, None)
            return
        kind, text = self.line.receive({letters.OPENED: 8, letters.VOID: 0})
        self.learned(call.numbers, text if kind == letters.OPENED else None)

    def _vote(self, text: bytes) -> None:
        call = self.called(letters.VOTE, text)
        if self.pate is not None and self.pate.opened == "winner":
            self._split(text, call.values)
        else:
            self._shared(call)

    def _shared(self, call: Call) -> bool:
        """Share values among all who take part, and tell the server the sum of the shares that are here."""
        try:
            partial = self.mesh.together(call.attempt, call.numbers, shares(call.values, len(call.numbers)))
        except MissingShareError as missing:
            self.line.send(letters.FAILED, json.dumps(missing.numbers).encode())
            self.line.receive({letters.VOID: 0})
            return False
        self.line.send(letters.PARTIAL, np.ascontiguousarray(partial).tobytes())
        return True

    def _split(self, call: bytes, votes: NDArray[np.int64]) -> None:
        """One share to the server, the other to the second aggregator."""
        if self.second is None:
            raise unasked()
        ours, theirs = shares(votes, 2)
        self.second.send(letters.SHARE, letters.vote_share(call, theirs))
        self.line.send(letters.PARTIAL, np.ascontiguousarray(ours).tobytes())
