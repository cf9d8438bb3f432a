"""The verb that says what a program costs and shows before it runs: explain, for programs."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli import source_verbs
from ppc.errors import PpcError, fail
from ppc.files import write_whole

if TYPE_CHECKING:
    from ppc.bill.network import Profile
    from ppc.bill.rows import Bill
    from ppc.compiler import Compiled
    from ppc.leak.contract import Contract


def explain(arguments: Namespace) -> int:
    """An error code, or a program's bill, or its leakage contract."""
    subject: str | None = arguments.subject
    if subject is None or not subject.endswith(".pnn"):
        return source_verbs.explain(arguments)
    if arguments.split:
        return _cuts(arguments)
    from ppc.bundling import sizes_of

    compiled = _compiled(arguments, max(sizes_of(arguments.batches, train=arguments.train), default=None))
    asked = arguments.leak or arguments.check or arguments.save
    return _leak(arguments, compiled) if asked else _bill(arguments, compiled)


def _compiled(arguments: Namespace, batch: int | None) -> Compiled:
    from ppc import compiler

    chosen = {"model": arguments.model, "as_": arguments.as_, "train": arguments.train}
    return compiler.compile_program(Path(arguments.subject), **chosen, batch=batch)


# ---- the bill ----


def _bill(arguments: Namespace, compiled: Compiled) -> int:
    from ppc.bill import show
    from ppc.cli import calibrate_verb, padding

    bills = _bills(arguments, compiled)
    chosen, net, machine = bills[arguments.level], _net(arguments, compiled), calibrate_verb.known(arguments.machine)
    sizes = _sizes(arguments, chosen)
    if arguments.json:
        _print_json(
            {**show.as_dictionary(chosen, machine, net, bills), **({"batches": padding.rows(sizes)} if sizes else {})}
        )
    else:
        sys.stdout.write(show.text(chosen, machine, net, bills) + padding.text(sizes))
    return 0


def _sizes(arguments: Namespace, largest: Bill) -> list[Bill]:
    """A bill for each batch size of a bundle, where several are asked for."""
    from ppc.bill.rows import bill
    from ppc.protocol import lowered

    if len(arguments.batches) < 2:
        return []
    smaller = [_compiled(arguments, size) for size in arguments.batches[:-1]]
    return [*(bill(lowered(one, level=arguments.level, field=largest.plan.field).plan) for one in smaller), largest]


def _bills(arguments: Namespace, compiled: Compiled) -> dict[int, Bill]:
    """By level. A level that does not fit the field has no bill; the chosen one then says why."""
    from ppc.bill.rows import bill
    from ppc.protocol import LEVELS, lowered

    found: dict[int, Bill] = {}
    for level in LEVELS:
        try:
            found[level] = bill(lowered(compiled, level=level).plan)
        except PpcError:
            if level == arguments.level:
                raise
    return found


def _net(arguments: Namespace, compiled: Compiled) -> Profile:
    """The command line's network, else the program's, else a local one."""
    from ppc.bill.network import of_program

    return of_program(compiled.policy) if arguments.net is None else arguments.net


# ---- every place where it can be cut ----


def _cuts(arguments: Namespace) -> int:
    from ppc.cli import calibrate_verb, split_facts, split_view

    machine = calibrate_verb.known(arguments.machine)
    path: Path | None = arguments.picture
    if path is not None and path.suffix != ".svg":
        raise fail("PPC509", f"{path} is not .svg.", hint="Name the picture `cuts.svg`.")
    found = split_facts.gathered(arguments, lambda compiled: _net(arguments, compiled), machine)
    if path is not None:
        write_whole(path, split_view.picture(found).encode())
    if arguments.json:
        _print_json(split_view.as_dictionary(found))
        return 0
    sys.stdout.write("".join(f"{line}\n" for line in split_view.lines(found, machine)))
    sys.stdout.write(f"wrote {path}: weights given against bytes that cross\n" if path else "")
    return 0


# ---- the leakage contract ----


def _leak(arguments: Namespace, compiled: Compiled) -> int:
    from ppc.bundling import evaluating
    from ppc.leak import lock, show
    from ppc.leak.contract import contract, with_evaluation
    from ppc.protocol import lowered

    made = lowered(compiled, level=arguments.level)
    now = contract(made.plan, compiled.policy)
    for one in evaluating(compiled.source, made):
        now = with_evaluation(now, contract(one.plan))
    notes = _checked(arguments.check, now, compiled) if arguments.check else []
    if arguments.save:
        write_whole(arguments.save, lock.written(now))
        notes.append(f"wrote {arguments.save}")
    if arguments.json:
        _print_json({**lock.as_dictionary(now), "notes": notes})
    elif notes:
        sys.stdout.write("".join(f"{note}\n" for note in notes))
    else:
        sys.stdout.write(show.text(now))
    return 0


def _checked(path: Path, now: Contract, compiled: Compiled) -> list[str]:
    """What is said of a contract that is kept; one that is not is an error at every line that reveals more."""
    from ppc.leak import lock

    saved = lock.read(path)
    if added := lock.more(now, saved):
        raise lock.refuse(added, path).located(compiled.source)
    less = [f"not revealed any more: {change.text}" for change in lock.more(saved, now)]
    return [f"nothing is revealed beyond {path}", *less]


def _print_json(found: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({"ok": True, **found}, indent=2) + "\n")
