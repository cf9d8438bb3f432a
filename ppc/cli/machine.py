"""What this machine has, memory that is free and cores, and what it may not keep of a process."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def free_memory() -> int | None:
    """Bytes that programs can still get; None where the system does not say."""
    limits = [found for found in (_available(), _of_group()) if found is not None]
    return min(limits, default=None)


def _available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _of_group() -> int | None:
    """What a container's limit leaves."""
    folder = Path("/sys/fs/cgroup")
    try:
        most, used = ((folder / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return None if most == "max" else max(0, int(most) - int(used))
    except (OSError, ValueError):
        return None


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def no_core_files() -> None:
    """A crash writes no file of what was in memory: shares, seeds, keys, examples. Processes that are started inherit
    it, and nobody can take it back."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def most_memory() -> int:
    """Bytes that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
