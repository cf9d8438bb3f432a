"""From text to syntax tree. The only door to lark.

All mistakes of a text are found in one go: the line at fault is blanked (a head with its whole block), and the
rest is parsed again, so that every mistake is reported where it stands. Blocks with a blanked line are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import cast

from lark import Lark, Token, Tree, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.lark import PostLex

from ppc.errors import Diagnostic, PpcError
from ppc.grammar import syntax
from ppc.grammar.build import build, token_span
from ppc.grammar.recovery import blank, damaged_lines, line_before, open_before, to_the_end, unclosed, unfinished
from ppc.grammar.words import SIGNS, character_hint, expected_hint, expected_in_words, found_in_words
from ppc.source import START, Source, Span

# A program that a person wrote has a few thousand characters, one that was imported some ten thousand. Within these
# limits the front end answers at once, whatever it is given.
LARGEST_SOURCE = 200_000  # characters
MOST_WORDS = 10_000
MOST_MISTAKES = 20
READ_AGAIN = 500_000  # characters to read in all, while looking for further mistakes

_OPENS = frozenset({"LPAR", "LSQB", "LBRACE", "COMMA", "ARROW", "EQUAL", "_NEWLINE", ""})


class _TooManyWordsError(Exception):
    """Raised while reading, with the first word beyond the limit."""

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.token = token


class _Lines(PostLex):
    """Drops the line ends after which a statement goes on; the grammar drops those before which it does."""

    always_accept = ("_NEWLINE",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        before = ""
        words = 0
        for token in stream:
            words += token.type != "_NEWLINE"
            if words > MOST_WORDS:
                raise _TooManyWordsError(token)
            if token.type != "_NEWLINE" or before not in _OPENS:
                yield token
            before = token.type


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The parser of the language; `textmate` reads terminals and rules from it."""
    grammar = files("ppc.grammar").joinpath("pnn.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", postlex=_Lines(), propagate_positions=True, maybe_placeholders=True)


def _tree(text: str) -> Tree[Token]:
    return parser().parse(text)  # pyright: ignore[reportUnknownMemberType]  lark leaves its `text` generic


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
    if len(source.text) > LARGEST_SOURCE:
        return _refused(f"The program has {len(source.text):,} characters; at most {LARGEST_SOURCE:,} are read.")
    text, mistakes, blanked = source.text, list[Diagnostic](), set[int]()
    most = min(MOST_MISTAKES, 1 + READ_AGAIN // max(1, len(text)))
    while True:
        try:
            program, unit_mistakes = build(_tree(text))
            break
        except _TooManyWordsError as error:
            return _refused(f"The program has more than {MOST_WORDS:,} words.", token_span(error.token))
        except UnexpectedInput as error:
            mistake, lines = _mistake(error, text)
            mistakes.append(mistake)
            if len(mistakes) == most:
                lines = to_the_end(text, 1)
            blanked.update(lines)
            text = blank(text, lines)
    comments = tuple(_comments(source))
    return Parsed(
        program=replace(program, comments=comments, gaps=frozenset(blanked)),
        mistakes=(*mistakes, *unit_mistakes),
        whole=not blanked,
    )


def _refused(message: str, span: Span | None = None) -> Parsed:
    hint = "Is this a program? Weights and data live in files of their own."
    problem = Diagnostic(code="PPC106", message=message, span=span, hint=hint)
    return Parsed(program=syntax.Program(blocks=(), span=START), mistakes=(problem,), whole=False)


def _mistake(error: UnexpectedInput, text: str) -> tuple[Diagnostic, range]:
    """What is wrong, and the lines that must go before the rest can be read."""
    if isinstance(error, UnexpectedToken):
        token = cast(Token, error.token)  # pyright: ignore[reportUnknownMemberType]
        wanted = error.accepts or error.expected
        if token.type == "$END":
            problem = unfinished(text)
            return problem, to_the_end(text, problem.span.line if problem.span else 1)
        if left_open := unclosed(text, token.line or 1, closing=token.type == "RBRACE"):
            return left_open
        return _unexpected(token, wanted, text)
    if isinstance(error, UnexpectedCharacters):
        span = Span(error.line, error.column, error.line, error.column + 1)
        return _unknown_character(text, error, span), damaged_lines(text, error.line)
    raise error


def _unexpected(token: Token, wanted: Iterable[str], text: str) -> tuple[Diagnostic, range]:
    span, found = _within_line(token), found_in_words(token)
    if token.type == "RBRACE" and not text.split("\n")[span.line - 1][: span.column - 1].strip():
        waiting = open_before(text, span.line)
        if waiting and waiting[-1].is_block:  # the line before is not complete
            span, found = line_before(text, span.line), "the end of the line"
    ends_here = token.type == "_NEWLINE" or span != _within_line(token)
    mistake = Diagnostic(
        code="PPC101",
        message=f"Found {found} where I expected {expected_in_words(wanted)}.",
        span=span,
        hint=expected_hint(token, wanted),
    )
    return mistake, damaged_lines(text, span.line, ends_here=ends_here)


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
    if character in SIGNS:
        # the lexer always takes a line end, so that it tells nothing here
        wanted = expected_in_words((error.allowed or set()) - {"_NEWLINE"})
        message = f"Found `{character}` where I expected {wanted}."
        return Diagnostic(code="PPC101", message=message, span=span, hint=character_hint(character))
    return Diagnostic(
        code="PPC102",
        message=f"The character `{character if character.isprintable() else f'U+{ord(character):04X}'}` "
        "has no meaning here.",
        span=span,
        hint=character_hint(character),
    )


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
