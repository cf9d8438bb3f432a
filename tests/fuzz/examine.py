"""What must hold for any text whatsoever. Fails with the text in hand, so that it can be made a test of its own."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import ppc
from ppc.errors import PpcError, render
from ppc.grammar.format import format_program
from ppc.grammar.parse import parse
from ppc.grammar.syntax import Program
from ppc.source import Source

LONGEST = 1.0  # seconds of computing, whatever else runs on the machine


class HangError(BaseException):
    """Raised inside of whatever does not end. No `except Exception` of a library may swallow it."""


@contextmanager
def no_hang() -> Generator[None]:
    """Stops what is inside after a second of computing."""

    def stop(*_: object) -> None:
        raise HangError(f"more than {LONGEST:g} s of computing")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def examine(text: str) -> bool:
    """Hold all properties against a text; True where it parses."""
    source = Source("fuzz.pnn", text)
    with no_hang():
        _check(source)
    with no_hang():
        return _format(source)


def _check(source: Source) -> None:
    error = _mistakes(source)
    if error is not None:
        lines = source.text.count("\n") + 1
        assert all(d.span is None or 1 <= d.span.line <= lines for d in error.diagnostics), (
            "a place outside of the text"
        )
        assert error.diagnostics
        assert render(error).startswith("-- PPC")


def _mistakes(source: Source) -> PpcError | None:
    try:
        ppc.check(source)
    except PpcError as error:
        return error
    return None


def _format(source: Source) -> bool:
    try:
        program = parse(source)
    except PpcError:
        return False
    once = format_program(program)
    again = parse(Source("fuzz.pnn", once))
    assert replace(again, comments=()) == replace(program, comments=()), "formatting changed the meaning"
    assert _texts(again) == _texts(program), "formatting lost a comment"
    assert format_program(again) == once, "formatting twice differs from once"
    return True


def _texts(program: Program) -> Counter[str]:
    return Counter(comment.text for comment in program.comments)
