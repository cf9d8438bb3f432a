"""What processes hold while sessions go by, and whether it grows."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from time import monotonic

MIB = 1 << 20
WARM = 0.25  # of all samples, at the beginning: what is loaded and allocated once
SLACK = MIB  # what an allocator may keep without being asked to
AN_HOUR = MIB  # more than this in an hour is growth


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Of one process, at a moment when no session is under way."""

    at: float
    sessions: int
    resident: int  # bytes
    descriptors: int
    threads: int


def sample(process: int, sessions: int) -> Sample:
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    numbers = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.MULTILINE))
    return Sample(
        at=monotonic(),
        sessions=sessions,
        resident=int(numbers["VmRSS"]) * 1024,
        descriptors=len(os.listdir(f"/proc/{process}/fd")),
        threads=int(numbers["Threads"]),
    )


def measured(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Those behind the warm-up."""
    return samples[int(WARM * len(samples)) :]


def slope(samples: Sequence[Sample]) -> float:
    """Bytes a second: the median of the slopes between all pairs, which a single jump does not move (Theil and Sen)."""
    found = [(b.resident - a.resident) / (b.at - a.at) for a, b in combinations(measured(samples), 2) if b.at > a.at]
    return median(found) if found else 0.0


def problems(name: str, samples: Sequence[Sample]) -> list[str]:
    """What grew that should not."""
    kept = measured(samples)
    if len(kept) < 4:
        return [f"{name}: too few samples to tell"]
    seconds = kept[-1].at - kept[0].at
    grown = slope(samples) * seconds
    found: list[str] = []
    if grown > SLACK + AN_HOUR * seconds / 3600:
        found.append(f"{name}: memory grows by {grown / MIB:.2f} MiB in {seconds:.0f} s")
    half = len(kept) // 2
    for what in ("descriptors", "threads"):
        before, after = (max(getattr(one, what) for one in part) for part in (kept[:half], kept[half:]))
        if after > before:
            found.append(f"{name}: {what} grow from {before} to {after}")
    return found


def line(name: str, samples: Sequence[Sample]) -> str:
    """One row of the report."""
    first, last = measured(samples)[0], samples[-1]
    sessions = max(1, last.sessions - first.sessions)
    per_session = slope(samples) * (last.at - first.at) / sessions
    return (
        f"{name:<8} {first.resident / MIB:9.1f} {last.resident / MIB:9.1f} {slope(samples) * 3600 / MIB:12.2f} "
        f"{per_session:13.0f} {first.descriptors:7} {last.descriptors:5} {first.threads:7} {last.threads:5}"
    )


HEAD = (
    f"{'':<8} {'MiB then':>9} {'MiB now':>9} {'MiB an hour':>12} {'bytes/session':>13} "
    f"{'fds':>7} {'now':>5} {'threads':>7} {'now':>5}"
)
