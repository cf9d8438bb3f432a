"""A worker's lines to all other workers: who comes later dials those who came before.

Over them each worker hands out its shares, and takes those of the others. Long ones are written in the background, so
that no size blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from ppc.collaborative import letters
from ppc.errors import PpcError
from ppc.field import Words
from ppc.runtime.wire.letters import Letters
from ppc.sharing import total

LOOK = 0.1  # seconds between two looks at who has come
Arrived = Callable[[float], tuple[int, Letters] | None]  # the next one that dialled, if one did in time


class MissingShareError(Exception):
    """Shares of these workers did not come; of none, where one of those who are there sits the round out."""

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(", ".join(map(str, numbers)))
        self.numbers = tuple(numbers)


@dataclass
class Mesh:
    """`own` is this worker's number; `wait` is how long a line or a share may take, in seconds."""

    own: int
    arrived: Arrived
    wait: float
    lines: dict[int, Letters] = field(default_factory=dict[int, Letters])
    sent: int = 0  # bytes of shares

    def add(self, number: int, line: Letters) -> None:
        """A new line takes the place of an old one: its worker has come back."""
        if (old := self.lines.pop(number, None)) is not None:
            old.close()
        self.lines[number] = line

    def close(self) -> None:
        for line in self.lines.values():
            line.close()

    def together(self, attempt: int, numbers: Sequence[int], shares: Sequence[Words]) -> Words:
        """Hand out a share to each of `numbers`, in their order, and add up those that they hand out. Empty shares tell
        the others at once that this worker sits the round out."""
        others = [one for one in numbers if one != self.own]
        mine = dict(zip(numbers, shares, strict=True))
        self._handed_out(attempt, others, mine)
        if not mine[self.own].size:
            raise MissingShareError([])
        found = self._taken(attempt, others, mine[self.own].size)
        return total([mine[self.own].ravel(), *found])

    def _handed_out(self, attempt: int, others: Sequence[int], shares: dict[int, Words]) -> None:
        """To those who are here at once, as they wait no longer than we do; then to those who are still to dial."""
        limit = monotonic() + self.wait
        self.look(0.0)
        missing = list(others)
        while missing:
            here = [one for one in missing if one in self.lines]
            self._send(attempt, here, shares)
            missing = [one for one in missing if one not in here]
            if missing and monotonic() > limit:
                raise MissingShareError(missing)
            if missing:
                self.look(LOOK)

    def look(self, timeout: float) -> None:
        """Take in those that have dialled."""
        while (found := self.arrived(timeout)) is not None:
            self.add(*found)
            timeout = 0.0

    def _send(self, attempt: int, others: Sequence[int], shares: dict[int, Words]) -> None:
        for one in others:
            with suppress(PpcError):  # who cannot be reached sends nothing either, and is missed for that
                line = self.lines[one]
                line.send(letters.SHARE, letters.ATTEMPT.pack(attempt) + np.ascontiguousarray(shares[one]).tobytes())
                self.sent += letters.share_bytes(shares[one].size)

    def _taken(self, attempt: int, others: Sequence[int], elements: int) -> list[Words]:
        found: list[Words | None] = []
        missing: list[int] = []
        limit = monotonic() + self.wait
        for one in others:
            try:
                self.lines[one].allow(max(LOOK, limit - monotonic()))
                found.append(self._share(self.lines[one], attempt, elements))
            except PpcError:
                missing.append(one)
                self.lines.pop(one).close()
        there = [share for share in found if share is not None]
        if len(there) < len(others):
            raise MissingShareError(missing)
        return there

    def _share(self, line: Letters, attempt: int, elements: int) -> Words | None:
        """The share of this attempt, None from one that sits it out; those of earlier ones, which came to nothing, are
        passed over."""
        while True:
            _, text = line.receive({letters.SHARE: letters.LONGEST_SHARE})
            if len(text) >= letters.ATTEMPT.size and letters.ATTEMPT.unpack_from(text)[0] >= attempt:
                share = text[letters.ATTEMPT.size :]
                return letters.elements_of(share, elements) if share else None
