"""Letters to a node and its answers, over whatever carries them; and who of the nodes takes part.

A node never speaks first: each letter is answered by one, or by none. A node that fails says why in its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Protocol

from ppc.errors import PpcError, fail
from ppc.runtime.wire.words import from_json
from ppc.selective import letters
from ppc.selective.host import Arrival

MOST = 10_000_000  # examples or uploads of a participant, whatever it says
WHO = 100  # to a node: which participant it is, and how many examples it has, as JSON
FAILED = 101  # from a node: why it cannot answer
LOOK = 0.1  # seconds between two looks at what has come
TRIP = 120.0  # seconds that a letter and its answer may take on their ways; an app that starts for it is among them
HINT = "Look at the log of its SuperNode."


class Mail(Protocol):
    """What an engine offers."""

    def nodes(self) -> tuple[int, ...]: ...

    def post(self, node: int, letter: bytes) -> str:
        """A ticket by which the answer is asked for."""
        ...

    def answer(self, ticket: str) -> bytes | None: ...


def letter(kind: int, text: bytes = b"") -> bytes:
    return bytes([kind]) + text


@dataclass
class NodeLine:
    """A line to one node. Rounds that are over are told only where they are kept."""

    mail: Mail
    node: int
    wait: float
    keeps: bool
    gone: Callable[[], None]
    ticket: str = ""

    def send(self, kind: int, text: bytes = b"") -> None:
        if kind in (letters.BEGIN, letters.KEEP):
            if self.keeps:
                self.ticket = self.mail.post(self.node, letter(kind, text))
                self.receive({kind: 0})
            return
        self.ticket = self.mail.post(self.node, letter(kind, text))

    def receive(self, longest: Mapping[int, int]) -> tuple[int, bytes]:
        limit = monotonic() + self.wait
        while (found := self.mail.answer(self.ticket)) is None:
            if monotonic() > limit:
                raise fail("PPC689", f"Node {self.node} did not answer for {self.wait:g} seconds.", hint=HINT)
            sleep(LOOK)
        return opened(self.node, found, longest)

    def close(self) -> None:
        self.gone()


def opened(node: int, found: bytes, longest: Mapping[int, int]) -> tuple[int, bytes]:
    """An answer of one of these kinds; each may be so long."""
    kind, text = (found[0], found[1:]) if found else (FAILED, b"it answered nothing")
    if kind == FAILED:
        why = text[:1000].decode("utf-8", "replace")
        raise fail("PPC689", f"Node {node} cannot take part: {why}", hint=HINT)
    if kind not in longest or len(text) > longest[kind]:
        raise fail("PPC689", f"Node {node} answered by {len(text):,} bytes that may not come here.", hint=HINT)
    return kind, text


@dataclass
class Attendance:
    """Asks every node that is new, or was dropped, who it is; those who answer have come."""

    mail: Mail
    participants: int
    wait: float
    keeps: bool
    say: Callable[[str], None]
    asked: dict[int, str] = field(default_factory=dict[int, str])
    there: set[int] = field(default_factory=set[int])

    def arrivals(self) -> Iterator[Arrival]:
        for node in self.mail.nodes():
            if node not in self.there and node not in self.asked:
                self.asked[node] = self.mail.post(node, letter(WHO))
        for node, ticket in tuple(self.asked.items()):
            if (found := self.mail.answer(ticket)) is None:
                continue
            del self.asked[node]
            self.there.add(node)
            try:
                number, examples, sent = told(node, found, self.participants)
            except PpcError as error:
                self.say(error.diagnostics[0].message)
                continue
            yield Arrival(number, self._line(node), examples, sent)

    def _line(self, node: int) -> NodeLine:
        return NodeLine(self.mail, node, self.wait, self.keeps, lambda: self.there.discard(node))


def told(node: int, found: bytes, participants: int) -> tuple[int, int, int]:
    """Which participant a node is, from 0, how many examples it has, and of which uploads it knows."""
    _, text = opened(node, found, {WHO: letters.LONGEST_REPORT})
    try:
        said = from_json(text) or {}
        number, examples, sent = int(said["number"]), int(said["examples"]), int(said["uploads"])
    except (ValueError, TypeError, KeyError, OverflowError):
        number = examples = sent = 0
    if not 1 <= number <= participants or not 1 <= examples <= MOST or not 0 <= sent <= MOST:
        raise fail("PPC689", f"Node {node} does not say which of {participants} participants it is.", hint=HINT)
    return number - 1, examples, sent
