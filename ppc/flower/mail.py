"""Letters to a node and its answers, over whatever carries them; and who of the nodes takes part.

A node never speaks first: each letter is answered by one, or by none. A node that fails says why in its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Generic, Protocol, TypeVar

from ppc.errors import PpcError, fail
from ppc.runtime.wire.words import from_json

MOST = 10_000_000  # examples or uploads of a participant, whatever it says
LONGEST_ANSWER = 4096  # of who a node is
WHO = 100  # to a node: which participant it is, and how many examples it has, as JSON
FAILED = 101  # from a node: why it cannot answer
LOOK = 0.1  # seconds between two looks at what has come
TRUST = "the server is trusted to hand round the nodes' own keys: {} without certificates (docs/flower.md)"
HINT = "Look at the log of its SuperNode."
Here = TypeVar("Here")


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
    """A line to one node: one letter, one answer. `gone` is told when the node is dropped."""

    mail: Mail
    node: int
    wait: float
    gone: Callable[[], None]
    ticket: str = ""
    posted: float = 0.0

    def post(self, text: bytes) -> None:
        self.ticket, self.posted = self.mail.post(self.node, text), monotonic()

    def answer(self) -> bytes:
        """To the last letter, as long as it may take."""
        while (found := self.mail.answer(self.ticket)) is None:
            if monotonic() > self.posted + self.wait:
                raise fail("PPC689", f"Node {self.node} did not answer for {self.wait:g} seconds.", hint=HINT)
            sleep(LOOK)
        return found

    def send(self, kind: int, text: bytes = b"") -> None:
        self.post(letter(kind, text))

    def receive(self, longest: Mapping[int, int]) -> tuple[int, bytes]:
        return opened(self.node, self.answer(), longest)

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
class Attendance(Generic[Here]):
    """Asks every node that is new, or was dropped, who it is; those who answer have come. `come` understands an answer,
    and is told how to say that a node has gone; it gives nothing for one that has no turns."""

    mail: Mail
    come: Callable[[int, bytes, Callable[[], None]], Here | None]
    say: Callable[[str], None]
    asked: dict[int, str] = field(default_factory=dict[int, str])
    there: set[int] = field(default_factory=set[int])

    def arrivals(self) -> Iterator[Here]:
        for node in self.mail.nodes():
            if node not in self.there and node not in self.asked:
                self.asked[node] = self.mail.post(node, letter(WHO))
        for node, ticket in tuple(self.asked.items()):
            if (found := self.mail.answer(ticket)) is None:
                continue
            del self.asked[node]
            self.there.add(node)
            try:
                here = self.come(node, found, lambda node=node: self.there.discard(node))
            except PpcError as error:
                self.say(error.diagnostics[0].message)
                continue
            if here is not None:
                yield here


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a node says of itself; numbers from 1."""

    number: int
    examples: int
    uploads: int
    public: str
    record: bytes


def told(node: int, found: bytes, members: int, second: int = 0) -> Told:
    """Which member a node is, how many examples it has, of which uploads it knows, what it labels, and its key. The
    number of the `second` aggregator has no examples."""
    _, text = opened(node, found, {WHO: LONGEST_ANSWER})
    said = from_json(text) or {}
    try:
        number, examples, uploads = (int(said.get(name, 0)) for name in ("number", "examples", "uploads"))
        record = bytes.fromhex(said.get("key", ""))
    except (ValueError, TypeError, OverflowError):
        number, examples, uploads, record = 0, 0, 0, b""
    learns = 1 <= number <= members and 1 <= examples <= MOST
    if not (learns or (second and number == second)) or not 0 <= uploads <= MOST:
        raise fail("PPC689", f"Node {node} does not say which of {members} participants it is.", hint=HINT)
    return Told(number=number, examples=examples, uploads=uploads, public=str(said.get("public", "")), record=record)
