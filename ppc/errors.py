"""Two families of errors, never mixed.

    PpcError        a mistake of the user: diagnostics with codes, spans and hints
    InternalError   a mistake of ours: names the pass and the node

Any room may raise them; only the front door prints them. Knows only `source` and `codes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ppc.codes import CODES
from ppc.source import Source, Span


@dataclass(frozen=True, kw_only=True)
class Note:
    """A fact that belongs to a diagnostic, with the place it is about (if it has one)."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One mistake: what is wrong, where, what is known about it, and what to do."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    hint: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise InternalError(f"there is no error code {self.code}")


class PpcError(Exception):
    """One or more mistakes of the user, each with a code and what to do about it."""

    def __init__(self, *diagnostics: Diagnostic, source: Source | None = None) -> None:
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in diagnostics))
        self.diagnostics = diagnostics
        self.source = source

    def located(self, source: Source) -> PpcError:
        """The same mistakes, tied to the text they point into."""
        return self if self.source else PpcError(*self.diagnostics, source=source)


class InternalError(Exception):
    """A mistake of ppc itself. `place` names the pass and node where it was noticed."""

    def __init__(self, message: str, *, place: str = "") -> None:
        super().__init__(f"{message} (in {place})" if place else message)


def fail(
    code: str, message: str, *, span: Span | None = None, label: str = "", hint: str = "", notes: tuple[Note, ...] = ()
) -> PpcError:
    """A PpcError of one diagnostic, ready to be raised."""
    return PpcError(Diagnostic(code=code, message=message, span=span, label=label, hint=hint, notes=notes))


def render(error: PpcError) -> str:
    """The diagnostics as a person reads them, in the order of the source."""
    ordered = sorted(error.diagnostics, key=lambda d: (d.span is None, d.span or Span(0, 0, 0, 0)))
    return "\n".join(_render_one(diagnostic, error.source) for diagnostic in ordered)


def _render_one(diagnostic: Diagnostic, source: Source | None) -> str:
    parts = [_heading(diagnostic, source), "", diagnostic.message, ""]
    if excerpt := list(_excerpt(diagnostic, source)):
        parts += [*excerpt, ""]
    parts += [f"  {note.text}" for note in diagnostic.notes if source is None or note.span is None]
    if diagnostic.hint:
        parts += [f"Hint: {diagnostic.hint}"]
    while not parts[-1]:
        parts.pop()
    return "\n".join(parts) + "\n"


def _heading(diagnostic: Diagnostic, source: Source | None) -> str:
    left = f"-- {diagnostic.code} {CODES[diagnostic.code].title.upper()} "
    where = source.name if source else ""
    if source and diagnostic.span:
        where += f":{diagnostic.span.line}:{diagnostic.span.column}"
    return f"{left}{'-' * max(2, 79 - len(left) - len(where))} {where}".rstrip()


def _excerpt(diagnostic: Diagnostic, source: Source | None) -> Iterable[str]:
    if source is None or diagnostic.span is None:
        return
    marks = [(diagnostic.span, "^", diagnostic.label)]
    marks += [(note.span, "-", note.text) for note in diagnostic.notes if note.span]
    width = len(str(max(span.line for span, _, _ in marks)))
    for span, sign, text in marks:
        yield from _marked_line(source, span, sign=sign, text=text, width=width)


def _marked_line(source: Source, span: Span, *, sign: str, text: str, width: int) -> Iterable[str]:
    line = source.line(span.line).replace("\t", " ")
    end = span.end_column if span.end_line == span.line else len(line) + 1
    carets = sign * max(1, end - span.column)
    yield f"{span.line:>{width}} | {line}"
    yield f"{'':>{width}} | {' ' * (span.column - 1)}{carets} {text}".rstrip()
