"""The sessions that a dealer has dealt for, the last so many: none of them is dealt for again.

Sixteen bytes each in one array that is there from the start, so that a service does not grow with its sessions. Of one
that was forgotten nothing could be used again: every session has seeds of its own, and its name is made of what both
parties drew for it.
"""

from __future__ import annotations

import numpy as np

MOST = 100_000


class Remembered:
    """Names of sessions, 16 bytes each."""

    def __init__(self, most: int = MOST) -> None:
        self._names = np.zeros((most, 2), np.uint64)
        self._added = 0

    def __contains__(self, name: bytes) -> bool:
        known = self._names[: self._added]
        return bool((known == np.frombuffer(name, np.uint64)).all(1).any())

    def add(self, name: bytes) -> None:
        """In the place of the oldest, where there is no other."""
        self._names[self._added % len(self._names)] = np.frombuffer(name, np.uint64)
        self._added += 1
