"""Memory that a role has once had, it keeps: every iteration needs as much as the one before.

Numbers of a run come in arrays of megabytes. The C library gives such pieces back to the system when they are freed,
and the system clears every page of them when they are asked for again, which costs more than most kernels. And it gives
every new thread an arena of its own, so that what sessions leave free in one is not there for those that come after:
a service with 32 sessions at once grew by some kilobytes with each. Called when a role's process starts.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM, _MMAP, _ARENAS = -1, -3, -8  # mallopt's names of its thresholds and of the number of arenas, in malloc.h
_NEVER = (1 << 31) - 1


def keep() -> None:
    """Where the C library is not GNU's, everything stays as it is."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for name, value in ((_MMAP, _NEVER), (_TRIM, _NEVER), (_ARENAS, 1)):
            library.mallopt(ctypes.c_int(name), ctypes.c_int(value))
