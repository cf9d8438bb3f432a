"""A bar for what is counted in epochs, while it is learned on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from ppc.cli.telling import Telling

Count = Callable[[int, str], None]


@contextmanager
def counting(telling: Telling, what: str, total: int) -> Generator[Count]:
    """On a terminal a bar; what is yielded is told how many are done, and what else is to be said."""
    if telling.quiet or not sys.stderr.isatty():
        yield lambda _done, _said: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[said]}"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, said="")
        yield lambda done, said: bar.update(task, completed=done, said=said)
