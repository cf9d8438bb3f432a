"""When what was done, as Chrome's trace events, which Perfetto draws: one process for each role, all on one clock.

The clock is that of the wall; those of several machines differ, which `axis` takes out when it puts traces together.
Holds names and times, and no value.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import time_ns
from typing import Any, TypeVar

from ppc.plan.steps import Step
from ppc.runtime.roles.counted import Span

_Made = TypeVar("_Made")
MOST = 200_000  # spans of a role that are kept; a longer run is drawn as far as that
ROWS = {"pass": 0, "compute": 1, "send": 2, "wait": 3, "dealer": 4, "deal": 0, "hand over": 1}


class Trace:
    """The spans of one role."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._lock = Lock()
        self._mark = time_ns()

    def keep(self, span: Span) -> None:
        with self._lock:
            if len(self.spans) < MOST:
                self.spans.append(span)
        self._mark = span[3]

    def around(self, what: str, name: str, act: Callable[[], _Made]) -> _Made:
        start = time_ns()
        found = act()
        self.keep((what, name, start, time_ns()))
        return found

    def step(self, _desk: object, step: Step, _value: object) -> None:
        """A party has made a step's value: it has computed since whatever was last."""
        self.keep(("compute", f"{step.name} ({step.op})", self._mark, time_ns()))


def events(role: str, number: int, spans: list[Span] | list[list[Any]]) -> list[dict[str, Any]]:
    """The trace events of a role: what it is called, and every span."""
    found: list[dict[str, Any]] = [{"ph": "M", "name": "process_name", "pid": number, "tid": 0, "args": {"name": role}}]
    used = {what for what, *_ in spans}
    for what in sorted(used, key=lambda one: ROWS.get(one, 9)):
        row = {"ph": "M", "name": "thread_name", "pid": number, "tid": ROWS.get(what, 9), "args": {"name": what}}
        found.append(row)
    for what, name, start, end in spans:
        times = {"ts": start / 1e3, "dur": (end - start) / 1e3}
        found.append({"ph": "X", "cat": what, "name": name, "pid": number, "tid": ROWS.get(what, 9), **times})
    return found
