"""The server as a process: gives participants their turns, adds what they send, and goes on without those who fail.

The rule for a participant that does not answer in time, leaves, or sends what is no update: it is dropped, its update
is not used, and the training goes on as long as `least` participants are there; a dropped one may come back and is
given its next turn. With fewer the training stops with a checkpoint. Nothing that a participant sends ends the server,
and of what it says of its examples no more counts than ten times the median of what all say (`ppc.learning.claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from threading import Lock, Thread
from typing import NamedTuple

from ppc.errors import PpcError, fail
from ppc.ir.selective import Selective
from ppc.learning.claims import beyond
from ppc.runtime.wire.words import from_json
from ppc.selective import letters
from ppc.selective.budget import allowed_uploads
from ppc.selective.message import Sparse, bounded, decoded
from ppc.selective.orders import turns
from ppc.selective.pooled import begun, pooled_round
from ppc.selective.remembered import Tags
from ppc.selective.rounds import Progress, exchanges, exchanges_a_round
from ppc.selective.server import ParameterServer

Say = Callable[[str], None]
Told = Callable[[Progress], None]
Keep = Callable[[int], None]


class Arrival(NamedTuple):
    """A participant that has come: its number from 0, its line, how many examples it has, and how many uploads it has
    counted itself: the server may have ended within a round, and know of fewer."""

    number: int
    line: letters.Line
    examples: int
    sent: int = 0


@dataclass
class Host:
    """`lines` are those of the participants that are there, by number, from 0; what is said counts from 1, as `--be`
    does. `arrivals` hands out those that came since."""

    facts: Selective
    server: ParameterServer
    arrivals: Callable[[], Iterator[Arrival]]
    say: Say
    told: Told
    over: int = 0  # rounds
    second: letters.Line | None = None  # the second aggregator, where updates are shared
    tags: Tags = field(default_factory=Tags)  # of the sums
    lines: dict[int, letters.Line] = field(default_factory=dict[int, letters.Line])
    examples: dict[int, int] = field(default_factory=dict[int, int])
    dropped: set[int] = field(default_factory=set[int])
    uploads: dict[int, int] = field(default_factory=dict[int, int])  # of each participant, in all rounds
    allowed: int | None = field(init=False)
    doubted: set[int] = field(default_factory=set[int])  # who says it has more examples than count
    skipped: bool = False  # a sum that was opened before, over others
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.allowed = allowed_uploads(self.facts)

    def run(self, keep: Keep, seed: int = 0) -> None:
        """All rounds that are left."""
        if self.second is not None:
            self.welcome()
            begun(self, self.second)
        for number in range(self.over, self.facts.rounds):
            self.enough()
            self.doubt()
            if all(self.spent(one) for one in self.lines):
                self.say(f"the budget is spent after {number} of {self.facts.rounds} rounds: the training stops")
                break
            if self.second is not None:
                pooled_round(self, number, self.second)
            elif self.facts.order == "asynchronous":
                self.together(number)
            else:
                for one in turns(self.facts, number, seed):
                    self.turn(number, one)
            self.over = number + 1
            keep(self.over)
            for one in sorted(self.lines):
                self.tell(one, letters.KEEP)

    def reports(self) -> dict[int, dict[str, float]]:
        """The end: what each participant says of its model. The server's own is written before that."""
        return {one: self.ended(one) for one in sorted(self.lines)}

    def welcome(self) -> None:
        """Those who came, or came back, have their turns from now on."""
        for number, line, examples, sent in self.arrivals():
            self.examples[number] = examples
            counted = self.uploads.get(number, self.over * exchanges_a_round(self.facts, examples))
            self.uploads[number] = max(counted, sent)
            if (old := self.lines.pop(number, None)) is not None:
                old.close()
            self.lines[number] = line
            self.tell(number, letters.BEGIN)
            if number in self.dropped:
                self.dropped.discard(number)
                self.say(f"participant {number + 1} is back")

    def together(self, number: int) -> None:
        """Everybody at its own speed."""
        threads = [Thread(target=self.turn, args=(number, one), daemon=True) for one in sorted(self.lines)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.enough()

    def doubt(self) -> None:
        """Whose examples do not all count is said once, where turns go by them."""
        for one, what in beyond(self.examples) if self.facts.exchange else ():
            if one not in self.doubted:
                self.doubted.add(one)
                self.say(f"participant {one + 1} {what}")

    @property
    def exchanges(self) -> dict[int, int]:
        """Of each that ever came, in a round, by the examples that it says it has."""
        return exchanges(self.facts, self.examples)

    def turn(self, number: int, one: int) -> None:
        """The exchanges of one participant in one round."""
        for _ in range(self.exchanges.get(one, 0)):
            if one in self.lines and not self.spent(one):
                self.exchange(number, one)
        if self.facts.order != "asynchronous":
            self.enough()

    def spent(self, one: int) -> bool:
        """Its budget pays for no further upload; a participant that is asked for one all the same refuses."""
        return self.allowed is not None and self.uploads[one] >= self.allowed

    def exchange(self, number: int, one: int) -> None:
        size = len(self.server.vector)
        download = self.server.download(self.facts.downloaded(size))
        try:
            line = self.lines[one]
            line.send(letters.TURN, download.encoded())
            self.uploads[one] += 1
            _, text = line.receive(letters.update(self.facts, size))
            update = decoded(text, size=size, most=self.facts.uploaded(size))
            if self.facts.clip and not (self.facts.clip.whole and self.facts.noise.kind == "gaussian"):
                bounded(update, self.facts.clip)
        except PpcError as error:
            self.drop(one, error)
            return
        # What the sender says of the version does not count: it is the one that it was sent.
        staleness = self.server.upload(Sparse(size, download.version, update.indices, update.values))
        sizes = (Sparse.predicted_bytes(len(update)), Sparse.predicted_bytes(len(download)))
        with self.lock:
            self.told(
                Progress(
                    round=number,
                    participant=one,
                    staleness=staleness,
                    coordinates=len(update),
                    bytes_up=sizes[0],
                    bytes_down=sizes[1],
                )
            )

    def tell(self, one: int, kind: int) -> None:
        """How many rounds are over."""
        try:
            self.lines[one].send(kind, self.over.to_bytes(8, "little"))
        except PpcError as error:
            self.drop(one, error)

    def drop(self, one: int, error: PpcError) -> None:
        """Without it, as long as there are enough."""
        with self.lock:
            line = self.lines.pop(one, None)
            self.dropped.add(one)
        if line is not None:
            line.close()
        self.say(f"participant {one + 1} is dropped: {error.diagnostics[0].message}")

    def enough(self, of: int | None = None) -> None:
        """Who is there, or of how many the updates have come."""
        if of is None:
            self.welcome()
        left = len(self.lines) if of is None else of
        if left < self.facts.needed:
            raise fail(
                "PPC683",
                f"{left} participants are left, and {self.facts.needed} are needed.",
                hint="Start them again, and the server with `--resume`; or allow fewer: `least N`.",
            )

    def ended(self, one: int) -> dict[str, float]:
        """What a participant says of its model; nothing, if it says it wrongly."""
        try:
            self.lines[one].send(letters.END)
            _, text = self.lines[one].receive({letters.REPORT: letters.LONGEST_REPORT})
            found = from_json(text) or {}
            return {name: number for name, value in found.items() if isfinite(number := float(value))}
        except (PpcError, ValueError, TypeError, OverflowError):
            return {}
