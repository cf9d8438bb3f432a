"""What a running role tells: a bar on a terminal, or events, a JSON object a line, for the process that started it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from ppc.errors import PpcError, render

if TYPE_CHECKING:
    from ppc.runtime.roles.request import Counts

EVERY = 0.1  # seconds


@dataclass(frozen=True, kw_only=True)
class Far:
    """How far something is: bytes that were moved, of all; where it has steps, these too; and what is to be said."""

    done: int = 0
    total: int = 0
    step: int = 0
    steps: int = 0
    said: str = ""

    @property
    def words(self) -> str:
        step = f"step {self.step:,} of {self.steps:,}" if self.steps else ""
        return "  ".join(filter(None, (step, self.said)))


class Telling:
    """Where a role's words go. `events` for a program, else for a person; `quiet` leaves out what is no result; with
    `at_end` what came of it is one JSON object."""

    def __init__(
        self, *, events: bool = False, quiet: bool = False, verbose: bool = False, at_end: bool = False
    ) -> None:
        self.events, self.quiet, self.verbose, self.at_end = events, quiet, verbose, at_end

    def event(self, kind: str, **facts: Any) -> None:
        if self.events:
            sys.stdout.write(json.dumps({"event": kind, **facts}) + "\n")
            sys.stdout.flush()
        elif self.at_end and kind == "done":
            sys.stdout.write(json.dumps({"ok": True, **facts}) + "\n")

    def say(self, text: str) -> None:
        """Something that a person may want to know."""
        if not self.quiet and not self.events:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def note(self, text: str) -> None:
        """How something was understood, said by whichever process a person listens to."""
        self.event("note", text=text)
        self.say(f"note: {text}")

    def detail(self, text: str) -> None:
        if self.verbose:
            self.say(text)

    def failed(self, error: PpcError) -> None:
        """To the process that started this one, which prints it."""
        if self.events:
            diagnostics = [
                {"code": one.code, "message": one.message, "hint": one.hint, "notes": [note.text for note in one.notes]}
                for one in error.diagnostics
            ]
            self.event("failed", diagnostics=diagnostics)
        else:
            sys.stderr.write(render(error))

    @contextmanager
    def progress(self, what: str, far: Callable[[], Far], *, steps: bool = False) -> Generator[None]:
        """While something runs, how far it is; in `steps`, where it has them."""
        ended = Event()
        watch = self._tell if self.events else self._draw if sys.stderr.isatty() and not self.quiet else None
        thread = Thread(target=watch, args=(what, far, ended, steps), daemon=True) if watch else None
        if thread:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if thread:
                thread.join()

    def _tell(self, _what: str, far: Callable[[], Far], ended: Event, _steps: bool) -> None:
        last = Far()
        while not ended.wait(EVERY):
            now = far()
            if now != last:
                self.event("progress", **asdict(now))
            last = now

    def _draw(self, what: str, far: Callable[[], Far], ended: Event, steps: bool) -> None:
        """A bar with the time that is left; beside it bytes and the speed, or the step and what is learned in it."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        name, words = TextColumn("{task.description}"), TextColumn("{task.fields[words]}")
        left = (TextColumn("left"), TimeRemainingColumn(compact=True))
        columns = (
            (name, BarColumn(bar_width=10), TaskProgressColumn(), *left, words)  # narrow: eighty letters are enough
            if steps
            else (name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), *left, words)
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None, words="")
            while not ended.wait(EVERY):
                now = far()
                bar.update(task, completed=now.done, total=now.total or None, words=now.words)


def counts_table(parties: tuple[str, str], predicted: Counts, measured: Counts) -> list[str]:
    """Predicted beside measured; `-` where a role does not see it."""
    from ppc.bill.tables import table

    client, server = parties
    rows = [
        (f"{client} → {server}, bytes", predicted.sent[0], measured.sent[0]),
        (f"{server} → {client}, bytes", predicted.sent[1], measured.sent[1]),
        (f"dealer → {client}, bytes", predicted.dealt[0], measured.dealt[0]),
        (f"dealer → {server}, bytes", predicted.dealt[1], measured.dealt[1]),
        ("rounds", predicted.rounds, measured.rounds),
    ]
    if not any(predicted.dealt):  # nothing is computed on shares
        del rows[2:4]
    cells = [(name, f"{said:,}", f"{found:,}" if found or not said else "-") for name, said, found in rows]
    return table(("", "predicted", "measured"), cells, words=1)


def as_facts(counts: Counts) -> dict[str, Any]:
    return {"sent": list(counts.sent), "dealt": list(counts.dealt), "rounds": counts.rounds}


def from_facts(facts: dict[str, Any]) -> Counts:
    from ppc.runtime.roles.request import Counts

    first, second = (count or 0 for count in facts["dealt"])  # None of what nobody saw
    return Counts(sent=tuple(facts["sent"]), dealt=(first, second), rounds=facts["rounds"])
