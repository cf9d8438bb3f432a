"""The server of a collaborative training: it calls for rounds and opens sums. It holds no model and sees no loss.

The rule for a worker that does not answer in time, leaves, or sends what is no element: nothing is opened in this
round, it is dropped, and the next round is among those that are left, as long as `least` of them are. A sum is
opened only if the partial sums of all who were called are there: any fewer are uniform. A worker that has answered for
its batch among others sits the round out: nothing is opened, and nobody is dropped. Who comes back takes part from then
on. Of what a worker says of its examples no more counts than ten times the median of what all say, so that one
cannot make an epoch endless.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from ppc.collaborative import letters
from ppc.collaborative.labelling import MOST_VOTES, within
from ppc.collaborative.sharing import decoded_loss
from ppc.collaborative.state import Spent
from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.ir.collaborative import GRID, Collaborative, Pate
from ppc.learning.claims import beyond, counted
from ppc.runtime.wire.letters import HEAD
from ppc.sharing import signed, total

LARGEST_LOSS = 2.0**20  # of one worker; a sum beyond that of all is no sum of losses
FAIR = 1.0  # seconds at least, in which what a worker has sent is read, though one before it was slow
TOLD = 5.0  # seconds in which workers that miss another one say so

Say = Callable[[str], None]
Votes = TypeVar("Votes")  # what is opened of them


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """A worker that has come: where it listens, and how many examples it has."""

    number: int
    line: letters.Line
    place: tuple[str, int]
    examples: int


@dataclass(frozen=True, kw_only=True)
class Sum:
    """One round: the opened sum (None where nothing was), over how many, and the bytes that it should take."""

    epoch: int
    opened: float | None
    there: int
    predicted: int


def loss_bytes(workers: int) -> int:
    """A round on all lines together: calls, shares, partial sums, and the opened sum to everybody."""
    call = HEAD.size + letters.ASKED.size + 4 * workers
    each = call + (workers - 1) * letters.share_bytes(1) + letters.partial_bytes(1) + letters.partial_bytes(1)
    return workers * each


@dataclass
class Host:
    """`there` are the workers that take part, by number. `arrivals` hands out those that came since, `predict` says
    what a round among so many takes on all lines."""

    facts: Collaborative
    arrivals: Callable[[], Iterable[Newcomer]]
    say: Say
    over: int = 0  # epochs
    attempt: int = 0
    gone: int = 0  # bytes on lines that are closed
    carried: int = 0  # bytes of rounds between the server and workers
    spent: Spent = field(default_factory=Spent)  # on votes
    predict: Callable[[int], int] = loss_bytes
    sat_out: bool = False  # it is said that a worker has sat a round out
    there: dict[int, Newcomer] = field(default_factory=dict[int, Newcomer])
    dropped: set[int] = field(default_factory=set[int])
    doubted: set[int] = field(default_factory=set[int])  # who says it has more examples than count
    reports: dict[int, dict[str, float]] = field(default_factory=dict[int, dict[str, float]])

    # ---- the training ----

    def epochs(self) -> Iterator[list[Sum]]:
        """The rounds of one epoch after the other; after each, every worker has its checkpoint."""
        while self.over < self.facts.epochs:
            self.enough()
            self.doubt()
            before = self._passed()
            found = [self.round() for _ in range(self.rounds)]
            self.carried += self._passed() - before
            self.over += 1
            self.reports = {one: told for one in list(self.there) if (told := self.kept(one)) is not None}
            yield found

    def doubt(self) -> None:
        """Whose examples do not all count is said once."""
        for one, what in beyond(self.claims):
            if one not in self.doubted:
                self.doubted.add(one)
                self.say(f"worker {one} {what}")

    @property
    def measured(self) -> int:
        """Bytes of all rounds: those that passed here, and the shares that workers say they sent each other."""
        return self.carried + sum(int(told.get("shares", 0)) for told in self.reports.values())

    def _passed(self) -> int:
        return self.gone + sum(one.line.sent + one.line.taken for one in self.there.values())

    @property
    def rounds(self) -> int:
        """Batches of an epoch of whoever has most, by the examples that count."""
        return -(-max(counted(self.claims).values()) // self.facts.batch)

    @property
    def claims(self) -> dict[int, int]:
        """How many examples each says it has."""
        return {one.number: one.examples for one in self.there.values()}

    def round(self) -> Sum:
        self.enough()
        numbers = sorted(self.there)
        found = self.opened(numbers, letters.ROUND, 0, 1)
        loss = None if found is None else decoded_loss(int(found[0]))
        if loss is not None and not abs(loss) <= LARGEST_LOSS * len(numbers):
            self.say("a sum of losses that is none was opened: a worker sent another number than its partial sum")
            found = loss = None
        for one in numbers:
            self.tell(one, letters.VOID) if found is None else self.tell(one, letters.OPENED, found.tobytes())
        return Sum(epoch=self.over, opened=loss, there=len(numbers), predicted=self.predict(len(numbers)))

    # ---- the votes ----

    def counts(self, pate: Pate, asked: int, classes: int) -> tuple[NDArray[np.int64], int]:
        """The noisy histograms, on the grid of the noise; and how often the workers had to vote."""
        return self.voted(pate, asked, lambda numbers: self._counts(pate, numbers, asked, classes))

    def _counts(self, pate: Pate, numbers: Sequence[int], asked: int, classes: int) -> NDArray[np.int64] | None:
        found = self.opened(numbers, letters.VOTE, asked, asked * classes)
        if found is None:
            return None
        counts = signed(found).reshape(asked, classes)
        if np.abs(counts).max() <= pate.reach(len(numbers)) << GRID:
            return counts
        self.say("counts that are none were opened: a worker sent another number than its partial sum")
        return None

    def voted(
        self,
        pate: Pate,
        asked: int,
        usable: Callable[[Sequence[int]], Votes | None],
        ready: Callable[[], None] = lambda: None,
    ) -> tuple[Votes, int]:
        """What came of the first votes of all who were called that are `usable`, and how often they had to vote.
        `ready` raises where nothing could come of them, before they count."""
        allowed = sum(within(pate, votes * asked) for votes in range(1, MOST_VOTES + 1))
        before = self.spent.read()[0]
        if before >= allowed:
            often = "once" if before == 1 else f"{before} times"
            message = f"These examples were voted on {often}, and the program pays for no other vote."
            hint = "Labels that were opened stand where that run wrote them; other labels are another training, whose "
            hint += "epsilon adds to this one, with another `--checkpoint` folder for everybody."
            raise fail("PPC685", message, hint=hint)
        for votes in range(before + 1, allowed + 1):
            self.enough()
            ready()
            self.spent.write(votes, votes * asked)
            numbers = sorted(self.there)
            if (found := usable(numbers)) is not None:
                return found, votes
            for one in numbers:
                self.tell(one, letters.VOID)
        raise fail(
            "PPC687",
            f"Votes were called for {allowed} times, as often as is allowed, and nothing usable was opened.",
            hint="Look which worker is dropped or named above. A budget pays for each vote, opened or not.",
        )

    # ---- one sum ----

    def opened(self, numbers: Sequence[int], kind: int, examples: int, elements: int) -> Words | None:
        """The sum over these workers, if every one of them sent its partial sum."""
        self.attempt += 1
        for one in numbers:
            self.tell(one, kind, letters.called(self.attempt, numbers, examples))
        limit = monotonic() + self.facts.wait + TOLD
        partial: list[Words] = []
        missed: Counter[int] = Counter()
        for one in numbers:
            answer = self.answer(one, limit, elements)
            if isinstance(answer, list):
                missed.update(answer)
            elif answer is not None:
                partial.append(answer)
        if len(partial) == len(numbers):
            return total(partial)
        self.blamed(numbers, missed)
        return None

    def answer(self, one: int, limit: float, elements: int) -> Words | list[int] | None:
        """A partial sum, or whose shares a worker misses; None from one that is dropped for what it did."""
        if one not in self.there:
            return None
        line = self.there[one].line
        try:
            line.allow(max(FAIR, limit - monotonic()))
            kind, text = line.receive({letters.PARTIAL: 8 * elements, letters.FAILED: letters.LONGEST})
            if kind == letters.PARTIAL:
                return letters.elements_of(text, elements)
            return [int(number) for number in cast("Sequence[int]", letters.json_of(text))]
        except (TypeError, ValueError, OverflowError):
            self.drop(one, "what it sent names no workers")
        except PpcError as error:
            self.drop(one, error.diagnostics[0].message)
        return None

    def blamed(self, numbers: Sequence[int], missed: Counter[int]) -> None:
        """Where all answered and shares are missing, the worker that most others miss is dropped."""
        if not missed and all(one in self.there for one in numbers) and not self.sat_out:
            self.sat_out = True
            self.say(
                "nothing is opened of this round: a worker has answered for its batch among others before, and two "
                "such sums would tell somebody's loss; so it may be of other rounds"
            )
        suspects = [(count, one) for one, count in missed.items() if one in self.there]
        if suspects and all(one in self.there for one in numbers):
            self.drop(max(suspects)[1], "the others miss its shares")

    # ---- workers ----

    def welcome(self) -> None:
        """Those who came, or came back, take part from now on."""
        for new in self.arrivals():
            if (old := self.there.pop(new.number, None)) is not None:
                old.line.close()
            places = [(one.number, *one.place) for one in self.there.values()]
            self.there[new.number] = new
            self.tell(new.number, letters.PEERS, json.dumps(places).encode())
            self.tell(new.number, letters.BEGIN, self.over.to_bytes(8, "little"))
            if new.number in self.dropped:
                self.dropped.discard(new.number)
                self.say(f"worker {new.number} is back")

    def enough(self) -> None:
        self.welcome()
        if len(self.there) < self.facts.needed:
            raise fail(
                "PPC683",
                f"{len(self.there)} workers are left, and {self.facts.needed} are needed.",
                hint="Start them again, and the server with `--resume`; or allow fewer: `least N`.",
            )

    def tell(self, one: int, kind: int, text: bytes = b"") -> None:
        if one not in self.there:
            return
        try:
            self.there[one].line.send(kind, text)
        except PpcError as error:
            self.drop(one, error.diagnostics[0].message)

    def kept(self, one: int) -> dict[str, float] | None:
        """A worker has written its checkpoint, and says how good its model is."""
        self.tell(one, letters.KEEP, self.over.to_bytes(8, "little"))
        if one not in self.there:
            return None
        try:
            self.there[one].line.allow(self.facts.wait + TOLD)
            _, text = self.there[one].line.receive({letters.REPORT: letters.LONGEST})
            return letters.numbers_of(text)
        except PpcError as error:
            self.drop(one, error.diagnostics[0].message)
            return None

    def drop(self, one: int, why: str) -> None:
        """Without it, as long as there are enough."""
        if (gone := self.there.pop(one, None)) is not None:
            self.gone += gone.line.sent + gone.line.taken
            gone.line.close()
            self.dropped.add(one)
            self.say(f"worker {one} is dropped: {why}")

    def close(self) -> None:
        """The training is over, for whatever reason."""
        for one in sorted(self.there):
            self.tell(one, letters.END)
        for one in self.there.values():
            one.line.close()
