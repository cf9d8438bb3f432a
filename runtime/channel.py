"""How frames travel between the two parties; here, within one process.

A frame is a header of 16 bytes and everything that one party sends in one round. Its length is known from the plan, so
one of another length is refused before anything in it is read. Knows bytes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol

import numpy as np

from ppc.errors import fail
from ppc.field import Words
from ppc.plan.messages import HEADER
from ppc.plan.steps import SECTIONS

HEADER_WORDS = HEADER // 8
TIMEOUT = 600.0  # seconds
TALK = 0xFFFF_FFFE  # the iteration of messages about preprocessing files, which no plan has


class Channel(Protocol):
    """One party's end. A frame that was sent may not be written any more."""

    def send(self, frame: Words) -> None: ...

    def receive(self, length: int, expected: Header | None = None) -> Words:
        """The next frame, which must have `length` bytes. What is expected names it, and may be checked at once."""
        ...

    def close(self) -> None:
        """Tell the other end that nothing will follow."""
        ...


@dataclass(frozen=True, slots=True)
class Header:
    """Where in the run a frame belongs. Its sender is who holds the other end."""

    section: str
    iteration: int
    round: int
    length: int  # of the payload, in bytes

    def words(self) -> Sequence[int]:
        return (SECTIONS.index(self.section) << 48 | self.round << 32 | self.iteration, self.length)

    @staticmethod
    def read(frame: Words) -> Header:
        """The header that a frame of ours was given."""
        place, length = (int(word) for word in frame[:HEADER_WORDS])
        return Header(SECTIONS[place >> 48], place & 0xFFFFFFFF, place >> 32 & 0xFFFF, length)

    @property
    def name(self) -> str:
        """As a person is told of the frame."""
        if self.iteration == TALK:
            return "what belongs to its preprocessing files"
        return f"the message of round {self.round} of {self.section}, iteration {self.iteration}"

    def frame(self) -> tuple[Words, Words]:
        """Room for a frame, its header written; and the part of it that is the payload."""
        whole = np.empty(HEADER_WORDS + self.length // 8, np.uint64)
        whole[:HEADER_WORDS] = self.words()
        return whole, whole[HEADER_WORDS:]

    def payload(self, frame: Words) -> Words:
        """The payload of a frame that must have this header."""
        self.check(frame)
        return frame[HEADER_WORDS:]

    def check(self, frame: Words, who: str = "the other party", name: str = "") -> None:
        """Whether a frame, of which more than the header need not be there, is this one."""
        if tuple(map(int, frame[:HEADER_WORDS])) != tuple(self.words()):
            raise fail(
                "PPC651",
                f"Something else came from {who} than {name or self.name}.",
                hint="Compile the program anew at both parties, and compare the hashes of their plans.",
            )


class MemoryChannel:
    """An end of a channel within one process. It counts every byte, headers included."""

    def __init__(
        self, incoming: SimpleQueue[Words | None], outgoing: SimpleQueue[Words | None], timeout: float = TIMEOUT
    ) -> None:
        self._incoming, self._outgoing, self._timeout = incoming, outgoing, timeout
        self.sent = 0
        self.received = 0

    def send(self, frame: Words) -> None:
        self.sent += frame.nbytes
        shown = frame.view()
        shown.flags.writeable = False
        self._outgoing.put(shown)

    def receive(self, length: int, expected: Header | None = None) -> Words:
        what = expected.name if expected is not None else "a message"
        try:
            frame = self._incoming.get(timeout=self._timeout)
        except Empty:
            raise fail(
                "PPC653", f"For {self._timeout:g} seconds {what} did not come.", hint="Allow more time."
            ) from None
        if frame is None:
            raise fail("PPC652", "The other party ended before the plan did.", hint="Read what it says.")
        self.received += frame.nbytes
        if frame.nbytes != length:
            raise fail(
                "PPC651",
                f"A message of {frame.nbytes} bytes came; the plan says {length}.",
                hint="Compile the program anew at both parties, and compare the hashes of their plans.",
            )
        return frame

    def close(self) -> None:
        self._outgoing.put(None)


def memory_channels(timeout: float = TIMEOUT) -> tuple[MemoryChannel, MemoryChannel]:
    """The two ends of a channel."""
    there: SimpleQueue[Words | None] = SimpleQueue()
    back: SimpleQueue[Words | None] = SimpleQueue()
    return MemoryChannel(back, there, timeout), MemoryChannel(there, back, timeout)
