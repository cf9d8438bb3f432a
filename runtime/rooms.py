"""Memory for frames that arrive, used again once nobody holds a frame.

Fresh memory of the system costs several times what it takes to decrypt into it. Frames of a plan have few lengths, and
these come again in every iteration.
"""

from __future__ import annotations

import weakref
from collections import deque
from threading import Lock

import numpy as np
from numpy.typing import NDArray

SMALLEST = 65_536  # bytes; smaller pieces are as quick to make
KEPT = 2  # pieces of one length that wait to be used again


class Rooms:
    """Pieces of memory by length. A piece comes back by itself, with its array's last view."""

    def __init__(self) -> None:
        self._free: dict[int, list[bytearray]] = {}
        self._returned: deque[bytearray] = deque()
        self._lock = Lock()

    def room(self, length: int) -> NDArray[np.uint8]:
        """An array of so many bytes, with anything in it."""
        if length < SMALLEST:
            return np.empty(-(-length // 8), np.uint64).view(np.uint8)[:length]
        piece = self._piece(length)
        array = np.frombuffer(piece, np.uint8, length)
        # a finalizer may run inside any call, so it takes no lock
        weakref.finalize(array, self._returned.append, piece).atexit = False
        return array

    def _piece(self, length: int) -> bytearray:
        size = -(-length // 8) * 8
        with self._lock:
            while self._returned:
                piece = self._returned.popleft()
                free = self._free.setdefault(len(piece), [])
                if len(free) < KEPT:
                    free.append(piece)
            free = self._free.get(size)
            if free:
                return free.pop()
        return bytearray(size)
