"""The verb train: hands a program to the trainer that its train block names. A trainer lives in a module of its own.

A row of `TRAINERS` is a trainer: what it adds to the command line, which options of others it has no use for, and what
carries out the training. It is given the command line as it was written, compiles the program itself, and returns the
exit code.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ppc.cli import train_clear, train_collaborative, train_distilled, train_joint, train_selective
from ppc.cli.unused import APART, CLEAR, DEALT, DISTILLED, MANY, ORDER, PAIRS, VOTES, check_unused
from ppc.errors import fail
from ppc.files import check_folder, check_writable


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """`options` adds its own, if it has some; `hints` say what to do in place of some that it has no use for."""

    train: Callable[[Namespace], int]
    options: Callable[[ArgumentParser], None] | None = None
    unused: tuple[str, ...]
    hints: Mapping[str, str] = field(default_factory=dict[str, str])


ALONE = "All roles run here; on machines of their own they are `ppc party` and `ppc deal`, of `ppc compile --train`."
TURN = "All turns are carried out here; `--turn` is an option of `ppc party`."
HELD_OUT = "It is measured on examples that it holds out: `--holdout P`."
# Nothing of these is counted in steps: they keep a checkpoint a round or an epoch.
BY_MANY = (*CLEAR, *PAIRS, *ORDER, *DISTILLED, "--every")
TRAINERS: dict[str, Trainer] = {
    "clear": Trainer(
        train=train_clear.train,
        options=train_clear.options,
        unused=(*PAIRS, *MANY, *DISTILLED, "--test"),
        hints={"--test": HELD_OUT},
    ),
    "collaborative": Trainer(train=train_collaborative.train, unused=BY_MANY),
    "distilled": Trainer(
        train=train_distilled.train, options=train_distilled.options, unused=(*CLEAR, *PAIRS, *ORDER, *MANY)
    ),
    "joint": Trainer(
        train=train_joint.train,
        options=train_joint.options,
        unused=(*CLEAR, *MANY, *DISTILLED, "--turn"),
        hints={**dict.fromkeys(("--be", *APART), ALONE), "--turn": TURN},
    ),
    "selective": Trainer(
        train=train_selective.train, options=train_selective.options, unused=(*BY_MANY, *VOTES, *DEALT)
    ),
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
    trainer = TRAINERS[training.by]
    check_unused(arguments, trainer.unused, f"A training by `{training.by}`", trainer.hints)
    _check_role(arguments)
    _check_places(arguments)
    return trainer.train(arguments)


def _check_role(arguments: Namespace) -> None:
    """Where all roles run here, nothing is said of one of them, and the other way around."""
    if arguments.be is None:
        hints = dict.fromkeys(APART, "Say which role runs here: `--be`; without it all of them do.")
        check_unused(arguments, APART, "A training with all roles here", hints)
    elif not arguments.embedded:
        hint = {"--each": "All of its own `--data` are learned from."}
        check_unused(arguments, ("--each",), "A role alone", hint)
