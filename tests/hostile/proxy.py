"""A network that delays, throttles or cuts what passes between two parties, and understands nothing of it.

One thread carries each connection. A party's connections are used one way at a time, so none waits for itself.
"""

from __future__ import annotations

import select
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import sleep
from typing import Literal

HERE = "127.0.0.1"
PIECE = 16_384
LOOK = 0.02  # seconds between two looks at whether all is over
LINGER_NOT = struct.pack("ii", 1, 0)  # the end of a connection is a reset
Address = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Weather:
    """`delay` in seconds for every piece, `rate` in bytes a second; after so many bytes of both ways it is cut."""

    delay: float = 0.0
    rate: float = float("inf")
    after: int | None = None
    how: Literal["goodbye", "reset", "silence"] = "goodbye"


class Proxy:
    """Stands for `to` at an address of its own, until it is closed."""

    def __init__(self, to: Address, weather: Weather) -> None:
        self.to, self.weather, self.passed = to, weather, 0
        self._listening = socket.create_server((HERE, 0))
        self._listening.settimeout(LOOK)
        self.address: Address = (HERE, int(self._listening.getsockname()[1]))
        self._over, self._lock = Event(), Lock()
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def cut(self) -> bool:
        return self.weather.after is not None and self.passed >= self.weather.after

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with self._listening:
            while not self._over.is_set():
                with suppress(TimeoutError):
                    near, _ = self._listening.accept()
                    thread = Thread(target=self._carry, args=(near,), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _carry(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(self.to, timeout=10) as far:
            ends = {near: far, far: near}
            while ends and not self._over.is_set():
                ready, _, _ = select.select(list(ends), [], [], LOOK)
                for one in ready:
                    if not self._forward(one, ends[one]):
                        del ends[one]
                if self.cut:
                    self._ended(near, far)
                    return

    def _forward(self, one: socket.socket, other: socket.socket) -> bool:
        """A piece; False behind the last one."""
        data = one.recv(PIECE if self.weather.after is None else min(PIECE, self._left()))
        if not data:
            other.shutdown(socket.SHUT_WR)
            return False
        sleep(self.weather.delay + len(data) / self.weather.rate)
        other.sendall(data)
        with self._lock:
            self.passed += len(data)
        return True

    def _left(self) -> int:
        return max(1, (self.weather.after or 0) - self.passed)

    def _ended(self, near: socket.socket, far: socket.socket) -> None:
        if self.weather.how == "silence":
            self._over.wait()
        elif self.weather.how == "reset":
            for one in (near, far):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
