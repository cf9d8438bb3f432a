"""Work shared among threads. Kernels release the GIL, so plain threads use all cores.

Called by the operations. Knows nothing of kernels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="kernels")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process has none of its parent's threads


def run_all(jobs: Sequence[Callable[[], None]]) -> None:
    """Run the jobs side by side, one of them here; return when all are done, and raise what any of them raised."""
    if not jobs:
        return
    futures = [_pool(len(jobs) - 1).submit(job) for job in jobs[1:]]
    try:
        jobs[0]()
    finally:
        for future in futures:
            future.exception()
    for future in futures:
        future.result()


def shares(count: int, threads: int, unit: int = 1) -> list[tuple[int, int]]:
    """0..count as at most `threads` stretches of nearly equal length, borders at multiples of `unit`."""
    units = -(-count // unit)
    parts = max(1, min(threads, units))
    borders = [min(count, units * part // parts * unit) for part in range(parts + 1)]
    return list(pairwise(borders))
