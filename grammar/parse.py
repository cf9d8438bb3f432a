"""From text to syntax tree. The only door to lark.

All mistakes of a text are found in one go: the line at fault is blanked (a head with its whole block), and the
rest is parsed again, so that every mistake is reported where it stands. Blocks with a blanked line are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from lark import Lark, Token, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.lark import PostLex

from ppc.errors import Diagnostic, PpcError
from ppc.grammar import syntax
from ppc.grammar.build import build, token_span
from ppc.grammar.words import expected_hint, expected_in_words, found_in_words
from ppc.source import Source, Span

LARGEST_SOURCE = 1_000_000  # characters; a program that a person wrote has a few thousand
MOST_MISTAKES = 20

_OPENS = frozenset({"LPAR", "LSQB", "LBRACE", "COMMA", "ARROW", "EQUAL", "_NEWLINE", ""})


class _Lines(PostLex):
    """Drops the line ends after which a statement goes on; the grammar drops those before which it does."""

    always_accept = ("_NEWLINE",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        before = ""
        for token in stream:
            if token.type != "_NEWLINE" or before not in _OPENS:
                yield token
            before = token.type


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = files("ppc.grammar").joinpath("pnn.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", postlex=_Lines(), propagate_positions=True, maybe_placeholders=True)


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """The blocks that could be read and the mistakes in the others. `whole` says that nothing was left out."""

    program: syntax.Program
    mistakes: tuple[Diagnostic, ...]
    whole: bool


def parse(source: Source) -> syntax.Program:
    """The syntax tree of a text without mistakes; otherwise all of them at once."""
    parsed = parse_all(source)
    if parsed.mistakes:
        raise PpcError(*parsed.mistakes, source=source)
    return parsed.program


def parse_all(source: Source) -> Parsed:
    """As much of the tree as can be read, with every mistake."""
    if problem := _unreadable(source):
        return Parsed(program=syntax.Program(blocks=(), span=Span(1, 1, 1, 1)), mistakes=(problem,), whole=False)
    text, mistakes, blanked = source.text, list[Diagnostic](), set[int]()
    while True:
        try:
            program, unit_mistakes = build(_parser().parse(text))
            break
        except UnexpectedInput as error:
            mistake, lines = _mistake(error, text)
            mistakes.append(mistake)
            if len(mistakes) == MOST_MISTAKES:
                lines = _to_the_end(text, 1)
            blanked.update(lines)
            text = _blank(text, lines)
    blocks = tuple(b for b in program.blocks if not blanked & set(range(b.span.line, b.span.end_line + 1)))
    comments = tuple(_comments(source))
    return Parsed(
        program=replace(program, blocks=blocks, comments=comments),
        mistakes=(*mistakes, *unit_mistakes),
        whole=not blanked,
    )


def _unreadable(source: Source) -> Diagnostic | None:
    if len(source.text) > LARGEST_SOURCE:
        return Diagnostic(
            code="PPC106",
            message=f"The program has {len(source.text):,} characters; at most {LARGEST_SOURCE:,} are read.",
            hint="Is this a program? Weights and data live in files of their own.",
        )
    return None


def _mistake(error: UnexpectedInput, text: str) -> tuple[Diagnostic, range]:
    """What is wrong, and the lines that must go before the rest can be read."""
    if isinstance(error, UnexpectedToken):
        token = error.token
        wanted = error.accepts or error.expected
        if token.type == "$END":
            unfinished = _unfinished(text)
            return unfinished, _to_the_end(text, unfinished.span.line if unfinished.span else 1)
        return (
            Diagnostic(
                code="PPC101",
                message=f"Found {found_in_words(token)} where I expected {expected_in_words(wanted)}.",
                span=_within_line(token),
                hint=expected_hint(token, wanted),
            ),
            _damaged_lines(text, token.line or 1),
        )
    if isinstance(error, UnexpectedCharacters):
        span = Span(error.line, error.column, error.line, error.column + 1)
        return _unknown_character(text, error, span), _damaged_lines(text, error.line)
    raise error


def _within_line(token: Token) -> Span:
    span = token_span(token)
    if token.type == "_NEWLINE":
        return Span(span.line, span.column, span.line, span.column + 1)
    return span


def _unknown_character(text: str, error: UnexpectedCharacters, span: Span) -> Diagnostic:
    character = text[error.pos_in_stream]
    if character == '"':
        return Diagnostic(
            code="PPC103",
            message="This text has no closing quote on its line.",
            span=span,
            hint='Close it with `"` before the line ends.',
        )
    if character in "{}()[]=,:.-+>":
        wanted = expected_in_words(error.allowed or ())
        return Diagnostic(code="PPC101", message=f"Found `{character}` where I expected {wanted}.", span=span)
    return Diagnostic(
        code="PPC102",
        message=f"The character `{character}` has no meaning here.",
        span=span,
        hint="Comments start with `#`; names are letters, digits and `_`, and start with a letter.",
    )


def _unfinished(text: str) -> Diagnostic:
    """The text ends too early: blame the bracket that is still open."""
    waiting: list[tuple[str, int, int]] = []
    for number, line in enumerate(text.split("\n"), 1):
        for column, character in enumerate(_code(line), 1):
            if character in "{([":
                waiting.append((character, number, column))
            elif character in "})]" and waiting:
                waiting.pop()
    lines = text.rstrip().split("\n")
    bracket, number, column = waiting[-1] if waiting else ("", len(lines), max(1, len(lines[-1])))
    return Diagnostic(
        code="PPC103",
        message=f"The text ends while this `{bracket}` is open." if bracket else "The text ends too early.",
        span=Span(number, column, number, column + 1),
        hint=f"Close it with `{dict(zip('{([', '})]', strict=True)).get(bracket, '}')}`.",
    )


def _code(line: str) -> str:
    """A line with its strings and comment blanked out, columns kept."""
    without_text = re.sub(r'"[^"\n]*"', lambda match: " " * len(match[0]), line)
    return without_text.split("#", 1)[0]


def _to_the_end(text: str, line: int) -> range:
    return range(line, text.count("\n") + 2)


def _damaged_lines(text: str, line: int) -> range:
    """The line; if it opens a block, all lines to the block's end."""
    lines = text.split("\n")
    depth = 0
    for number in range(line, len(lines) + 1):
        code = _code(lines[number - 1])
        depth += code.count("{") - code.count("}")
        if depth <= 0:
            return range(line, number + 1)
    return _to_the_end(text, line)


def _blank(text: str, blanked: range) -> str:
    lines = text.split("\n")
    return "\n".join(" " * len(line) if number in blanked else line for number, line in enumerate(lines, 1))


def _comments(source: Source) -> Iterator[syntax.Comment]:
    for number, line in enumerate(source.lines, 1):
        column = _comment_column(line)
        if column is not None:
            text = line[column:].rstrip()
            span = Span(number, column + 1, number, column + 1 + len(text))
            yield syntax.Comment(text=text, trailing=bool(line[:column].strip()), span=span)


def _comment_column(line: str) -> int | None:
    blanked = re.sub(r'"[^"\n]*"', lambda match: "_" * len(match[0]), line)
    return blanked.index("#") if "#" in blanked else None
