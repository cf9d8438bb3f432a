"""Memory that a role has once had, it keeps: every iteration needs as much as the one before.

Numbers of a run come in arrays of megabytes. The C library gives such pieces back to the system when they are freed,
and the system clears every page of them when they are asked for again, which costs more than most kernels. Called when
a role's process starts.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM, _MMAP = -1, -3  # mallopt's names of its thresholds, in malloc.h
_NEVER = (1 << 31) - 1


def keep() -> None:
    """Where the C library is not GNU's, everything stays as it is."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for name in (_MMAP, _TRIM):
            library.mallopt(ctypes.c_int(name), ctypes.c_int(_NEVER))
