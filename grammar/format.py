"""`ppc fmt`: the one way to lay out a program. Twice equals once; no comment is lost.

A program becomes a list of rows, each remembering the source lines that it came from; comments and blank lines are
then woven in by those lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ppc.grammar import syntax
from ppc.grammar.parse import parse
from ppc.source import Source

WIDTH = 100
INDENT = "    "


@dataclass(frozen=True, kw_only=True)
class _Row:
    text: str
    first: int
    last: int
    depth: int = 1


def format_source(source: Source) -> str:
    """The program's text, laid out. Raises PpcError where it does not parse."""
    return format_program(parse(source))


def format_program(program: syntax.Program) -> str:
    """The text of a syntax tree, with its comments."""
    rows = [row for block in program.blocks for row in _block(block)]
    lines = list(_woven(rows, program.comments))
    return "\n".join(lines) + "\n" if lines else ""


# ---- rows of blocks ----


def _block(block: syntax.Block) -> Iterator[_Row]:
    match block:
        case syntax.Party():
            yield _row(f"party {_names(block.names)}", block, depth=0)
        case syntax.Model():
            last = block.output.span.end_line
            yield _Row(text=_head(block), first=block.span.line, last=last, depth=0)
            yield from (_row(_statement(statement), statement) for statement in block.body)
            yield _closing(block)
        case syntax.Private():
            alias = f" as {block.alias.text}" if block.alias else ""
            name = block.alias or block.model
            yield _Row(
                text=f"private {block.model.text}{alias} {{", first=block.span.line, last=name.span.line, depth=0
            )
            width = _subject_width(block.facts)
            yield from (_row(_fact(fact, width), fact) for fact in block.facts)
            yield _closing(block)
        case syntax.Train():
            by = f" by {block.by.text}" if block.by else ""
            name = block.by or block.model
            yield _Row(text=f"train {block.model.text}{by} {{", first=block.span.line, last=name.span.line, depth=0)
            width = _subject_width(block.lessons)
            yield from (_row(_fact(lesson, width), lesson) for lesson in block.lessons)
            yield _closing(block)
        case syntax.Label():
            text = f"label {block.data.text} by {block.by.text} {{"
            yield _Row(text=text, first=block.span.line, last=block.by.span.line, depth=0)
            yield from (_row(_fact(phrase, 0), phrase) for phrase in block.phrases)
            yield _closing(block)


def _row(text: str, tree: syntax.Tree, *, depth: int = 1) -> _Row:
    return _Row(text=text, first=tree.span.line, last=tree.span.end_line, depth=depth)


def _closing(block: syntax.Tree) -> _Row:
    return _Row(text="}", first=block.span.end_line, last=block.span.end_line, depth=0)


def _head(model: syntax.Model) -> str:
    inputs = [f"{i.name.text}: {_type(i.type)}{_bounds(i.bounds)}" for i in model.inputs]
    end = f") -> {_type(model.output)} {{"
    line = f"model {model.name.text}({', '.join(inputs)}{end}"
    if len(line) <= WIDTH:
        return line
    return f"model {model.name.text}(\n" + "".join(f"{INDENT}{i},\n" for i in inputs) + end


def _type(type_: syntax.TypeName) -> str:
    sizes = f"[{', '.join(size.text for size in type_.sizes)}]" if type_.sizes else ""
    return type_.element.text + sizes


def _bounds(bounds: syntax.Range | None) -> str:
    return f" in {_value(bounds)}" if bounds else ""


def _names(names: Sequence[syntax.Name]) -> str:
    return ", ".join(name.text for name in names)


# ---- statements ----


def _statement(statement: syntax.Statement) -> str:
    target = f"{statement.target.text} = " if statement.target else ""
    steps = [_step(step) for step in statement.steps]
    line = target + " -> ".join(steps)
    return line if len(line) <= WIDTH - len(INDENT) else target + f"\n{INDENT * 2}-> ".join(steps)


def _step(step: syntax.Step) -> str:
    return step.name.text if step.arguments is None else f"{step.name.text}({_arguments(step.arguments)})"


def _arguments(arguments: Sequence[syntax.Argument]) -> str:
    return ", ".join((f"{a.key.text}=" if a.key else "") + _value(a.value) for a in arguments)


def _value(value: syntax.Value) -> str:
    match value:
        case syntax.Range():
            return f"{value.low.text}..{value.high.text}"
        case syntax.Text():
            return f'"{value.text}"'
        case syntax.Numbers():
            return f"[{', '.join(item.text for item in value.items)}]"
        case syntax.Number() | syntax.Word() | syntax.Comparison():
            return value.text


