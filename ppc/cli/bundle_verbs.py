"""The verb bundle, and compile where it writes bundles."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppc.bundle import Bundle


def into_folder(arguments: Namespace) -> bool:
    """Whether compile is asked for bundles: no stage is named, and `-o` is a folder or has the name of one.

    `build/` and `build` are; what has an ending is a file, and a device is written to.
    """
    output: str | None = arguments.output
    if output is None or arguments.emit or arguments.after or arguments.print_after_all:
        return False
    path = Path(output)
    device = path.exists() and not path.is_file()
    return output.endswith("/") or path.is_dir() or not (path.suffix or device)


def begun_with(file: Path | None) -> dict[str, Any]:
    """What the compiler has to know of weights that are on shares: their scales and ranges, and the field."""
    if file is None:
        return {}
    from ppc.runtime.checkpoint.left import read

    found = read(file)
    return {"kept": found.wires, "field": found.field_name}


def write_bundles(arguments: Namespace) -> int:
    """Compile a plan for each batch size, and store them for every role; of several data owners, for each pair."""
    from ppc import compiler

    pairs = compiler.pairs_of(arguments.program, model=arguments.model, as_=arguments.as_) if arguments.train else ()
    for name in pairs or (arguments.as_,):
        _write(Namespace(**{**vars(arguments), "as_": name}))
    return 0


def _write(arguments: Namespace) -> None:
    from ppc import bundle, bundling
    from ppc.cli import model_verbs
    from ppc.cli.source_verbs import print_times

    made = bundling.at_batches(
        arguments.program,
        model=arguments.model,
        as_=arguments.as_,
        train=arguments.train,
        batches=arguments.batches,
        level=arguments.level,
        **begun_with(arguments.shares),
    )
    for one in made:
        print_times(arguments, (*one.compiled.steps[1:], *one.graphs, *one.plans))
    known = arguments.weights is not None or arguments.seed is not None
    program = bundling.program(made, model_verbs.owned(arguments) if known else None)
    home = bundle.write(program, Path(arguments.output))
    found = _verified(home)
    if arguments.train and (measured := bundling.evaluating(arguments.program, made[0])):
        _verified(bundle.write(bundling.program(measured), Path(arguments.output)))
    sizes = [plan.batch for plan in program.plans]
    if arguments.json:
        facts = {"model": program.plans[0].name, "private": program.private, "written": str(home)}
        _print_json({**facts, "batches": sizes, "hash": found[0].hash})
    else:
        batches = ", ".join(map(str, sizes))
        sys.stdout.write(f"wrote {home}: {', '.join(program.roles)}; batch {batches}\nschedule {found[0].hash}\n")


def bundle(arguments: Namespace) -> int:
    """Every bundle that is here, verified; with `show`, what is in them."""
    from ppc.bundle import show

    found = _verified(arguments.folder)
    if arguments.json:
        _print_json(show.as_dictionary(found))
    elif arguments.action == "show":
        sys.stdout.write(show.text(found))
    else:
        plans = len(found[0].batches)
        roles = ", ".join(one.role for one in found)
        sys.stdout.write(f"{roles}: whole, {plans} plan(s) checked\nschedule {found[0].hash}\n")
    return 0


def _verified(folder: Path) -> tuple[Bundle, ...]:
    from ppc.bundle import verify
    from ppc.passes.checks.verdict import accepted

    return verify(folder, accepted)


def _print_json(found: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({"ok": True, **found}, indent=2) + "\n")
