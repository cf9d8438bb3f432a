"""The second aggregator: holds one share of every update, and gives out the sum of those that the server asks for.

It sums under a tag over one set of participants only, whatever happens between (`ppc.selective.remembered`), and only
over as many as the program needs, of at least two: from sums over two sets, or from the sum of one, an update could be
worked out. What was not asked for is thrown away.

    known   the training 16 bytes, 1 if it goes on; back: 1, or 0 if it goes on and is not known here
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic

import numpy as np

from ppc.errors import PpcError
from ppc.field import Words
from ppc.ir.selective import Selective
from ppc.runtime.wire.letters import Letters
from ppc.selective import adding, letters
from ppc.selective.remembered import Memory
from ppc.sharing import total

LOOK = 0.1  # seconds between two looks at whose share is there


@dataclass
class Aggregator:
    """`held` is the last share of each participant, with the tag of its sum; `given` is over whom a tag was summed, and
    which trainings began."""

    facts: Selective
    parameters: int
    lines: dict[int, Letters] = field(default_factory=dict[int, Letters])
    held: dict[int, tuple[bytes, Words]] = field(default_factory=dict[int, tuple[bytes, Words]])
    given: Memory = field(default_factory=Memory)
    taken: int = 0
    changed: Condition = field(default_factory=Condition, repr=False)

    def welcome(self, number: int, line: Letters) -> None:
        """A participant that came, or came back."""
        with self.changed:
            old, self.lines[number] = self.lines.get(number), line
        if old is not None:
            old.close()
        Thread(target=self._listen, args=(number, line), daemon=True).start()

    def _listen(self, number: int, line: Letters) -> None:
        size = self.facts.shared(self.parameters)
        try:
            while True:
                _, text = line.receive({letters.SHARE: adding.share_bytes(size)})
                with self.changed:
                    self.held[number] = adding.share_of(text, size)
                    self.taken += len(text)
                    self.changed.notify_all()
        except PpcError:
            line.close()
            with self.changed:
                if self.lines.get(number) is line:
                    del self.lines[number]
                self.changed.notify_all()

    def serve(self, server: Letters) -> None:
        """Every sum that the server asks for, until it ends the training."""
        question = {letters.ADD: adding.TAG + 4 * self.facts.participants, letters.END: 0}
        question[letters.BEGIN] = adding.TAG + 1
        while True:
            kind, text = server.receive(question)
            if kind == letters.END:
                server.send(letters.REPORT, json.dumps({"taken": self.taken}).encode())
                return
            if kind == letters.BEGIN:
                server.send(letters.BEGIN, self.known(text))
            else:
                server.send(*self.answer(*adding.numbers_of(text)))

    def known(self, text: bytes) -> bytes:
        """Whether what was given out of this training before is known here."""
        training, goes_on = text[: adding.TAG].hex(), text[adding.TAG :] == b"\1"
        if goes_on and training not in self.given.lines:
            return b"\0"
        self.given.add(training, "training")
        return b"\1"

    @property
    def sums(self) -> int:
        return sum(told != "training" for told in self.given.lines.values())

    def answer(self, tag: bytes, asked: Sequence[int]) -> tuple[int, bytes]:
        """The sum over those who are here of those who are asked for; of too few, or of others than before, nothing."""
        with self.changed:
            limit = monotonic() + self.facts.wait
            while self._waits(tag, asked) and monotonic() < limit:
                self.changed.wait(LOOK)
            there = [one for one in sorted(set(asked)) if self._has(tag, one)]
            shares = [self.held.pop(one)[1] for one in there]
        if len(there) < max(2, self.facts.needed):
            return letters.TOTAL, adding.total_text(tag, (), np.zeros(0, np.uint64))
        who = ",".join(map(str, there))
        if self.given.lines.get(tag.hex(), who) != who:
            return letters.GIVEN, tag
        self.given.add(tag.hex(), who)
        return letters.TOTAL, adding.total_text(tag, there, total(shares))

    def _waits(self, tag: bytes, asked: Sequence[int]) -> bool:
        return any(one in self.lines and not self._has(tag, one) for one in asked)

    def _has(self, tag: bytes, one: int) -> bool:
        return one in self.held and self.held[one][0] == tag

    def close(self) -> None:
        for line in list(self.lines.values()):
            line.close()
