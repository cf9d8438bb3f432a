"""As much of an editor's TextMate engine as the grammar needs, on Python's regular expressions.

Line by line; the rule that matches first wins, at one place the end of the open rule, then the first in the list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

Rule = dict[str, Any]


@dataclass
class Matcher:
    """A grammar, and the scope of every character of the text it was last given."""

    grammar: Rule
    stack: list[Rule] = field(default_factory=list[Rule])

    @classmethod
    def of(cls, text: str) -> Matcher:
        return cls(json.loads(text))

    def scopes(self, text: str) -> list[list[str]]:
        """For every line the scope of each character; empty where none is given."""
        self.stack = [self.grammar]
        return [self.line(line) for line in text.split("\n")]

    def line(self, text: str) -> list[str]:
        found = [""] * len(text)
        position = 0
        while (best := self.first(text, position)) is not None:
            match, rule, ends = best
            captures = rule.get("endCaptures" if ends else "beginCaptures" if "begin" in rule else "captures", {})
            self.paint(found, match, rule, captures)
            if ends:
                self.stack.pop()
            elif "begin" in rule:
                self.stack.append(rule)
            elif match.end() == match.start():
                raise AssertionError(f"{rule} matches nothing and would never end")
            position = match.end()
        return found

    def first(self, text: str, position: int) -> tuple[re.Match[str], Rule, bool] | None:
        top = self.stack[-1]
        tries = [(top["end"], top, True)] if "end" in top else []
        tries += [(rule.get("match") or rule["begin"], rule, False) for rule in self.rules(top["patterns"])]
        matches = [(re.compile(p).search(text, position), rule, ends) for p, rule, ends in tries]
        found = [(match, rule, ends) for match, rule, ends in matches if match]
        return min(found, key=lambda item: item[0].start(), default=None)

    def rules(self, patterns: list[Rule]) -> list[Rule]:
        """The patterns, with those that are included by name."""
        return [
            self.grammar["repository"][rule["include"].removeprefix("#")] if "include" in rule else rule
            for rule in patterns
        ]

    @staticmethod
    def paint(found: list[str], match: re.Match[str], rule: Rule, captures: Rule) -> None:
        named = {"0": rule["name"]} if "name" in rule else {}
        named |= {number: capture["name"] for number, capture in captures.items()}
        for number, name in named.items():
            start, end = match.span(int(number))
            found[start:end] = [name] * (end - start)
