"""Who waits to be greeted, and who gives way: strangers may be many, slow, and silent, and keep nobody out for long.

A connection gets one of few seats when its first bytes are there. When somebody else waits, a side that has not shown a
certificate that is pinned here has a part of the greeting's time; whose address has the fewest seats comes first.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from threading import Condition
from time import monotonic, sleep

from ppc.errors import PpcError
from ppc.runtime.wire.refusals import late
from ppc.runtime.wire.tls import Deadline

PENDING = 4  # greetings at a time
WAITING = 64  # connections that have said nothing yet, or wait for a seat
GRACE = 0.25  # of the time for a greeting, which a stranger has while others wait
LOOK = 0.25  # seconds between two looks at what has ended
SOON = 0.02


@dataclass(eq=False)
class Guest:
    """A connection before its greeting is over. `handle` ends it from another thread, whatever TLS does meanwhile."""

    plain: socket.socket
    host: str
    deadline: Deadline
    handle: socket.socket
    since: float = 0.0
    known: bool = False  # it has shown the key of a certificate that is pinned
    told: bool = False  # why it was refused is known to whoever accepts

    def turn_away(self) -> None:
        with suppress(OSError):
            self.handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.plain.close()
        self.handle.close()


class Lobby:
    """One thread calls `next`; the threads that greet call `leave`."""

    def __init__(self, listening: socket.socket, handshake: float, refused: Callable[[PpcError], None]) -> None:
        self._listening, self._handshake, self._refused = listening, handshake, refused
        self._selector, self._changed = DefaultSelector(), Condition()
        self._waiting: list[Guest] = []
        self._seats: list[Guest] = []
        listening.setblocking(False)
        self._selector.register(listening, EVENT_READ)

    def next(self) -> Guest | None:
        """The next one with a seat, if there is one before long."""
        ready = self._ready()
        with self._changed:
            if ready and len(self._seats) >= PENDING:
                self._make_room()
                self._changed.wait(SOON)
            if not ready or len(self._seats) >= PENDING:
                return None
            taken = Counter(guest.host for guest in self._seats)
            guest = min(ready, key=lambda one: taken[one.host])
            guest.since = monotonic()
            self._seats.append(guest)
        self._forget(guest)
        return guest

    def leave(self, guest: Guest) -> None:
        """The greeting is over, and so is the seat; what became of the connection is somebody else's."""
        guest.handle.close()
        with self._changed:
            self._seats.remove(guest)
            self._changed.notify_all()

    def close(self) -> None:
        self._selector.close()
        for guest in self._waiting:
            guest.close()
        self._waiting.clear()

    def _ready(self) -> list[Guest]:
        """Connections whose first bytes are there, in the order in which they came; new ones are taken in."""
        found = {key.fileobj for key, _ in self._selector.select(LOOK)}
        if self._listening in found:
            self._take_in()
        for guest in [one for one in self._waiting if one.deadline.over]:
            self._refused(late("the other side"))
            self._send_away(guest)
        return [guest for guest in self._waiting if guest.plain in found]

    def _take_in(self) -> None:
        try:
            plain, address = self._listening.accept()
        except BlockingIOError:  # it has left again
            return
        except OSError:  # of a system that has no more descriptors
            self._send_away(*self._waiting[:1])
            sleep(SOON)
            return
        try:
            guest = Guest(plain, str(address[0]), Deadline(self._handshake), plain.dup())
        except OSError:
            plain.close()
            return
        self._selector.register(plain, EVENT_READ)
        self._waiting.append(guest)
        if len(self._waiting) > WAITING:
            self._send_away(_first_of_most(self._waiting))

    def _send_away(self, *guests: Guest) -> None:
        for guest in guests:
            self._forget(guest)
            guest.close()

    def _forget(self, guest: Guest) -> None:
        self._selector.unregister(guest.plain)
        self._waiting.remove(guest)

    def _make_room(self) -> None:
        over = monotonic() - GRACE * self._handshake
        strangers = [guest for guest in self._seats if not guest.known and guest.since < over]
        if strangers:
            _first_of_most(strangers).turn_away()


def _first_of_most(guests: Sequence[Guest]) -> Guest:
    """Of the address with the most, who came first."""
    hosts = Counter(guest.host for guest in guests)
    return max(guests, key=lambda guest: hosts[guest.host])
