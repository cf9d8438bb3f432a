"""The verb train: hands a program to the trainer that its train block names. A trainer lives in a module of its own.

A row of `TRAINERS` is a trainer: what it adds to the command line, and what carries out the training. It is given the
command line as it was written, compiles the program itself, and returns the exit code.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from ppc.cli import train_clear, train_collaborative, train_distilled, train_joint, train_selective
from ppc.cli.unused import DISTILLED, check_unused
from ppc.errors import fail
from ppc.files import check_folder, check_writable


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """`options` adds a trainer's own options, if it has some."""

    train: Callable[[Namespace], int]
    options: Callable[[ArgumentParser], None] | None = None


TRAINERS: dict[str, Trainer] = {
    "clear": Trainer(train=train_clear.train, options=train_clear.options),
    "collaborative": Trainer(train=train_collaborative.train),
    "distilled": Trainer(train=train_distilled.train, options=train_distilled.options),
    "joint": Trainer(train=train_joint.train, options=train_joint.options),
    "selective": Trainer(train=train_selective.train, options=train_selective.options),
}


def _check_places(arguments: Namespace) -> None:
    """Before hours of work: whether what comes of it can be written."""
    for path in (arguments.output, arguments.sheet, arguments.labels, arguments.trace):
        if path is not None:
            check_writable(path)
    if arguments.checkpoint is not None:
        check_folder(arguments.checkpoint)


def train(arguments: Namespace) -> int:
    """Train a model as its train block says."""
    from ppc.compiler import training_of
    from ppc.ir.policy import Training

    training = training_of(arguments.program, model=arguments.model, as_=arguments.as_)
    if len(arguments.all_data or ()) > 1 and not (isinstance(training, Training) and training.turns):
        hint = "Name one `--data`; several data owners stand in the program, as `data from NAME, NAME`."
        raise fail("PPC508", "One party's examples are learned from.", hint=hint)
    if training.by != "distilled":
        check_unused(arguments, DISTILLED, f"A training by `{training.by}`")
    _check_places(arguments)
    return TRAINERS[training.by].train(arguments)
