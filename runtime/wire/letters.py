"""Messages of many kinds over a link, where no plan fixes their order to the byte: each kind has a greatest length.

    letter   magic "ppcL", kind u32, length u64 (little-endian), then the text

Both sides take turns; who waits names the kinds that may come. A length is compared with what its kind may have before
anything of it is read.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ppc.errors import fail
from ppc.runtime.wire.lines import IDLE, Incoming, Outgoing
from ppc.runtime.wire.link import Link

HEAD = struct.Struct("<4sIQ")
MAGIC = b"ppcL"
COMPUTING = 600.0  # seconds in which a letter may come that the other side has yet to work out


class Letters:
    """One side's end. One thread sends and receives; any may close."""

    def __init__(self, link: Link, *, idle: float = IDLE, computing: float = COMPUTING) -> None:
        self.link, self.who = link, f"the {link.peer}"
        self.sent = self.taken = 0
        self._incoming = Incoming(link.incoming, self.who, computing)
        self._outgoing = Outgoing(link.outgoing, self.who, idle)

    def send(self, kind: int, text: bytes = b"") -> None:
        letter = HEAD.pack(MAGIC, kind, len(text)) + text
        self._outgoing.send(memoryview(letter), f"letter {kind}")
        self.sent += len(letter)

    def allow(self, computing: float) -> None:
        """The next letters may take so many seconds."""
        self._incoming.allow(computing)

    def receive(self, longest: Mapping[int, int]) -> tuple[int, bytes]:
        """The next letter, of one of these kinds; each may be so long."""
        head = bytearray(HEAD.size)
        self._incoming.fill(memoryview(head), "the next letter")
        magic, kind, length = HEAD.unpack(head)
        if magic != MAGIC or kind not in longest or length > longest[kind]:
            raise fail(
                "PPC651",
                f"{self.who[0].upper()}{self.who[1:]} sent a letter of kind {kind} and {length:,} bytes, which may "
                "not come here.",
                hint="Start the same program with the same ppc on all machines.",
            )
        text = bytearray(length)
        if length:
            self._incoming.fill(memoryview(text), f"letter {kind}")
        self.taken += HEAD.size + length
        return kind, bytes(text)

    def close(self) -> None:
        """At once; whoever waits is woken, here and on the other side."""
        self._outgoing.close()
        self._incoming.close()
        self.link.close()
