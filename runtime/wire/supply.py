"""The dealer's corrections as a stream to party 1: parcels of known length, one for each pass through a section.

Dealer                  ParcelSender.send(section, iteration, data), which waits when the party is behind
Party 1                 DealtSupply, the `supply` of ppc.runtime.party.Party; it reads ahead while the party computes
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from queue import Empty, Full, Queue
from threading import Event, Thread

import numpy as np
from numpy.typing import NDArray

from ppc.errors import InternalError, PpcError
from ppc.plan.messages import HEADER
from ppc.plan.steps import SECTIONS
from ppc.runtime.channel import Header
from ppc.runtime.rooms import Rooms
from ppc.runtime.wire.lines import IDLE, Incoming, Outgoing
from ppc.runtime.wire.link import Link

BUSY = 600.0  # seconds for which a party may have no need of the next parcel
LOOK = 0.1  # seconds between two looks at what has ended
_Parcel = NDArray[np.uint8]
_Pass = tuple[str, int]


def _header(section: str, iteration: int, length: int) -> Header:
    return Header(section, iteration, 0, length)


SEED_PASS: _Pass = (SECTIONS[0], 0xFFFF_FFFF)  # the place of the seed's parcel, which no plan has


def _name(section: str, iteration: int) -> str:
    if (section, iteration) == SEED_PASS:
        return "the parcel with this party's seed"
    return f"the parcel for {section}, iteration {iteration}"


class ParcelSender:
    """The dealer's end. One thread sends; `ahead` of what the party takes are at most a few parcels."""

    def __init__(self, link: Link, *, idle: float = BUSY) -> None:
        self.link, self.sent = link, 0
        self._outgoing = Outgoing(link.outgoing, f"the {link.peer}", idle)

    def send(self, section: str, iteration: int, data: _Parcel) -> None:
        """Returns before all is written; the parcel may not be changed any more."""
        name, head = _name(section, iteration), np.array(_header(section, iteration, data.nbytes).words(), np.uint64)
        self._outgoing.send(head.data.cast("B"), name)
        if data.size:
            self._outgoing.send(data.data, name)
        self.sent += HEADER + data.nbytes

    @property
    def written(self) -> int:
        """Bytes that are on their way."""
        return self._outgoing.written

    @property
    def held(self) -> int:
        """Bytes that were handed over, and are not on their way yet."""
        return self.sent - self.written

    def finish(self) -> None:
        """All is written."""
        try:
            self._outgoing.finish()
        finally:
            self.close()

    def close(self) -> None:
        self._outgoing.close()
        self.link.close()


class DealtSupply:
    """Party 1's end. `sizes` are the plan's, by section (ppc.runtime.parcel.Layout); `passes` the order of the run."""

    def __init__(
        self, link: Link, sizes: Mapping[str, int], passes: Iterable[_Pass], *, ahead: int = 1, idle: float = IDLE
    ) -> None:
        self.link, self._sizes = link, dict(sizes)
        self._incoming = Incoming(link.incoming, f"the {link.peer}", idle)
        self._rooms, self._ended = Rooms(), Event()
        self._ready: Queue[tuple[_Pass, _Parcel] | PpcError] = Queue(ahead)
        self._thread = Thread(target=self._run, args=(passes,), name="ppc supply", daemon=True)
        self._thread.start()

    @property
    def received(self) -> int:
        return self._incoming.taken

    def __call__(self, section: str, iteration: int) -> _Parcel:
        """The parcel of this pass; passes come in the order that was given."""
        while True:
            try:
                found = self._ready.get(timeout=LOOK)
                break
            except Empty:
                if not self._thread.is_alive() and self._ready.empty():
                    raise InternalError("no parcel follows", place=_name(section, iteration)) from None
        if isinstance(found, PpcError):
            raise found
        place, parcel = found
        if place != (section, iteration):
            raise InternalError(f"the next parcel is that of {place}", place=_name(section, iteration))
        return parcel

    def _run(self, passes: Iterable[_Pass]) -> None:
        try:
            for section, iteration in passes:
                self._put(((section, iteration), self._parcel(section, iteration)))
        except PpcError as error:
            self._put(error)

    def _parcel(self, section: str, iteration: int) -> _Parcel:
        expected, name = _header(section, iteration, self._sizes[section]), _name(section, iteration)
        head = np.empty(HEADER // 8, np.uint64)
        self._incoming.fill(head.data.cast("B"), name)
        expected.check(head, f"the {self.link.peer}", name)
        parcel = self._rooms.room(expected.length)
        self._incoming.fill(parcel.data, name)
        return parcel

    def _put(self, item: tuple[_Pass, _Parcel] | PpcError) -> None:
        while not self._ended.is_set():
            try:
                self._ready.put(item, timeout=LOOK)
                return
            except Full:
                continue

    def close(self) -> None:
        """At once; a thread that reads ahead ends."""
        self._ended.set()
        self._incoming.close()
        self.link.close()
