"""The verbs that work on programs: check, fmt, compile, graph, explain."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.codes import CODES
from ppc.codes.page import PAGE
from ppc.errors import PpcError, fail
from ppc.files import write_whole
from ppc.source import Source

if TYPE_CHECKING:
    from ppc import compiler
    from ppc.ir.graph import Graph
    from ppc.passes.base import Step
    from ppc.passes.plan_base import PlanStep


def check(arguments: Namespace) -> int:
    """Every mistake of every program; what it says, where there is none."""
    from ppc import compiler, report

    errors: list[PpcError] = []
    reports: list[dict[str, object]] = []
    for program in arguments.programs:
        try:
            checked = compiler.check(program)
        except PpcError as error:
            errors.append(error)
            continue
        if arguments.json:
            reports.append(report.as_dictionary(checked))
        else:
            _print(report.summary(checked))
    if arguments.json:
        _print(json.dumps(_joined(reports, errors), indent=2) + "\n")
    return _worst(errors, quiet=arguments.json)


def _joined(reports: list[dict[str, object]], errors: list[PpcError]) -> dict[str, object]:
    from ppc.cli import as_dictionary

    found = [diagnostic for error in errors for diagnostic in _diagnostics(as_dictionary(error))]
    return {"ok": not errors, "programs": reports, "diagnostics": found}


def _diagnostics(dictionary: dict[str, object]) -> list[object]:
    found = dictionary["diagnostics"]
    return list(found) if isinstance(found, list) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _worst(errors: list[PpcError], *, quiet: bool) -> int:
    from ppc.cli import exit_code
    from ppc.errors import render

    if not quiet:
        for error in errors:
            sys.stderr.write(render(error) + "\n")
    return min((exit_code(error) for error in errors), default=0)


def fmt(arguments: Namespace) -> int:
    """Lay out programs; nothing is written where one does not parse."""
    from ppc.compiler import read_source
    from ppc.grammar.format import format_source

    changed: list[str] = []
    for name in arguments.programs:
        source = _standard_input() if name == "-" else read_source(Path(name))
        text = format_source(source)
        if text != source.text:
            changed.append(name)
        if arguments.check:
            continue
        if name == "-":
            _print(text)
        elif text != source.text:
            write_text(Path(name), text)
    if arguments.check:
        _print("".join(f"{name} would change\n" for name in changed))
    return 1 if arguments.check and changed else 0


def _standard_input() -> Source:
    try:
        return Source("<stdin>", sys.stdin.buffer.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise fail("PPC502", "The standard input is not UTF-8 text.") from None


def compile_(arguments: Namespace) -> int:
    """One stage of a program, or all of them; or, to a folder, its bundles."""
    from ppc import compiler
    from ppc.cli.bundle_verbs import into_folder, write_bundles
    from ppc.cli.engine_verb import write_app

    if arguments.engine:
        return write_app(arguments)
    if into_folder(arguments):
        return write_bundles(arguments)
    arguments.output = None if arguments.output is None else Path(arguments.output)
    arguments.emit = arguments.emit or "graph"
    arguments.batch = _one_batch(arguments.batches)
    if arguments.emit == "ast":
        return _emit(arguments, _ast(compiler.read_source(arguments.program)), {})
    compiled = _compiled(arguments)
    if arguments.emit == "plan":
        return _emit_plan(arguments, compiled)
    print_times(arguments, compiled.steps[1:])
    return _emit(arguments, "".join(_stages(arguments, compiled)), _facts(compiled, compiled.steps[1:]))


def _one_batch(batches: tuple[int, ...]) -> int | None:
    if len(batches) > 1:
        hint = "Name a folder, as in `-o build/`, or one batch size."
        raise fail("PPC509", "Several batch sizes go into a bundle, which is a folder.", hint=hint)
    return next(iter(batches), None)


def _emit_plan(arguments: Namespace, compiled: compiler.Compiled) -> int:
    """The plan, or what it was after one of its passes."""
    from ppc.cli.bundle_verbs import begun_with
    from ppc.plan.text import show
    from ppc.protocol import lowered

    made = lowered(compiled, level=arguments.level, field=begun_with(arguments.shares).get("field", ""))
    if arguments.print_after_all:
        text = "".join(f"# after {step.name}\n{show(step.plan)}" for step in made.plans)
    else:
        text = show(made.after(arguments.after) if arguments.after else made.plan)
    done = (*compiled.steps[1:], *made.graphs, *made.plans)
    print_times(arguments, done)
    return _emit(arguments, text, {**_facts(compiled, done), "level": arguments.level})


def print_times(arguments: Namespace, done: Iterable[Step | PlanStep]) -> None:
    if arguments.time_passes:
        sys.stderr.write("".join(f"{step.seconds * 1e3:8.2f} ms  {step.name}\n" for step in done))


def _facts(compiled: compiler.Compiled, done: Iterable[Step | PlanStep]) -> dict[str, object]:
    """What was compiled, for a machine."""
    steps = [{"pass": step.name, "seconds": step.seconds} for step in done]
    private = compiled.policy.name if compiled.policy else None
    return {"model": compiled.graph.name, "private": private, "passes": steps}


def _compiled(arguments: Namespace) -> compiler.Compiled:
    from ppc import compiler
    from ppc.cli.bundle_verbs import begun_with

    return compiler.compile_program(
        arguments.program,
        model=arguments.model,
        as_=arguments.as_,
        train=arguments.train,
        batch=arguments.batch,
        kept=begun_with(getattr(arguments, "shares", None)).get("kept"),
    )


def _stages(arguments: Namespace, compiled: compiler.Compiled) -> Iterator[str]:
    written = _writer(arguments.emit)
    if arguments.print_after_all:
        for step in compiled.steps:
            yield f"# after {step.name}\n{written(step.graph)}"
    else:
        yield written(compiled.after(arguments.after) if arguments.after else compiled.graph)


def _writer(emit: str) -> Callable[[Graph], str]:
    """How to write a graph; networkx, which drawing needs, is loaded only for a drawing."""
    if emit == "dot":
        from ppc.drawing.dot import dot

        return dot
    from ppc.ir.text import show

    return show


def _ast(source: Source) -> str:
    from ppc.grammar.parse import parse
    from ppc.grammar.show import show_tree

    return show_tree(parse(source))


def graph(arguments: Namespace) -> int:
    """A picture of one stage."""
    if arguments.output.suffix not in (".svg", ".dot"):
        raise fail("PPC509", f"{arguments.output} is neither .svg nor .dot.", hint="Name the picture `model.svg`.")
    from ppc.drawing.dot import dot
    from ppc.drawing.svg import svg

    compiled = _compiled(arguments)
    drawn = compiled.after(arguments.after) if arguments.after else compiled.graph
    block = compiled.policy.name if compiled.policy else ""
    write_text(arguments.output, dot(drawn) if arguments.output.suffix == ".dot" else svg(drawn, block=block))
    return 0


def explain(arguments: Namespace) -> int:
    """What a code means."""
    if arguments.subject is None:
        if arguments.json:
            _print_json(codes={code: row.title for code, row in CODES.items()})
        else:
            _print("".join(f"{code}  {row.title}\n" for code, row in CODES.items()))
        return 0
    code = arguments.subject.upper()
    if code not in CODES:
        raise fail("PPC512", f"There is no error code {arguments.subject}.", hint="`ppc explain` lists them all.")
    row = CODES[code]
    if arguments.json:
        _print_json(code=code, title=row.title, explanation=row.explanation)
    else:
        _print(f"{code}  {row.title}\n\n{_wrapped(row.explanation)}\n\nMore: {PAGE}#{code.lower()}\n")
    return 0


def _wrapped(text: str) -> str:
    from textwrap import fill

    return fill(text, 92)


def _emit(arguments: Namespace, text: str, facts: dict[str, object]) -> int:
    """The text to a file or to the screen; with `--json`, one object about it to the screen, whatever happens."""
    if arguments.output is not None:
        write_text(arguments.output, text)
    if arguments.json:
        found = {"text": text} if arguments.output is None else {"written": str(arguments.output)}
        _print(json.dumps({"ok": True, **facts, **found}, indent=2) + "\n")
    elif arguments.output is None:
        _print(text)
    return 0


def write_text(path: Path, text: str) -> None:
    """Write a file whole, or say why not."""
    write_whole(path, text.encode())


def _print_json(**found: object) -> None:
    _print(json.dumps({"ok": True, **found}, indent=2) + "\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
