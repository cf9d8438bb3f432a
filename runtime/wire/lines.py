"""The two directions of a link, for bytes whose number both sides know: one writes in the background, one reads.

Nothing of what a line reads decides how much memory is taken. Whoever waits knows for what, and for how long.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from threading import Lock, Thread
from time import monotonic

from ppc.errors import PpcError, fail
from ppc.runtime.wire.tls import read, write

IDLE = 30.0  # seconds without a byte
PACE = 4096  # bytes a second that a message which has begun must keep, beside one idle time
PIECE = 131_072  # bytes that are written at a time
AT_ONCE = 16_384  # bytes that every system takes without the other side reading
WOKEN = 1.0  # seconds in which a thread notices that its line has ended
AHEAD = 4  # messages that wait to be written; in a plan's order no honest party has more than one

Look = Callable[[memoryview], None]  # shown a message when its first bytes are there


class Incoming:
    """Reads messages of known length into memory that the caller has."""

    def __init__(self, tls: ssl.SSLSocket, who: str, idle: float = IDLE) -> None:
        self._tls, self._who, self._idle = tls, who, idle
        self.taken = 0
        self._reading = Lock()
        tls.settimeout(idle)

    def allow(self, idle: float) -> None:
        """From now on a byte may take so many seconds; by the thread that reads."""
        self._idle = idle
        with suppress(OSError):
            self._tls.settimeout(idle)

    def fill(self, room: memoryview, name: str, *, head: int = 0, look: Look | None = None) -> None:
        """Read until the room is full. After its first `head` bytes, `look` may refuse the message."""
        with self._reading:
            self._fill(room, name, head, look)

    def _fill(self, room: memoryview, name: str, head: int, look: Look | None) -> None:
        got, size, limit = 0, len(room), 0.0
        while got < size:
            count = self._piece(room[got:], name, got, size)
            if not got:
                limit = monotonic() + self._idle + size / PACE
            elif monotonic() > limit:
                raise stalled(self._who, name, self._idle, got, size)
            if look is not None and got < head <= got + count:
                look(room[:head])
            got += count
            self.taken += count

    def _piece(self, room: memoryview, name: str, got: int, size: int) -> int:
        try:
            count = read(self._tls, room)
        except TimeoutError:
            raise stalled(self._who, name, self._idle, got, size) from None
        except (OSError, ValueError):  # a line that another thread has closed has no number any more
            raise ended(self._who, name, got, size, broken=True) from None
        if not count:
            raise ended(self._who, name, got, size, broken=False)
        return count

    def at_end(self) -> None:
        """The other side has nothing more to say, and says so."""
        try:
            with self._reading:
                more = read(self._tls, memoryview(bytearray(1)))
        except TimeoutError:
            raise stalled(self._who, "the end of the run", self._idle, 0, 0) from None
        except (OSError, ValueError):
            raise ended(self._who, "the end of the run", 0, 0, broken=True) from None
        if more:
            raise fail(
                "PPC651",
                f"More came from {self._who} than the plan says.",
                hint="Compile the program anew at both parties, and compare the hashes of their plans.",
            )

    def close(self) -> None:
        """Wake who reads; the line itself may be closed when this returns."""
        end(self._tls)
        if self._reading.acquire(timeout=WOKEN):
            self._reading.release()


class Outgoing:
    """Writes messages in the order in which one thread hands them over; they may not be changed until written."""

    def __init__(self, tls: ssl.SSLSocket, who: str, idle: float = IDLE) -> None:
        self._tls, self._who, self._idle = tls, who, idle
        self._waiting: Queue[tuple[memoryview, str] | None] = Queue(AHEAD)
        self._failure: PpcError | None = None
        self._thread: Thread | None = None
        self.written = 0
        tls.settimeout(idle)

    def send(self, data: memoryview, name: str) -> None:
        """Returns before all is written, except for what is small."""
        if self._failure is not None:
            raise self._failure
        if len(data) <= AT_ONCE and not self._waiting.unfinished_tasks:  # the background thread has nothing to do
            self._write(data, name)
            return
        if self._thread is None:
            self._thread = Thread(target=self._run, name="ppc writer", daemon=True)
            self._thread.start()
        self._put((data, name), name)

    def _put(self, item: tuple[memoryview, str] | None, name: str) -> None:
        try:
            self._waiting.put(item, timeout=self._idle + AHEAD)
        except Full:
            raise self._failure or stalled(self._who, name, self._idle, 0, 0, reading=False) from None

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            if self._failure is None:
                with suppress(PpcError):
                    self._write(*item)
            self._waiting.task_done()
            del item  # the caller's memory is free again
        self._waiting.task_done()

    def _write(self, data: memoryview, name: str) -> None:
        size, done = len(data), 0
        limit = monotonic() + self._idle + size / PACE
        try:
            while done < size:
                count = write(self._tls, data[done : done + PIECE])
                done += count
                self.written += count
                if monotonic() > limit:
                    raise TimeoutError
        except TimeoutError:
            self._failure = stalled(self._who, name, self._idle, done, size, reading=False)
        except (OSError, ValueError):
            self._failure = ended(self._who, name, done, size, broken=True, reading=False)
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """All is written, and the other side knows that nothing follows."""
        if self._thread is not None:
            self._put(None, "the end of the run")
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            raise self._failure
        with suppress(OSError, ValueError):  # says goodbye, and waits for no answer
            self._tls.settimeout(0)
            self._tls.unwrap()
        with suppress(OSError):
            socket.socket.shutdown(self._tls, socket.SHUT_WR)

    def close(self) -> None:
        """What is not written is lost; the line itself may be closed when this returns."""
        self._failure = self._failure or ended(self._who, "the end of the run", 0, 0, broken=True, reading=False)
        end(self._tls)
        if self._thread is not None:
            with suppress(Full):
                self._waiting.put(None, timeout=WOKEN)
            self._thread.join(WOKEN)


def end(tls: ssl.SSLSocket) -> None:
    """Both directions of a line, as the system sees it. TLS stays, so that nothing is read or written without it."""
    with suppress(OSError):
        socket.socket.shutdown(tls, socket.SHUT_RDWR)


def stalled(who: str, name: str, idle: float, got: int, size: int, *, reading: bool = True) -> PpcError:
    doing = f"did not come from {who}" if reading else f"was not taken by {who}"
    return fail(
        "PPC653",
        f"{_started(name)} {doing} for {idle:g} seconds{_counted(got, size)}.",
        hint="Look whether the other side still runs and how busy its machine and the network are, or allow more time.",
    )


def ended(who: str, name: str, got: int, size: int, *, broken: bool, reading: bool = True) -> PpcError:
    what = f"The connection to {who} broke off" if broken else f"{_started(who)} ended its run"
    when = "while waiting for" if reading else "while sending"
    return fail(
        "PPC652",
        f"{what} {when} {name}{_counted(got, size)}.",
        hint="Read what the other side says.",
    )


def _counted(got: int, size: int) -> str:
    return f", after {got:,} of {size:,} bytes" if size else ""


def _started(text: str) -> str:
    return text[:1].upper() + text[1:]
