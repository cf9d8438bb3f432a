"""The trainer `distilled`: learns the samples on the owner's machine, measures their lock, and packs them.

The device's side is `ppc party device`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from secrets import randbits
from typing import TYPE_CHECKING

from ppc.cli.counting import counting
from ppc.cli.distilled_data import Given, given
from ppc.cli.telling import Telling
from ppc.cli.told_distilled import Built, as_json, told, unmet
from ppc.cli.training_options import check_options
from ppc.cli.unused import named
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.compiler import Checked
    from ppc.distilled import Key, Package, Samples, Target
    from ppc.distilling import Learner, Task
    from ppc.distilling.attackers import Guessed
    from ppc.ir.distilled import Distilled


def options(verb: ArgumentParser) -> None:
    """What this trainer adds to the command line; checkpoints are options that trainers share."""
    group = verb.add_argument_group("for `distilled`")
    group.add_argument("--key", type=Path, metavar="FILE", help="of `ppc key new` (what the program says)")
    group.add_argument("--bare", action="store_true", help="do not encrypt the package: everybody can read the samples")
    group.add_argument("--sheet", type=Path, metavar="FILE.svg", help="a picture of the samples with their labels")


def train(arguments: Namespace) -> int:
    """Learn, measure, and write the package if all that the program requires holds."""
    from ppc.cli import exit_code
    from ppc.compiler import check

    _check(arguments)
    checked = check(arguments.program)
    telling = Telling(quiet=arguments.quiet or arguments.json, verbose=arguments.verbose)
    if arguments.output is None:
        telling.note("no package will be written: `-o model.secdd` names one")
    try:
        task, found, key = _task(arguments, checked, telling)
        built = _built(arguments, _learned(arguments, task, telling), found, key, telling)
        mistakes = tuple(unmet(built))
        failed = PpcError(*mistakes).located(checked.source) if mistakes else None
        if failed and arguments.json:
            sys.stdout.write(as_json(built, arguments.output, failed))
            return exit_code(failed)
        sys.stdout.write(as_json(built, arguments.output) if arguments.json else told(built, quiet=arguments.quiet))
        if failed:
            raise failed
    except PpcError as error:
        raise error.located(checked.source) from None
    for line in _written(arguments, built):
        sys.stdout.write("" if telling.quiet else f"{line}\n")
    return 0


def _written(arguments: Namespace, built: Built) -> Iterator[str]:
    """Write the package and the sheet, and say so."""
    from ppc.distilled.sheet import sheet
    from ppc.files import write_whole

    if arguments.output is not None:
        write_whole(arguments.output, built.package)
        if built.bare:  # also to who wants few words
            sys.stderr.write("note: the samples of this package are readable by everybody (--bare)\n")
    if arguments.sheet is not None:
        name = built.lock.task.target.graph.name
        write_whole(arguments.sheet, sheet(built.lock.samples, name=name).encode())
        yield f"wrote {arguments.sheet}: it shows to everybody what the encryption of a package hides"
    yield f"wrote {arguments.output}" if arguments.output is not None else "no package was written: there was no `-o`"


def _check(arguments: Namespace) -> None:
    check_options(arguments)
    if arguments.checkpoint is None and any(named(word, "--every") for word in arguments.words):
        raise fail("PPC571", "There are no checkpoints to be apart.", hint="Name a folder: `--checkpoint FOLDER`.")
    if arguments.data is None:
        raise fail("PPC508", "There is nothing to learn from.", hint="Name the examples: `--data DATA`.")
    if arguments.weights is not None:
        raise fail("PPC508", "The first weights come from the key.", hint="Leave `--weights` out.")
    for path, ending in ((arguments.output, ".secdd"), (arguments.sheet, ".svg")):
        if path is not None and (path.suffix != ending or not path.parent.is_dir()):
            hint = f"Write `{path.stem}{ending}`, in a folder that is there."
            raise fail("PPC509", f"`{path}` does not end in {ending}, or its folder is not there.", hint=hint)


def _task(arguments: Namespace, checked: Checked, telling: Telling) -> tuple[Task, Given, Key]:
    """What is distilled, the data, and the key."""
    from ppc.compiler import compile_program
    from ppc.distilled import Target, secret
    from ppc.distilling import Task
    from ppc.ir.distilled import Distilled

    graph = compile_program(checked.source, model=arguments.model).after("source")
    facts = checked.resolved.lessons[graph.name]
    assert isinstance(facts, Distilled)
    key = secret.read(arguments.key or arguments.program.parent / facts.key)
    target = Target(graph, facts.loss, facts.spread)
    _check_measurable(facts, target)
    if any(node.op == "dropout" for node in graph.nodes):
        telling.note("dropout drops nothing in the steps of a device, and so in none of the owner's")
    found = given(arguments, target, facts, telling)
    task = Task.of(facts, target, key, found.learned, brought=found.brought, seed=arguments.seed or 0)
    return task, found, key


def _check_measurable(facts: Distilled, target: Target) -> None:
    """Is there anything to measure what is required on?"""
    from ppc.distilling.shapes import others

    required = [one for one in facts.requirements if one.measure == "other_shape"]
    if required and not any(True for _ in others(target)):
        message = f"`{required[0].measure}` cannot be measured: no layer can be widened, added or left out."
        hint = "Leave this `require` out, or give the model another layer."
        raise fail("PPC595", message, span=required[0].span, hint=hint)


def _learned(arguments: Namespace, task: Task, telling: Telling) -> Learner:
    """Epoch after epoch, with checkpoints where they are asked for."""
    from ppc.distilling import Learner, checkpoint

    folder: Path | None = arguments.checkpoint
    if folder and not arguments.resume:
        checkpoint.check_new(folder, task)
    learner = checkpoint.go_on(folder, task) if folder and arguments.resume else Learner(task)
    if learner.epochs:
        telling.say(f"goes on after epoch {learner.epochs}")
    with counting(telling, "learning", task.facts.epochs) as count:
        while not learner.done:
            loss = learner.epoch()
            count(learner.epochs, f"loss {loss:.3f}")
            if folder and (learner.epochs % arguments.every == 0 or learner.done):
                checkpoint.keep(folder, learner)
    return learner


def _built(arguments: Namespace, learner: Learner, found: Given, key: Key, telling: Telling) -> Built:
    """The package, and the table of its lock."""
    from ppc.distilled import pack
    from ppc.distilling import Lock

    task = learner.task
    lock = Lock(task=task, learned=learner.samples(), test=found.test)
    data = pack(_package(lock.samples, key, task.target), key, bare=arguments.bare)
    _check_accepted(data, task, key)
    telling.say("measures the lock")
    rows = tuple(lock.rows())
    return Built(
        facts=task.facts,
        key=key.name,
        lock=lock,
        seen=found.seen,
        rows=rows,
        guessed=_guessed(lock.samples, task.target, bare=arguments.bare),
        package=data,
        bare=arguments.bare,
    )


def _package(samples: Samples, key: Key, target: Target) -> Package:
    """Samples, bound to a network and to the first weights that a key makes of it."""
    from ppc.distilled import Package, fingerprint, first_weights, tag

    return Package(
        samples=samples,
        loss=target.loss,
        spread=float(target.spread),
        target=tag(key, target.architecture),
        start=fingerprint(first_weights(key, target).values()),
    )


def _guessed(samples: Samples, target: Target, *, bare: bool) -> Guessed:
    """The positive control: the same samples in a package under a key of a few bits, which is searched for."""
    from ppc.distilled import pack
    from ppc.distilling import attackers

    key = attackers.short_key(randbits(attackers.GUESSED_BITS))
    return attackers.cracked(pack(_package(samples, key, target), key, bare=bare), target.graph)


def _check_accepted(data: bytes, task: Task, key: Key) -> None:
    """Open it as a device does: a step size of 0, or more than a package holds, would be refused only there."""
    from ppc.distilled import device

    try:
        device.opened(data, key, task.target.graph)
    except PpcError as error:
        why = error.diagnostics[0].message.removesuffix(".")
        hint = "Take a smaller `rate`, fewer `samples`, or other `steps`."
        raise fail("PPC597", f"A device would refuse the package that was learned ({why}).", hint=hint) from None
