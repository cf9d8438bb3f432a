"""The server's lines to workers: as `ppc.collaborative.host` knows them, with the shares of a round passing through.

The host calls everybody and then asks each for its partial sum. The first time it does, what all have sealed is waited
for, and handed on; if that of one has not come, nothing is handed on to anybody, and nothing is opened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from ppc.collaborative import letters
from ppc.errors import PpcError
from ppc.flower import parts
from ppc.flower.mail import Mail, NodeLine, letter, opened
from ppc.sharing import ELEMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLS = (letters.ROUND, letters.VOTE)
LATER = (letters.BEGIN, letters.OPENED, letters.VOID)  # go with the next letter


@dataclass
class WorkerLine(NodeLine):
    """`sent` and `taken` are bytes of letters, counted where the host sends a part of one."""

    number: int = field(kw_only=True)
    record: bytes = field(kw_only=True)
    relay: Relay = field(kw_only=True, repr=False)
    sent: int = 0
    taken: int = 0
    waiting: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])

    def send(self, kind: int, text: bytes = b"") -> None:
        """Where the others listen is of no use here, and who has ended asks nobody any more."""
        if kind in (letters.PEERS, letters.END):
            return
        if kind in CALLS:
            numbers = letters.call_of(text)[2]
            self.relay.called(numbers)
            self._part(parts.KEYS, self.relay.records(numbers))
        self._part(kind, text)
        if kind not in LATER:
            self.handed()

    def handed(self, *more: tuple[int, bytes]) -> None:
        """What has waited, and these parts, as one letter."""
        for kind, text in more:
            self._part(kind, text)
        self.sent += 1
        self.relay.letters += 1
        self.post(letter(parts.BUNDLE, parts.packed(self.waiting)))
        self.waiting = []

    def _part(self, kind: int, text: bytes) -> None:
        self.waiting.append((kind, text))
        self.sent += parts.PART.size + len(text)

    def receive(self, longest: Mapping[int, int]) -> tuple[int, bytes]:
        if letters.PARTIAL in longest and not self.relay.handed_on(longest[letters.PARTIAL]):
            self.relay.mourn(self.number)
            return letters.FAILED, json.dumps(sorted(self.relay.failed)).encode()
        return self.answered(longest)

    def answered(self, longest: Mapping[int, int]) -> tuple[int, bytes]:
        found = self.answer()
        self.taken += len(found)
        self.relay.trips.append(monotonic() - self.posted)
        return opened(self.node, found, longest)

    def allow(self, computing: float) -> None:
        """A letter has its own time on this engine."""


@dataclass
class Relay:
    """What the lines of all workers share. `failed` are those whose shares did not come in this call."""

    mail: Mail
    wait: float
    lines: dict[int, WorkerLine] = field(default_factory=dict[int, WorkerLine])
    among: list[int] = field(default_factory=list[int])
    passed: bool = True
    failed: dict[int, PpcError] = field(default_factory=dict[int, PpcError])
    silent: set[int] = field(default_factory=set[int])  # who sits this call out, having answered it among others
    letters: int = 0
    trips: list[float] = field(default_factory=list[float])  # seconds of each letter and its answer

    def line(self, node: int, number: int, record: bytes, gone: Callable[[], None]) -> WorkerLine:
        """To a worker that has come, in the place of an older one."""
        self.lines[number] = WorkerLine(self.mail, node, self.wait, gone, number=number, record=record, relay=self)
        return self.lines[number]

    def records(self, numbers: Sequence[int]) -> bytes:
        return b"".join(self.lines[one].record for one in numbers)

    def called(self, numbers: list[int]) -> None:
        self.among, self.passed, self.failed, self.silent = numbers, False, {}, set()

    def mourn(self, number: int) -> None:
        """Who has sent nothing itself is dropped for that."""
        if number in self.failed:
            raise self.failed[number]

    def handed_on(self, elements_bytes: int) -> bool:
        """Everybody's shares to everybody, once in a call, if those of all have come."""
        if not self.passed:
            self.passed = True
            each = parts.sealed_bytes(elements_bytes // ELEMENT_BYTES)
            sealed = {one: dict(self._sealed(one, each)) for one in self.among}
            if not self.failed and not self.silent:
                for one in self.among:
                    theirs = b"".join(sealed[other][one] for other in self.among if other != one)
                    self.lines[one].handed((parts.RELAYED, theirs))
        return not self.failed and not self.silent

    def _sealed(self, one: int, each: int) -> Iterator[tuple[int, bytes]]:
        """A worker's shares, by whom they are for."""
        others = [other for other in self.among if other != one]
        try:
            kind, text = self.lines[one].answered({parts.SEALED: each * len(others), letters.FAILED: 2})
            if kind == letters.FAILED:
                self.silent.add(one)
                return
            yield from zip(others, parts.pieces(text, len(others), each), strict=True)
        except PpcError as error:
            self.failed[one] = error
