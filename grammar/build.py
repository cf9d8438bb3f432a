"""From lark's parse tree to the syntax tree. Called by `parse` alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Any

from lark import Token, Tree

from ppc.errors import Diagnostic
from ppc.grammar import syntax
from ppc.grammar.units import UNITS
from ppc.source import START, Span

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(%|[A-Za-z]+)?")

# lark hands over positions and children; what the children are is fixed by the grammar file, rule by rule
Children = list[Any]


def token_span(token: Token) -> Span:
    """Where a token stands."""
    line, column = token.line or 1, token.column or 1
    return Span(line, column, token.end_line or line, token.end_column or column + max(1, len(token)))


def _tree_span(tree: Tree[Token]) -> Span:
    meta = tree.meta
    return START if meta.empty else Span(meta.line, meta.column, meta.end_line, meta.end_column)


def _name(token: Token) -> syntax.Name:
    return syntax.Name(text=str(token), span=token_span(token))


def _maybe_name(token: Token | None) -> syntax.Name | None:
    return None if token is None else _name(token)


def _present(children: Children) -> tuple[Any, ...]:
    """Children without the places of absent optional parts."""
    return tuple(child for child in children if child is not None)


class Build:
    """One method a rule of the grammar. Mistakes that a tree can carry on with are collected."""

    def __init__(self) -> None:
        self.mistakes: list[Diagnostic] = []

    def visit(self, tree: Tree[Token]) -> Any:
        """What a tree becomes, its children first. The grammar does not nest, so neither does this."""
        children = [self.visit(child) if isinstance(child, Tree) else child for child in tree.children]
        method: Callable[[Span, Children], Any] = getattr(self, f"{tree.data}_")
        return method(_tree_span(tree), children)

    def start_(self, span: Span, children: Children) -> syntax.Program:
        return syntax.Program(blocks=_present(children), span=span)

    # ---- blocks ----

    def party_(self, span: Span, children: Children) -> syntax.Party:
        return syntax.Party(names=children[0], span=span)

    def names_(self, _span: Span, children: Children) -> tuple[syntax.Name, ...]:
        return tuple(_name(token) for token in children)

    def model_(self, span: Span, children: Children) -> syntax.Model:
        parts = _present(children[1:])
        return syntax.Model(
            name=_name(children[0]),
            inputs=tuple(part for part in parts if isinstance(part, syntax.Input)),
            output=next(part for part in parts if isinstance(part, syntax.TypeName)),
            body=tuple(part for part in parts if isinstance(part, syntax.Statement)),
            span=span,
        )

    def input_(self, span: Span, children: Children) -> syntax.Input:
        name, type_, bounds = children
        return syntax.Input(name=_name(name), type=type_, bounds=bounds, span=span)

    def type_(self, span: Span, children: Children) -> syntax.TypeName:
        return syntax.TypeName(element=_name(children[0]), sizes=_present(children[1:]), span=span)

    def bounds_(self, _span: Span, children: Children) -> syntax.Range:
        return children[0]

    # ---- statements and values ----

    def statement_(self, span: Span, children: Children) -> syntax.Statement:
        steps = tuple(child for child in children if isinstance(child, syntax.Step))
        return syntax.Statement(target=children[0], steps=steps, span=span)

    def target_(self, _span: Span, children: Children) -> syntax.Name:
        return _name(children[0])

    def step_(self, span: Span, children: Children) -> syntax.Step:
        return syntax.Step(name=_name(children[0]), arguments=children[1], span=span)

    def arguments_(self, _span: Span, children: Children) -> tuple[syntax.Argument, ...]:
        return _present(children)

    def argument_(self, span: Span, children: Children) -> syntax.Argument:
        return syntax.Argument(key=_maybe_name(children[0]), value=children[1], span=span)

    def number_(self, span: Span, children: Children) -> syntax.Number:
        sign, digits = children
        parts = _NUMBER.fullmatch(digits)
        figures, unit = parts.groups("") if parts else ("0", "")
        if unit not in UNITS:
            self.mistakes.append(_unknown_unit(unit, token_span(digits)))
        value = float(figures) * UNITS.get(unit, 1.0)
        if not isfinite(value):
            self.mistakes.append(_too_large(token_span(digits)))
        text = f"{sign or ''}{digits}"
        return syntax.Number(value=-value if sign == "-" else value, text=text, span=span)

    def range_(self, span: Span, children: Children) -> syntax.Range:
        return syntax.Range(low=children[0], high=children[1], span=span)

    def word_(self, span: Span, children: Children) -> syntax.Word:
        return syntax.Word(text=str(children[0]), span=span)

    def string_(self, span: Span, children: Children) -> syntax.Text:
        return syntax.Text(text=str(children[0])[1:-1], span=span)

    def comparison_(self, span: Span, children: Children) -> syntax.Comparison:
        return syntax.Comparison(text=str(children[0]), span=span)

    def list_(self, span: Span, children: Children) -> syntax.Numbers:
        return syntax.Numbers(items=_present(children), span=span)

    # ---- facts of a private block ----

    def private_(self, span: Span, children: Children) -> syntax.Private:
        model, alias, *facts = children
        return syntax.Private(model=_name(model), alias=_maybe_name(alias), facts=_present(facts), span=span)

    def from_(self, span: Span, children: Children) -> syntax.From:
        what, parties, bounds = children
        return syntax.From(what=_name(what), parties=parties, bounds=bounds, span=span)

    def to_(self, span: Span, children: Children) -> syntax.To:
        return syntax.To(what=_name(children[0]), parties=children[1], span=span)

    def public_(self, span: Span, children: Children) -> syntax.Public:
        return syntax.Public(what=_name(children[0]), bounds=children[1], span=span)

    def split_(self, span: Span, children: Children) -> syntax.Split:
        where, *limits = children
        at = where if isinstance(where, syntax.Number) else None
        after = _name(where) if isinstance(where, Token) and where.type == "NAME" else None
        return syntax.Split(at=at, after=after, limits=next(iter(_present(limits)), ()), span=span)

    def complement_(self, span: Span, children: Children) -> syntax.ComplementLine:
        offset, picture, at = children
        return syntax.ComplementLine(offset=offset is not None, picture=picture, at=at, span=span)

    def server_(self, span: Span, children: Children) -> syntax.ServerClear:
        return syntax.ServerClear(options=children[0] or (), span=span)

    def joint_(self, span: Span, children: Children) -> syntax.JointLine:
        return syntax.JointLine(options=children[0] or (), span=span)

    def network_(self, span: Span, children: Children) -> syntax.NetworkLine:
        return syntax.NetworkLine(options=children[0], span=span)

    def reveal_(self, span: Span, children: Children) -> syntax.RevealRange:
        return syntax.RevealRange(what=_name(children[0]), span=span)

    def reuse_(self, span: Span, children: Children) -> syntax.ReuseInputs:
        return syntax.ReuseInputs(examples=children[0], span=span)

    def options_(self, _span: Span, children: Children) -> tuple[syntax.Option, ...]:
        return _present(children)

    def option_(self, span: Span, children: Children) -> syntax.Option:
        return syntax.Option(key=_name(children[0]), value=children[1], span=span)

    setting_ = option_

    # ---- lessons of a train block ----

    def train_(self, span: Span, children: Children) -> syntax.Train:
        model, by, *lessons = children
        return syntax.Train(model=_name(model), by=_maybe_name(by), lessons=_present(lessons), span=span)

    def kept_(self, span: Span, children: Children) -> syntax.Kept:
        return syntax.Kept(what=_name(children[0]), span=span)

    def evaluate_(self, span: Span, children: Children) -> syntax.Evaluate:
        what, parties, every = children
        return syntax.Evaluate(what=_name(what), parties=parties, every=every, span=span)

    def method_(self, span: Span, children: Children) -> syntax.Method:
        return syntax.Method(name=_name(children[0]), arguments=children[1], span=span)

    def phrase_(self, span: Span, children: Children) -> syntax.Phrase:
        head, *rest = children
        return syntax.Phrase(head=_name(head), rest=tuple(rest), span=span)

    def brought_(self, span: Span, children: Children) -> syntax.Phrase:
        head, *rest = children
        return syntax.Phrase(head=_name(head), rest=(syntax.Word(text="from", span=span), *rest), span=span)

    def label_(self, span: Span, children: Children) -> syntax.Label:
        data, by, *phrases = children
        return syntax.Label(data=_name(data), by=_name(by), phrases=_present(phrases), span=span)


def _unknown_unit(unit: str, span: Span) -> Diagnostic:
    known = ", ".join(f"`{name}`" for name in UNITS if name)
    return Diagnostic(
        code="PPC104",
        message=f"I do not know the unit `{unit}`.",
        span=span,
        hint=f"Units are {known}; a number may also stand alone.",
    )


def _too_large(span: Span) -> Diagnostic:
    return Diagnostic(
        code="PPC111",
        message="This number is larger than any that can be computed with.",
        span=span,
        hint="Numbers are 64-bit floating point: below 1.8e308.",
    )


def build(tree: Tree[Token]) -> tuple[syntax.Program, list[Diagnostic]]:
    """The syntax tree, and the mistakes found on the way."""
    builder = Build()
    return builder.visit(tree), builder.mistakes
