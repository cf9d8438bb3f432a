"""What the parser expected and found, in words that a reader of the language knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from lark import Token

from ppc.grammar.layers import LAYERS

_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "SIGN": "a number",
    "STRING": "a text in quotes",
    "_NEWLINE": "the end of the line",
    "$END": "the end of the text",
    "ARROW": "`->`",
    "COMPARISON": "`>=`",
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


# What is often written in place of what the grammar wants: what was found, what is wanted, what to do.
_SLIPS = (
    ("COLON", "EQUAL", "Arguments and options are written with `=`: `kernel=3`."),
    ("LBRACE", "ARROW", "A head ends with the type of the result: `… -> real[10] {`."),
    ("NUMBER", "LPAR", "Arguments stand in brackets: `dense(10)`."),
    ("NAME", "_NEWLINE", "Is a `,` or a line break missing before it?"),
    ("NAME", "COMMA", "Is a `,` missing before it?"),
    ("NUMBER", "COMMA", "Is a `,` missing before it?"),
    ("_NEWLINE", "RPAR", "Is the `)` missing?"),
    ("COLON", "LBRACE", "The body of a block stands between `{` and `}`."),
    ("LPAR", "NUMBER", "A size of two is written `[3, 3]`."),
    ("LSQB", "NUMBER", "A range is written `0..1`."),
    ("SIGN", "_NEWLINE", "Values are added by a layer: `add(skip)`."),
)


def expected_hint(token: Token, terminals: Iterable[str]) -> str:
    """A better word for the one that was found, or what may have slipped."""
    wanted = set(terminals)
    keywords = [terminal.lower() for terminal in wanted if terminal not in _WORDS]
    near = get_close_matches(str(token).lower(), keywords, n=1, cutoff=0.6)
    if near:
        return f"Did you mean `{near[0]}`?"
    if str(token) in _PYTHON:
        return _PYTHON[str(token)]
    if "MODEL" in wanted and str(token) in LAYERS:
        return "Layers stand inside a model: `model digits(image: real[64]) -> real[10] { … }`."
    return next((hint for found, needed, hint in _SLIPS if token.type == found and needed in wanted), "")


# words of Python that begin a line there
_PYTHON = {
    "import": "There is nothing to import: every layer is known.",
    "from": "There is nothing to import: every layer is known.",
    "class": "A network is written `model NAME(image: real[1, 28, 28]) -> real[10] { … }`.",
    "def": "A network is written `model NAME(image: real[1, 28, 28]) -> real[10] { … }`.",
    "return": "The value of the last line is the result; nothing is written for it.",
    "for": "A model has no loops: write each layer on a line of its own.",
}

SIGNS = "{}()[]=,:.-+><"  # characters that the language has
_LOOK_ALIKES = {
    ".": "A range has two dots, as in `-4..4`. Layers have no dots: write `conv2d(…)` alone, each on its own line.",
    "→": "Write the arrow as `->`.",
    "⇒": "Write the arrow as `->`.",
    "−": "Write the minus as `-`.",
    "–": "Write the minus as `-`.",
    "…": "Write a range with two dots: `-4..4`.",
    "“": 'Write quotes as `"`.',
    "”": 'Write quotes as `"`.',
    "'": 'Write quotes as `"`.',
    ";": "The end of a line ends a statement; leave it out.",
    "/": "Comments start with `#`.",
}


def character_hint(character: str) -> str:
    """What may have been meant by a character that the language does not know."""
    general = "Comments start with `#`; names are letters, digits and `_`, and start with a letter."
    return _LOOK_ALIKES.get(character, "" if character in SIGNS else general)
