"""What a connection is worth before a run goes over it: its round trip, its bandwidth, and how far the clocks differ.

dials                  accepts
PINGS short frames ->  <- each one comes back, with the clock of there
PIECES large ones  <-> as many, both at once
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns, time_ns

import numpy as np

from ppc.runtime.wire.tls_channel import TlsChannel

PINGS = 20
PIECES, PIECE = 4, 1 << 20  # bytes
WORDS = 4  # of a short frame: two are what the channel takes for its header, one is the clock


@dataclass(frozen=True, kw_only=True)
class Worth:
    """Seconds and bytes a second, as this side saw them."""

    rtt: float
    bandwidth: float  # each way, while both send
    clock: float | None  # how far the other clock is ahead; of who dials only


def dialled(channel: TlsChannel) -> Worth:
    """The side that asks."""
    trips: list[int] = []
    ahead: list[float] = []
    for _ in range(PINGS):
        start, before = perf_counter_ns(), time_ns()
        channel.send(np.zeros(WORDS, np.uint64))
        there = int(channel.receive(8 * WORDS)[2])
        trips.append(perf_counter_ns() - start)
        ahead.append(there - (before + time_ns()) / 2)
    best = min(range(PINGS), key=trips.__getitem__)
    return Worth(rtt=median(trips) / 1e9, bandwidth=_bandwidth(channel), clock=ahead[best] / 1e9)


def accepted(channel: TlsChannel) -> Worth:
    """The side that answers."""
    trips: list[int] = []
    start = perf_counter_ns()
    for _ in range(PINGS):
        channel.receive(8 * WORDS)
        frame = np.zeros(WORDS, np.uint64)
        frame[2] = time_ns()
        channel.send(frame)
        trips.append(perf_counter_ns() - start)
        start = perf_counter_ns()
    return Worth(rtt=median(trips) / 1e9, bandwidth=_bandwidth(channel), clock=None)


def _bandwidth(channel: TlsChannel) -> float:
    piece = np.zeros(PIECE // 8, np.uint64)
    start = perf_counter_ns()
    for _ in range(PIECES):
        channel.send(piece)
        channel.receive(PIECE)
    return PIECES * PIECE * 1e9 / (perf_counter_ns() - start)
