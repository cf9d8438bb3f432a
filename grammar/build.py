"""From lark's parse tree to the syntax tree. Called by `parse` alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from lark import Token, Transformer, Tree, v_args
from lark.tree import Meta

from ppc.errors import Diagnostic
from ppc.grammar import syntax
from ppc.grammar.units import UNITS
from ppc.source import START, Span

# lark hands over positions and children; what the children are is fixed by the grammar file, rule by rule
Children = list[Any]


def _span(meta: Meta) -> Span:
    if meta.empty:
        return START
    return Span(meta.line, meta.column, meta.end_line, meta.end_column)


def token_span(token: Token) -> Span:
    """Where a token stands."""
    line, column = token.line or 1, token.column or 1
    return Span(line, column, token.end_line or line, token.end_column or column + max(1, len(token)))


def _name(token: Token) -> syntax.Name:
    return syntax.Name(text=str(token), span=token_span(token))


def _maybe_name(token: Token | None) -> syntax.Name | None:
    return None if token is None else _name(token)


def _present(children: Children) -> tuple[Any, ...]:
    """Children without the places of absent optional parts."""
    return tuple(child for child in children if child is not None)


@v_args(meta=True)
class Build(Transformer[Token, syntax.Program]):
    """One method a rule of the grammar. Mistakes that a tree can carry on with are collected."""

    def __init__(self) -> None:
        super().__init__()
        self.mistakes: list[Diagnostic] = []

    def start(self, meta: Meta, children: Children) -> syntax.Program:
        return syntax.Program(blocks=_present(children), span=_span(meta))

    # ---- blocks ----

    def party(self, meta: Meta, children: Children) -> syntax.Party:
        return syntax.Party(names=children[0], span=_span(meta))

    def names(self, _meta: Meta, children: Children) -> tuple[syntax.Name, ...]:
        return tuple(_name(token) for token in children)

    def model(self, meta: Meta, children: Children) -> syntax.Model:
        parts = _present(children[1:])
        return syntax.Model(
            name=_name(children[0]),
            inputs=tuple(part for part in parts if isinstance(part, syntax.Input)),
            output=next(part for part in parts if isinstance(part, syntax.TypeName)),
            body=tuple(part for part in parts if isinstance(part, syntax.Statement)),
            span=_span(meta),
        )

    def input(self, meta: Meta, children: Children) -> syntax.Input:
        name, type_, bounds = children
        return syntax.Input(name=_name(name), type=type_, bounds=bounds, span=_span(meta))

    def type(self, meta: Meta, children: Children) -> syntax.TypeName:
        return syntax.TypeName(element=_name(children[0]), sizes=_present(children[1:]), span=_span(meta))

    def bounds(self, _meta: Meta, children: Children) -> syntax.Range:
        return children[0]

    # ---- statements and values ----

    def statement(self, meta: Meta, children: Children) -> syntax.Statement:
        steps = tuple(child for child in children if isinstance(child, syntax.Step))
        return syntax.Statement(target=children[0], steps=steps, span=_span(meta))

    def target(self, _meta: Meta, children: Children) -> syntax.Name:
        return _name(children[0])

    def step(self, meta: Meta, children: Children) -> syntax.Step:
        return syntax.Step(name=_name(children[0]), arguments=children[1], span=_span(meta))

    def arguments(self, _meta: Meta, children: Children) -> tuple[syntax.Argument, ...]:
        return _present(children)

    def argument(self, meta: Meta, children: Children) -> syntax.Argument:
        return syntax.Argument(key=_maybe_name(children[0]), value=children[1], span=_span(meta))

    def number(self, meta: Meta, children: Children) -> syntax.Number:
        sign, digits = children
        figures = digits.rstrip("%abcdfghijklmnopqrstuvwxyzABCDFGHIJKLMNOPQRSTUVWXYZ")
        unit = str(digits)[len(figures) :]
        if figures[-1] in "eE":  # the e of a unit such as `one`, not of an exponent
            figures, unit = figures[:-1], figures[-1] + unit
        if unit not in UNITS:
            self.mistakes.append(_unknown_unit(unit, token_span(digits)))
        value = float(figures) * UNITS.get(unit, 1.0)
        text = f"{sign or ''}{digits}"
        return syntax.Number(value=-value if sign == "-" else value, text=text, span=_span(meta))

    def range(self, meta: Meta, children: Children) -> syntax.Range:
        return syntax.Range(low=children[0], high=children[1], span=_span(meta))

    def word(self, meta: Meta, children: Children) -> syntax.Word:
        return syntax.Word(text=str(children[0]), span=_span(meta))

    def string(self, meta: Meta, children: Children) -> syntax.Text:
        return syntax.Text(text=str(children[0])[1:-1], span=_span(meta))

    def list(self, meta: Meta, children: Children) -> syntax.Numbers:
        return syntax.Numbers(items=_present(children), span=_span(meta))

    # ---- facts of a private block ----

    def private(self, meta: Meta, children: Children) -> syntax.Private:
        model, alias, *facts = children
        return syntax.Private(model=_name(model), alias=_maybe_name(alias), facts=_present(facts), span=_span(meta))

    def from_(self, meta: Meta, children: Children) -> syntax.From:
        what, parties, bounds = children
        return syntax.From(what=_name(what), parties=parties, bounds=bounds, span=_span(meta))

    def to(self, meta: Meta, children: Children) -> syntax.To:
        return syntax.To(what=_name(children[0]), parties=children[1], span=_span(meta))

    def public(self, meta: Meta, children: Children) -> syntax.Public:
        return syntax.Public(what=_name(children[0]), bounds=children[1], span=_span(meta))

    def split(self, meta: Meta, children: Children) -> syntax.Split:
        where = children[0]
        at = where if isinstance(where, syntax.Number) else None
        after = _name(where) if isinstance(where, Token) and where.type == "NAME" else None
        return syntax.Split(at=at, after=after, span=_span(meta))

    def complement(self, meta: Meta, children: Children) -> syntax.ComplementLine:
        return syntax.ComplementLine(offset=children[0] is not None, span=_span(meta))

    def server(self, meta: Meta, _children: Children) -> syntax.ServerClear:
        return syntax.ServerClear(span=_span(meta))

    def joint(self, meta: Meta, children: Children) -> syntax.JointLine:
        return syntax.JointLine(options=children[0] or (), span=_span(meta))

    def network(self, meta: Meta, children: Children) -> syntax.NetworkLine:
        return syntax.NetworkLine(options=children[0], span=_span(meta))

    def reveal(self, meta: Meta, children: Children) -> syntax.RevealRange:
        return syntax.RevealRange(what=_name(children[0]), span=_span(meta))

    def reuse(self, meta: Meta, _children: Children) -> syntax.ReuseInputs:
        return syntax.ReuseInputs(span=_span(meta))

    def options(self, _meta: Meta, children: Children) -> tuple[syntax.Option, ...]:
        return _present(children)

    def option(self, meta: Meta, children: Children) -> syntax.Option:
        return syntax.Option(key=_name(children[0]), value=children[1], span=_span(meta))

    setting = option

    # ---- lessons of a train block ----

    def train(self, meta: Meta, children: Children) -> syntax.Train:
        model, by, *lessons = children
        return syntax.Train(model=_name(model), by=_maybe_name(by), lessons=_present(lessons), span=_span(meta))

    def kept(self, meta: Meta, children: Children) -> syntax.Kept:
        return syntax.Kept(what=_name(children[0]), span=_span(meta))

    def method(self, meta: Meta, children: Children) -> syntax.Method:
        return syntax.Method(name=_name(children[0]), arguments=children[1], span=_span(meta))

    def phrase(self, meta: Meta, children: Children) -> syntax.Phrase:
        head, *rest = children
        return syntax.Phrase(head=_name(head), rest=tuple(rest), span=_span(meta))

    def label(self, meta: Meta, children: Children) -> syntax.Label:
        data, by, *phrases = children
        return syntax.Label(data=_name(data), by=_name(by), phrases=_present(phrases), span=_span(meta))


# `from` is a word of Python
setattr(Build, "from", Build.from_)


def _unknown_unit(unit: str, span: Span) -> Diagnostic:
    known = ", ".join(f"`{name}`" for name in UNITS if name)
    return Diagnostic(
        code="PPC104",
        message=f"I do not know the unit `{unit}`.",
        span=span,
        hint=f"Units are {known}; a number may also stand alone.",
    )


def build(tree: Tree[Token]) -> tuple[syntax.Program, list[Diagnostic]]:
    """The syntax tree, and the mistakes found on the way."""
    builder = Build()
    transform = cast(Callable[[Tree[Token]], syntax.Program], builder.transform)
    return transform(tree), builder.mistakes
