"""What the parser expected and found, in words that a reader of the language knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from lark import Token

_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "SIGN": "a number",
    "STRING": "a text in quotes",
    "_NEWLINE": "the end of the line",
    "$END": "the end of the text",
    "ARROW": "`->`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "EQUAL": "`=`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "__ANON_0": "`..`",
}


def in_words(terminal: str) -> str:
    """One terminal of the grammar: signs as they are written, keywords in lower case."""
    return _WORDS.get(terminal, f"`{terminal.lower()}`")


def found_in_words(token: Token) -> str:
    """What stands in the text."""
    if token.type == "_NEWLINE":
        return "the end of the line"
    return f"`{token}`"


def expected_in_words(terminals: Iterable[str]) -> str:
    """`a name, a number or `)``: each once, words before signs."""
    words = sorted({in_words(terminal) for terminal in terminals}, key=lambda word: (word.startswith("`"), word))
    if not words:
        return "something else"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def expected_hint(token: Token, terminals: Iterable[str]) -> str:
    """A better word for the one that was found, if one is near."""
    keywords = [terminal.lower() for terminal in terminals if terminal not in _WORDS]
    near = get_close_matches(str(token).lower(), keywords, n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else ""
