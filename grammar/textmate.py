"""The TextMate grammar, by which editors colour a program, made from the language's own grammar and tables.

`scripts/textmate` writes it to `pnn.tmLanguage.json`. Keywords, numbers, names, strings and comments come from
`pnn.lark`, layers and units from their tables; only the colours are said here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ppc.errors import InternalError
from ppc.grammar.layers import LAYERS
from ppc.grammar.parse import parser
from ppc.grammar.units import UNITS

HOME = Path(__file__).parent / "pnn.tmLanguage.json"
BLOCKS = ("model", "private", "train", "label")
TYPES = ("real", "index")
CONSTANTS = ("same", "true", "false")

_ANY_UNIT = "(%|[A-Za-z]+)?"  # as the lark file ends its NUMBER
_NESTED = ("#comment", "#string", "#number")
_SIGNS = ("#operator", "#punctuation")

Rule = dict[str, Any]


def terminal(name: str) -> str:
    """The regular expression of a terminal of the grammar."""
    return next(found.pattern.value for found in parser().terminals if found.name == name).replace("\n", r"\n")


def keywords(rule: str) -> tuple[str, ...]:
    """The words of the language that may stand in what a rule of the grammar describes."""
    words = {found.name: found.pattern.value for found in parser().terminals if found.pattern.value.isalpha()}
    reached, waiting = {rule}, [rule]
    found: set[str] = set()
    while waiting:
        current = waiting.pop()
        for symbol in (s for r in parser().rules if r.origin.name == current for s in r.expansion):
            if symbol.name in words:
                found.add(words[symbol.name])
            elif symbol.name not in reached:
                reached.add(symbol.name)
                waiting.append(symbol.name)
    return tuple(sorted(found))


def grammar() -> str:
    """The whole TextMate grammar as JSON."""
    blocks = [f"#{block}" for block in BLOCKS]
    rules: Rule = {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "Private neural network",
        "scopeName": "source.pnn",
        "fileTypes": ["pnn"],
        "patterns": _included("#comment", "#party", *blocks, *_SIGNS, "#name"),
        "repository": _lexical() | _values() | _blocks(),
    }
    return json.dumps(rules, indent=2, ensure_ascii=False) + "\n"


def _included(*names: str) -> list[Rule]:
    return [{"include": name} for name in names]


def _match(pattern: str, scope: str) -> Rule:
    return {"match": pattern, "name": f"{scope}.pnn"}


def _word(words: Sequence[str]) -> str:
    return rf"\b(?:{'|'.join(words)})\b"


def _lexical() -> Rule:
    """What looks the same everywhere."""
    return {
        "comment": _match(terminal("COMMENT"), "comment.line.number-sign"),
        "string": _match(terminal("STRING"), "string.quoted.double"),
        "number": _number(),
        "name": _match(terminal("NAME"), "variable.other"),
        "operator": _match(rf"->|\.\.|{terminal('COMPARISON')}|=|{terminal('SIGN')}", "keyword.operator"),
        "punctuation": _match(r"[,:\[\](){}]", "punctuation"),
    }


def _number() -> Rule:
    """A number and its unit; a unit that does not exist is marked as a mistake."""
    written = terminal("NUMBER")
    if not written.endswith(_ANY_UNIT):
        raise InternalError(f"a NUMBER no longer ends in {_ANY_UNIT}", place="grammar.textmate")
    digits = written.removesuffix(_ANY_UNIT).replace("(", "(?:")
    letters = "|".join(sorted((unit for unit in UNITS if unit.isalpha()), key=lambda unit: (-len(unit), unit)))
    names = ("constant.numeric", "keyword.other.unit", "invalid.illegal.unit")
    return {
        "match": f"({digits})(?:(%|(?:{letters})(?![A-Za-z]))|([A-Za-z]+))?",
        "captures": {str(place): {"name": f"{name}.pnn"} for place, name in enumerate(names, 1)},
    }


def _values() -> Rule:
    """Arguments of layers and options of blocks: `(3, padding=same)`, `{ field = mersenne61 }`."""
    name = terminal("NAME")
    inside = _included(*_NESTED, "#argument", "#constant", *_SIGNS, "#name")
    return {
        "argument": _match(rf"{name}(?=\s*=)", "variable.parameter"),
        "constant": _match(_word(CONSTANTS), "constant.language"),
        "type": _match(_word(TYPES), "support.type"),
        "layer": _match(rf"{_word(list(LAYERS))}(?!\s*=)", "support.function.layer"),
        "method": _match(rf"{name}(?=\s*\()", "support.function.method"),
        "input": _match(rf"{name}(?=\s*:)", "variable.parameter"),
        "called": _match(name, "entity.name.type"),
        "arguments": _between(r"\(", r"\)", inside),
        "options": _between(r"\{", r"\}", inside),
        "parties": {
            "begin": _word(("from", "to")),
            "beginCaptures": {"0": {"name": "keyword.other.pnn"}},
            "end": r"(?=$|#|\}|\b(?:in|every)\b)",
            "patterns": [*_included("#string"), _match(name, "constant.other.party"), *_included(*_SIGNS)],
        },
    }


def _between(begin: str, end: str, patterns: list[Rule]) -> Rule:
    bracket = {"0": {"name": "punctuation.pnn"}}
    return {"begin": begin, "beginCaptures": bracket, "end": end, "endCaptures": bracket, "patterns": patterns}


def _blocks() -> Rule:
    """The blocks, each with its own words: outside of its block a word is a name like others."""
    words = {block: _match(_word([k for k in keywords(block) if k != block]), "keyword.other") for block in BLOCKS}
    rules: Rule = {"party": _parties()}
    rules["model"] = _block("model", [words["model"], *_included("#number", "#input", "#type", *_SIGNS, "#called")])
    rules["model-body"] = _body("#layer", "#argument", "#arguments", "#constant")
    for block in BLOCKS[1:]:
        rules[block] = _block(block, [words[block], *_included("#called")])
        rules[f"{block}-words"] = words[block]
    rules["private-body"] = _body("#parties", "#private-words", "#options")
    for block in BLOCKS[2:]:
        rules[f"{block}-body"] = _body("#parties", f"#{block}-words", "#argument", "#method", "#arguments", "#constant")
    return rules


def _parties() -> Rule:
    """The names of all parties, up to the next block."""
    return {
        "begin": _word(("party",)),
        "beginCaptures": {"0": {"name": "storage.type.pnn"}},
        "end": rf"(?={_word(('party', *BLOCKS))})",
        "patterns": [*_included("#comment"), _match(terminal("NAME"), "constant.other.party"), *_included(*_SIGNS)],
    }


def _block(block: str, head: list[Rule]) -> Rule:
    """A block's head, and its body in braces; it ends where the body has ended."""
    return {
        "begin": _word((block,)),
        "beginCaptures": {"0": {"name": "storage.type.pnn"}},
        "end": r"(?<=\})",
        "patterns": [*_included("#comment", f"#{block}-body"), *head],
    }


def _body(*names: str) -> Rule:
    return _between(r"\{", r"\}", _included(*_NESTED, *names, *_SIGNS, "#name"))


if __name__ == "__main__":
    HOME.write_text(grammar(), encoding="utf-8")
