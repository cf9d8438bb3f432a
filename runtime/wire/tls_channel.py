"""The channel between two machines: frames of a plan over a link, sent in the background, received into fresh memory.

Bytes on the line are exactly the frames that ppc.plan.messages counts; TLS adds its records outside of that.
"""

from __future__ import annotations

import numpy as np

from ppc.field import Words
from ppc.plan.messages import HEADER
from ppc.runtime.channel import Header
from ppc.runtime.rooms import Rooms
from ppc.runtime.wire.lines import IDLE, Incoming, Outgoing
from ppc.runtime.wire.link import Link


class TlsChannel:
    """One party's end (ppc.runtime.channel.Channel). One thread sends and receives; any may close."""

    def __init__(self, link: Link, *, idle: float = IDLE) -> None:
        self.link, self.who = link, f"the {link.peer}"
        self.sent = 0
        self._incoming = Incoming(link.incoming, self.who, idle)
        self._outgoing = Outgoing(link.outgoing, self.who, idle)
        self._rooms = Rooms()

    def __repr__(self) -> str:
        return f"TlsChannel(to {self.who})"

    @property
    def received(self) -> int:
        return self._incoming.taken

    def send(self, frame: Words) -> None:
        """Returns before all is written. The frame may not be changed any more."""
        self.sent += frame.nbytes
        name = Header.read(frame).name if frame.nbytes >= HEADER else "a message"
        self._outgoing.send(frame.data.cast("B"), name)

    def receive(self, length: int, expected: Header | None = None, *, name: str = "") -> Words:
        """The next frame, of `length` bytes. One that does not begin as expected is refused before it is read."""
        frame = self._rooms.room(length).view(np.uint64)

        def look(head: memoryview) -> None:
            if expected is not None:
                expected.check(np.frombuffer(head, np.uint64), self.who)

        name = expected.name if expected is not None else name or f"a message of {length:,} bytes"
        self._incoming.fill(frame.data.cast("B"), name, head=HEADER, look=look)
        return frame

    def finish(self) -> None:
        """The orderly end: all is sent, and the other side has ended too and sent no byte more than the plan says."""
        try:
            self._outgoing.finish()
            self._incoming.at_end()
        finally:
            self.close()

    def close(self) -> None:
        """At once; whoever waits is woken, here and on the other side."""
        self._outgoing.close()
        self._incoming.close()
        self.link.close()
