"""A channel that counts what it carries, and remembers when, if it is asked to."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns

from ppc.field import Words
from ppc.runtime.channel import Channel, Header

Span = tuple[str, str, int, int]  # what, where, from, to: nanoseconds of the clock on the wall
Keep = Callable[[Span], None]


class CountedChannel:
    """An end of a channel (ppc.runtime.channel.Channel), as it is, and counted."""

    def __init__(self, channel: Channel, keep: Keep | None = None) -> None:
        self.channel, self._keep = channel, keep
        self.sent = self.received = self.rounds = 0
        self._last: tuple[str, int, int] | None = None

    def begin(self) -> None:
        """Another stretch: its first round is one more."""
        self._last = None

    def send(self, frame: Words) -> None:
        header, start = Header.read(frame), time_ns()
        self._round(header)
        self.channel.send(frame)
        self.sent += frame.nbytes
        self._kept("send", header, start)

    def receive(self, length: int, expected: Header | None = None) -> Words:
        start = time_ns()
        if expected is not None:
            self._round(expected)
        frame = self.channel.receive(length, expected)
        self.received += frame.nbytes
        if expected is not None:
            self._kept("wait", expected, start)
        return frame

    def close(self) -> None:
        self.channel.close()

    def _round(self, header: Header) -> None:
        place = (header.section, header.iteration, header.round)
        self.rounds += place != self._last
        self._last = place

    def _kept(self, what: str, header: Header, start: int) -> None:
        if self._keep is not None:
            self._keep((what, f"{header.section} {header.iteration}, round {header.round}", start, time_ns()))