# ---- facts and lessons ----


def _subject_width(facts: Sequence[syntax.Fact | syntax.Lesson]) -> int:
    """The longest subject of a block: `from` and `to` stand in one column behind it."""
    subjects = (syntax.From, syntax.To, syntax.Public, syntax.Kept)
    return max((len(fact.what.text) for fact in facts if isinstance(fact, subjects)), default=0)


def _fact(fact: syntax.Fact | syntax.Lesson, width: int) -> str:
    match fact:
        case syntax.From():
            return f"{fact.what.text:<{width}} from {_names(fact.parties)}{_bounds(fact.bounds)}"
        case syntax.To():
            return f"{fact.what.text:<{width}} to   {_names(fact.parties)}"
        case syntax.Public():
            return f"{fact.what.text:<{width}} public{_bounds(fact.bounds)}"
        case syntax.Kept():
            return f"{fact.what.text:<{width}} kept shared"
        case syntax.Split():
            where = f"at {fact.at.text}" if fact.at else f"after {fact.after.text}" if fact.after else "auto"
            return _options(f"split {where}", fact.limits)
        case syntax.ComplementLine():
            return _complement(fact)
        case syntax.ServerClear():
            return _options("server clear", fact.options)
        case syntax.JointLine():
            return _options("joint", fact.options)
        case syntax.NetworkLine():
            return _options("network", fact.options)
        case syntax.RevealRange():
            return f"reveal range of {fact.what.text}"
        case syntax.ReuseInputs():
            return f"reuse inputs of {fact.examples.text}"
        case syntax.Evaluate():
            often = f" every {fact.every.text}" if fact.every else ""
            return f"evaluate {fact.what.text} to {_names(fact.parties)}{often}"
        case syntax.Option():
            return _option(fact)
        case syntax.Method():
            return f"{fact.name.text}({_arguments(fact.arguments)})"
        case syntax.Phrase():
            return " ".join([fact.head.text, *(_value(part) for part in fact.rest)])


def _complement(fact: syntax.ComplementLine) -> str:
    picture = f"picture {_value(fact.picture)}" if fact.picture else ""
    at = f"at {fact.at.text}" if fact.at else ""
    return " ".join(filter(None, ("complement", "offset" if fact.offset else "", picture, at)))


def _option(option: syntax.Option) -> str:
    return f"{option.key.text} = {_value(option.value)}"


def _options(word: str, options: Sequence[syntax.Option]) -> str:
    if not options:
        return word
    parts = [_option(option) for option in options]
    line = f"{word} {{ {', '.join(parts)} }}"
    if len(line) <= WIDTH - len(INDENT):
        return line
    return f"{word} {{\n" + "".join(f"{INDENT * 2}{part}\n" for part in parts) + INDENT + "}"


# ---- comments and blank lines ----


def _woven(rows: Sequence[_Row], comments: Sequence[syntax.Comment]) -> Iterator[str]:
    waiting, last_line, depth = list(comments), 0, 0
    for row in rows:
        above, beside = _take(waiting, row)
        inside = 1 if row.text == "}" and row.depth == 0 else row.depth
        opening = depth == 0 and row.depth == 1 and last_line > 0
        for comment in above:
            if _gap(last_line, comment.span.line) and not opening:
                yield ""
            yield INDENT * inside + comment.text
            last_line, opening = comment.span.line, False
        starts_block = row.depth == 0 and row.text != "}" and last_line > 0 and not above
        if starts_block or (_gap(last_line, row.first) and not opening and row.text != "}"):
            yield ""
        yield INDENT * row.depth + row.text + (f"  {beside.text}" if beside else "")
        last_line, depth = row.last, row.depth
    for comment in waiting:
        if _gap(last_line, comment.span.line):
            yield ""
        yield comment.text
        last_line = comment.span.line


def _gap(last_line: int, next_line: int) -> bool:
    return last_line > 0 and next_line > last_line + 1


def _take(waiting: list[syntax.Comment], row: _Row) -> tuple[list[syntax.Comment], syntax.Comment | None]:
    """The comments to stand above the row, and the one to stand beside it."""
    taken = [comment for comment in waiting if comment.span.line <= row.last]
    del waiting[: len(taken)]
    within = [comment for comment in taken if comment.span.line >= row.first]
    if len(within) == 1 and within[0].trailing:
        return taken[:-1], within[0]
    return taken, None
