"""After a mistake: which bracket is to blame, and which lines must go before the rest can be read. Called by `parse`.

Works on lines and brackets alone, as the text around a mistake has no tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ppc.errors import Diagnostic
from ppc.source import Span

_PARTNER = {"{": "}", "(": ")", "[": "]"}
# a line that begins a block, whatever is still open before it; `model to lab` in a train block is none
_HEAD = re.compile(r"(party\s+\w|model\s+\w+\s*\(|(private|train)\s+\w+\s*(\{|(as|by)\s+\w|$)|label\s+\w+\s+by\b)")


@dataclass(frozen=True)
class Bracket:
    """An opening bracket and where it stands."""

    sign: str
    line: int
    column: int

    @property
    def is_block(self) -> bool:
        return self.sign == "{"


def code(line: str) -> str:
    """A line with its strings and comment blanked out, columns kept."""
    without_text = re.sub(r'"[^"\n]*"', lambda match: " " * len(match[0]), line)
    return without_text.split("#", 1)[0]


def begins_block(line: str) -> bool:
    return _HEAD.match(code(line).strip()) is not None


def open_before(text: str, line: int) -> list[Bracket]:
    """The brackets that are still open where a line begins."""
    found: list[Bracket] = []
    for number, content in enumerate(text.split("\n")[: line - 1], 1):
        for column, sign in enumerate(code(content), 1):
            if sign in _PARTNER:
                found.append(Bracket(sign, number, column))
            elif sign in _PARTNER.values() and found:
                found.pop()
    return found


def not_closed(bracket: Bracket, before: str = "") -> Diagnostic:
    """The bracket itself is the mistake, however far from it that was noticed."""
    return Diagnostic(
        code="PPC103",
        message=f"This `{bracket.sign}` is not closed{before}.",
        span=Span(bracket.line, bracket.column, bracket.line, bracket.column + 1),
        hint=f"Close it with `{_PARTNER[bracket.sign]}`.",
    )


def unfinished(text: str) -> Diagnostic:
    """The text ends too early: blame the bracket that is still open."""
    waiting = open_before(text, text.count("\n") + 2)
    if waiting:
        return not_closed(waiting[-1], " when the text ends")
    lines = text.rstrip().split("\n")
    column = max(1, len(lines[-1]))
    return Diagnostic(
        code="PPC103", message="The text ends too early.", span=Span(len(lines), column, len(lines), column + 1)
    )


def unclosed(text: str, line: int, *, closing: bool) -> tuple[Diagnostic, range] | None:
    """The bracket that an earlier line left open, if that is what is wrong at a line; `closing`: a `}` stands there."""
    waiting = open_before(text, line)
    if not waiting:
        return None
    content = text.split("\n")[line - 1]
    if begins_block(content):
        return not_closed(waiting[-1], " before the next block begins"), range(waiting[0].line, line)
    if closing and not waiting[-1].is_block and waiting[0].is_block:
        first = next(bracket for bracket in waiting if not bracket.is_block)
        return not_closed(waiting[-1]), range(first.line, line)
    return None


def _goes_on(line: str, following: str) -> bool:
    """Does a statement go on behind the line? By the rule of the language, whatever its brackets say."""
    return line.rstrip().endswith(("(", "[", ",", "=", "->")) or following.lstrip().startswith((")", "]", "->"))


def line_before(text: str, line: int) -> Span:
    """Where the last line with code before a line ends: its line end says nothing before a `}`, but it was missed."""
    lines = text.split("\n")
    number = max((n for n in range(1, line) if code(lines[n - 1]).strip()), default=1)
    column = len(code(lines[number - 1]).rstrip()) + 1
    return Span(number, column, number, column + 1)


def to_the_end(text: str, line: int) -> range:
    """From a line to the last."""
    return range(line, text.count("\n") + 2)


def damaged_lines(text: str, line: int, *, ends_here: bool = False) -> range:
    """The statement around a line, from where it began; if it opens a block, to the block's end.

    `ends_here` says that the mistake is the end of the line: an open bracket of it reaches no further.
    """
    waiting = [bracket for bracket in open_before(text, line) if not bracket.is_block]
    start = waiting[0].line if waiting else line
    lines = text.split("\n")
    headless = begins_block(lines[start - 1]) and not lines[start - 1].lstrip().startswith("party")
    opened, blocks = 0, 0
    for number in range(start, len(lines) + 1):
        content = code(lines[number - 1])
        if number > line and (begins_block(content) or (content.strip() == "}" and not (blocks or headless))):
            return range(start, number)
        opened += sum(content.count(sign) for sign in "([") - sum(content.count(sign) for sign in ")]")
        blocks += content.count("{") - content.count("}")
        headless = headless and "{" not in content and "}" not in content
        goes_on = opened > 0 and not ends_here and _goes_on(content, code(lines[number]) if number < len(lines) else "")
        if number >= line and not goes_on and blocks <= 0 and not headless:
            return range(start, number + 1)
    return to_the_end(text, start)


def blank(text: str, blanked: range) -> str:
    """The text with some lines emptied, every other character in its place."""
    lines = text.split("\n")
    return "\n".join(" " * len(line) if number in blanked else line for number, line in enumerate(lines, 1))
