"""The syntax tree: what the text says, before anybody asks whether it makes sense.

    Program  ::= Party* Model* Private* Train* Label*
    Model    ::= name(Input*) -> TypeName { Statement* }
    Private  ::= model as name { From | To | Public | Split | … }
    Train    ::= model by trainer { From | To | Kept | ReuseInputs | Setting | Method | Phrase }

Frozen; every node knows its span. Made by `parse`, read by `resolve` and `format`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ppc.source import Span


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What every node of the tree has. Spans do not count when trees are compared."""

    span: Span = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class Name(Tree):
    text: str


@dataclass(frozen=True, kw_only=True)
class Number(Tree):
    """`value` is the number in plain units: 50% is 0.5, 40ms is 0.04. `text` is what was written."""

    value: float
    text: str

    @property
    def unit(self) -> str:
        """The letters or the percent sign behind the figures; an exponent's `e` is none of them."""
        return re.sub(r"^[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?", "", self.text)

    @property
    def whole(self) -> int | None:
        return int(self.value) if self.value.is_integer() else None


@dataclass(frozen=True, kw_only=True)
class Range(Tree):
    low: Number
    high: Number


@dataclass(frozen=True, kw_only=True)
class Word(Tree):
    text: str


@dataclass(frozen=True, kw_only=True)
class Text(Tree):
    text: str


@dataclass(frozen=True, kw_only=True)
class Numbers(Tree):
    items: tuple[Number, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison(Tree):
    """`>=` or `<=`"""

    text: str


Value = Number | Range | Word | Text | Numbers | Comparison


@dataclass(frozen=True, kw_only=True)
class Party(Tree):
    names: tuple[Name, ...]


@dataclass(frozen=True, kw_only=True)
class TypeName(Tree):
    element: Name
    sizes: tuple[Number, ...]


@dataclass(frozen=True, kw_only=True)
class Input(Tree):
    name: Name
    type: TypeName
    bounds: Range | None


@dataclass(frozen=True, kw_only=True)
class Argument(Tree):
    key: Name | None
    value: Value


@dataclass(frozen=True, kw_only=True)
class Step(Tree):
    """A layer or the name of a value; `arguments` is None where no brackets were written."""

    name: Name
    arguments: tuple[Argument, ...] | None


@dataclass(frozen=True, kw_only=True)
class Statement(Tree):
    target: Name | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Model(Tree):
    name: Name
    inputs: tuple[Input, ...]
    output: TypeName
    body: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True)
class From(Tree):
    what: Name
    parties: tuple[Name, ...]
    bounds: Range | None


@dataclass(frozen=True, kw_only=True)
class To(Tree):
    what: Name
    parties: tuple[Name, ...]


@dataclass(frozen=True, kw_only=True)
class Public(Tree):
    what: Name
    bounds: Range | None


@dataclass(frozen=True, kw_only=True)
class Option(Tree):
    key: Name
    value: Value


@dataclass(frozen=True, kw_only=True)
class Split(Tree):
    """`split at 2`, `split after skip` or `split auto { weights = 400k }`."""

    at: Number | None
    after: Name | None
    limits: tuple[Option, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ComplementLine(Tree):
    """`complement`, `complement offset picture [28, 28] at 1`"""

    offset: bool
    picture: Numbers | None = None
    at: Number | None = None


@dataclass(frozen=True, kw_only=True)
class ServerClear(Tree):
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JointLine(Tree):
    options: tuple[Option, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkLine(Tree):
    options: tuple[Option, ...]


@dataclass(frozen=True, kw_only=True)
class RevealRange(Tree):
    what: Name


@dataclass(frozen=True, kw_only=True)
class ReuseInputs(Tree):
    """`reuse inputs of 60000`"""

    examples: Number


Fact = From | To | Public | Split | ComplementLine | ServerClear | JointLine | NetworkLine | RevealRange | ReuseInputs


@dataclass(frozen=True, kw_only=True)
class Private(Tree):
    model: Name
    alias: Name | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True, kw_only=True)
class Kept(Tree):
    what: Name


@dataclass(frozen=True, kw_only=True)
class Evaluate(Tree):
    """`evaluate accuracy to hospital every 5`"""

    what: Name
    parties: tuple[Name, ...]
    every: Number | None


@dataclass(frozen=True, kw_only=True)
class Method(Tree):
    name: Name
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, kw_only=True)
class Phrase(Tree):
    head: Name
    rest: tuple[Number | Word | Text | Comparison, ...]


Lesson = From | To | Kept | ReuseInputs | Evaluate | Option | Method | Phrase


@dataclass(frozen=True, kw_only=True)
class Train(Tree):
    model: Name
    by: Name | None
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True, kw_only=True)
class Label(Tree):
    data: Name
    by: Name
    phrases: tuple[Phrase, ...]


Block = Party | Model | Private | Train | Label


@dataclass(frozen=True, kw_only=True)
class Comment(Tree):
    """A comment with its `#`; `trailing` says that code stands before it on its line."""

    text: str
    trailing: bool


@dataclass(frozen=True, kw_only=True)
class Program(Tree):
    blocks: tuple[Block, ...]
    comments: tuple[Comment, ...] = ()
    gaps: frozenset[int] = field(default=frozenset(), compare=False)  # lines that could not be read

    def gaps_in(self, block: Block) -> tuple[int, ...]:
        """The lines of a block that are missing from it."""
        return tuple(sorted(line for line in self.gaps if block.span.line <= line <= block.span.end_line))
