"""The second aggregator of votes with `open winner`: it holds one share of every worker's noisy votes.

The server holds the others, so that neither sees a count. For each vote that the server calls for it adds up the shares
of those who were called, if all of them came with that very call, and then compares the sums with the server; what was
not asked for is thrown away. It takes part in as many votes as the program pays for, over as many workers as it needs,
of at least two, whatever the server wants.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic

from ppc.collaborative import letters
from ppc.collaborative.labelling import MOST_VOTES, within
from ppc.collaborative.state import Spent
from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.ir.collaborative import Collaborative, Pate
from ppc.runtime.wire.letters import Letters
from ppc.sharing import total

LOOK = 0.1  # seconds between two looks at whose share is there


@dataclass(kw_only=True)
class Second:
    """`compare` is the joint comparison with the server, `look` raises where there could be none; `held` is each
    worker's last share, with the call it answers."""

    facts: Collaborative
    pate: Pate
    classes: int
    compare: Callable[[Words], object]
    look: Callable[[], None]
    spent: Spent = field(default_factory=Spent)
    voted: int = field(init=False)  # times, those of every training with this folder included
    queried: int = field(init=False)  # examples
    compared: int = 0  # times
    taken: int = 0  # bytes of shares
    last: int = 0  # attempt
    lines: dict[int, Letters] = field(default_factory=dict[int, Letters])
    gone: set[int] = field(default_factory=set[int])  # whose line has ended
    held: dict[int, tuple[bytes, Words]] = field(default_factory=dict[int, tuple[bytes, Words]])
    changed: Condition = field(default_factory=Condition, repr=False)

    def __post_init__(self) -> None:
        self.voted, self.queried = self.spent.read()

    # ---- workers ----

    def welcome(self, number: int, line: Letters) -> None:
        """A worker that came, or came back."""
        with self.changed:
            old, self.lines[number] = self.lines.get(number), line
            self.gone.discard(number)
        if old is not None:
            old.close()
        Thread(target=self._listen, args=(number, line), daemon=True).start()

    def _listen(self, number: int, line: Letters) -> None:
        try:
            while True:
                _, text = line.receive({letters.SHARE: letters.LONGEST_SHARE})
                found = letters.vote_share_of(text, self.classes)
                with self.changed:
                    self.held[number] = found
                    self.taken += len(text)
                    self.changed.notify_all()
        except PpcError:
            line.close()
            with self.changed:
                if self.lines.get(number) is line:
                    del self.lines[number]
                    self.gone.add(number)
                self.changed.notify_all()

    def close(self) -> None:
        for line in list(self.lines.values()):
            line.close()

    # ---- the server ----

    def serve(self, server: Letters) -> None:
        """Every vote that the server calls for, until it ends the training."""
        longest = letters.ASKED.size + 4 * self.facts.workers
        while True:
            kind, call = server.receive({letters.ADD: longest, letters.READY: 0, letters.END: 0})
            if kind == letters.END:
                return
            if kind == letters.READY:
                server.send(letters.READY, self._hindrance())
                continue
            attempt, asked, numbers = letters.call_of(call)
            self._allow(attempt, asked, numbers)
            missing, share = self._added(call, numbers)
            server.send(letters.MISSING, json.dumps(missing).encode())
            if share is not None:
                self.compared += 1
                self.compare(share.reshape(asked, self.classes))

    def _hindrance(self) -> bytes:
        """Why nothing could be compared now, if it could not."""
        try:
            self.look()
        except PpcError as error:
            return error.diagnostics[0].message.encode()[: letters.LONGEST]
        return b""

    def _allow(self, attempt: int, asked: int, numbers: Sequence[int]) -> None:
        """Whether the program says so; what is allowed counts, whatever comes of it."""
        enough = max(2, self.facts.needed) <= len(numbers) and numbers[0] > 0 and numbers[-1] <= self.facts.workers
        paid = self.voted < MOST_VOTES and within(self.pate, self.queried + asked)
        if not (enough and paid and attempt > self.last and 0 < asked <= self.pate.queries):
            message = "The server asked the second aggregator for votes that the program does not say."
            raise fail("PPC687", message, hint="Nothing was compared. Compare the programs.")
        self.last, self.voted, self.queried = attempt, self.voted + 1, self.queried + asked
        self.spent.write(self.voted, self.queried)

    def _added(self, call: bytes, numbers: Sequence[int]) -> tuple[list[int], Words | None]:
        """Whose shares did not come, or else the sum over all of them. Either way none is kept."""
        with self.changed:
            limit = monotonic() + self.facts.wait
            while self._waits(call, numbers) and monotonic() < limit:
                self.changed.wait(LOOK)
            missing = [one for one in numbers if not self._has(call, one)]
            shares = [self.held[one][1] for one in numbers if one not in missing]
            self.held.clear()
        return missing, None if missing else total(shares)

    def _waits(self, call: bytes, numbers: Sequence[int]) -> bool:
        return any(one not in self.gone and not self._has(call, one) for one in numbers)

    def _has(self, call: bytes, one: int) -> bool:
        return one in self.held and self.held[one][0] == call
