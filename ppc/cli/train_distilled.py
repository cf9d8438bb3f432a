"""The trainer `distilled`: learns the samples on the owner's machine, measures their lock, and packs them.

The device's side is `ppc party device`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from secrets import randbits
from typing import TYPE_CHECKING

from ppc.cli.counting import counting
from ppc.cli.device_verb import labelled
from ppc.cli.telling import Telling
from ppc.cli.told_distilled import Built, as_json, told, unmet
from ppc.cli.training_options import check_options
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.compiler import Checked
    from ppc.distilled import Floats, Key, Target
    from ppc.distilling import Data, Learner, Task
    from ppc.ir.distilled import Distilled

HELD = 5  # one example of so many is held out, where none are brought to measure on


def options(verb: ArgumentParser) -> None:
    """What this trainer adds to the command line; checkpoints are options that trainers share."""
    group = verb.add_argument_group("for `distilled`")
    group.add_argument("--key", type=Path, metavar="FILE", help="of `ppc key new` (what the program says)")
    group.add_argument("--bare", action="store_true", help="do not encrypt the package: everybody can read the samples")
    group.add_argument("--sheet", type=Path, metavar="FILE.svg", help="a picture of the samples with their labels")


def train(arguments: Namespace) -> int:
    """Learn, measure, and write the package if all that the program requires holds."""
    from ppc.compiler import check
    from ppc.files import write_whole

    _check(arguments)
    checked = check(arguments.program)
    telling = Telling(quiet=arguments.quiet or arguments.json, verbose=arguments.verbose)
    try:
        task, test, key = _task(arguments, checked, telling)
        built = _built(arguments, _learned(arguments, task, telling), test, key, telling)
        sys.stdout.write(as_json(built, arguments.output) if arguments.json else told(built, quiet=arguments.quiet))
        if mistakes := tuple(unmet(built)):
            raise PpcError(*mistakes)
    except PpcError as error:
        raise error.located(checked.source) from None
    if arguments.output is not None:
        write_whole(arguments.output, built.package)
        telling.say(f"wrote {arguments.output}")
        if built.bare:  # also to who wants few words
            sys.stderr.write("note: the samples of this package are readable by everybody (--bare)\n")
    if arguments.sheet is not None:
        from ppc.distilled.sheet import sheet

        write_whole(arguments.sheet, sheet(built.lock.samples, name=task.target.graph.name).encode())
        telling.say(f"wrote {arguments.sheet}; it shows what the encryption of a package hides")
    return 0


def _check(arguments: Namespace) -> None:
    check_options(arguments)
    if arguments.data is None:
        raise fail("PPC508", "There is nothing to learn from.", hint="Name the examples: `--data DATA`.")
    if arguments.weights is not None:
        raise fail("PPC508", "The first weights come from the key.", hint="Leave `--weights` out.")
    for path, ending in ((arguments.output, ".secdd"), (arguments.sheet, ".svg")):
        if path is not None and (path.suffix != ending or not path.parent.is_dir()):
            hint = f"Write `{path.stem}{ending}`, in a folder that is there."
            raise fail("PPC509", f"`{path}` does not end in {ending}, or its folder is not there.", hint=hint)


def _task(arguments: Namespace, checked: Checked, telling: Telling) -> tuple[Task, Data, Key]:
    """What is distilled, what it is measured on, and the key."""
    from ppc.compiler import compile_program
    from ppc.distilled import Target, secret
    from ppc.distilling import Task
    from ppc.ir.distilled import Distilled

    graph = compile_program(checked.source, model=arguments.model).after("source")
    facts = checked.resolved.lessons[graph.name]
    assert isinstance(facts, Distilled)
    beside = arguments.program.parent
    key = secret.read(arguments.key or beside / facts.key)
    target = Target(graph, facts.loss, facts.spread)
    _check_measurable(facts, target)
    data, test = _data(arguments, target, telling)
    brought = _brought(beside / facts.images.file, target, facts, telling) if facts.images.file else None
    return Task.of(facts, target, key, data, brought=brought, seed=arguments.seed or 0), test, key


def _check_measurable(facts: Distilled, target: Target) -> None:
    """Is there anything to measure what is required on?"""
    from ppc.distilling.shapes import others

    required = [one for one in facts.requirements if one.measure == "other_shape"]
    if required and not any(True for _ in others(target)):
        message = f"`{required[0].measure}` cannot be measured: no layer can be widened, added or left out."
        hint = "Leave this `require` out, or give the model another layer."
        raise fail("PPC595", message, span=required[0].span, hint=hint)


def _data(arguments: Namespace, target: Target, telling: Telling) -> tuple[Data, Data]:
    """What is learned from, and what is measured on: brought, or one of so many held out."""
    import numpy as np

    from ppc.distilling import Data

    images, labels = labelled(arguments.data, target, telling.note)
    if arguments.test is not None:
        return Data.of(images, labels), Data.of(*labelled(arguments.test, target, telling.note))
    held = np.arange(len(images)) % HELD == HELD - 1
    if not held.any():
        raise fail("PPC508", f"{len(images)} examples are too few to hold some out.", hint="Name some: `--test DATA`.")
    telling.note(f"every {HELD}th example is held out, to measure on: {int(held.sum()):,} of {len(images):,}")
    return Data.of(images[~held], labels[~held]), Data.of(images[held], labels[held])


def _brought(path: Path, target: Target, facts: Distilled, telling: Telling) -> Floats:
    """The images of another data set, at least as many as there are samples."""
    from ppc.data import Expected, load_rows
    from ppc.reference import outside

    wanted = Expected(name=target.data.name, shape=target.image, span=target.data.span)
    found = load_rows(path, (wanted,), say=telling.note)[wanted.name]
    unbounded = target.typed(1)[wanted.name]  # each image is scaled by its own mean and deviation
    if mistakes := tuple(outside(unbounded, found)):
        raise PpcError(*mistakes)
    if len(found) < facts.samples:
        message = f"{path} has {len(found)} images; {facts.samples} samples are asked for."
        raise fail("PPC596", message, span=facts.span, hint="Bring more images, or ask for fewer samples.")
    return found


def _learned(arguments: Namespace, task: Task, telling: Telling) -> Learner:
    """Epoch after epoch, with checkpoints where they are asked for."""
    from ppc.distilling import Learner, checkpoint

    folder: Path | None = arguments.checkpoint
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


def _built(arguments: Namespace, learner: Learner, test: Data, key: Key, telling: Telling) -> Built:
    """The package, and the table of its lock."""
    from ppc.distilled import Package, fingerprint, pack, tag
    from ppc.distilling import Lock, attackers

    task = learner.task
    lock = Lock(task=task, learned=learner.samples(), test=test)
    package = Package(
        samples=lock.samples,
        loss=task.facts.loss,
        spread=float(task.facts.spread),
        target=tag(key, task.target.architecture),
        start=fingerprint(values.numpy() for values in task.start.values()),
    )
    data = pack(package, key, bare=arguments.bare)
    _check_accepted(data, task, key)
    telling.say("measures the lock")
    rows = tuple(lock.rows())
    return Built(
        facts=task.facts,
        key=key.name,
        lock=lock,
        rows=rows,
        guessed=attackers.search(attackers.short_key(randbits(attackers.GUESSED_BITS)).name),
        package=data,
        bare=arguments.bare,
    )


def _check_accepted(data: bytes, task: Task, key: Key) -> None:
    """Open it as a device does: a step size of 0, or more than a package holds, would be refused only there."""
    from ppc.distilled import device

    try:
        device.opened(data, key, task.target.graph)
    except PpcError as error:
        why = error.diagnostics[0].message.removesuffix(".")
        hint = "Take a smaller `rate`, fewer `samples`, or other `steps`."
        raise fail("PPC597", f"A device would refuse the package that was learned ({why}).", hint=hint) from None
