"""What a training takes beside what every run does: checkpoints, the order of the examples, an early release."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli.options import positive
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.bundle import Bundle
    from ppc.cli.brought_files import Say
    from ppc.plan.steps import Plan
    from ppc.runtime.roles.brought import Brought
    from ppc.runtime.roles.course import Wishes


def training_of(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("for a training")
    group.add_argument("--checkpoint", type=Path, metavar="FOLDER", help="keep here what a resumed training needs")
    group.add_argument(
        "--every", type=positive, default=100, metavar="N", help="steps or epochs between two checkpoints (100)"
    )
    group.add_argument("--resume", action="store_true", help="go on from the last checkpoint that both parties have")
    group.add_argument(
        "--release",
        action="store_true",
        help="with --resume: give out the model as it is kept, behind PPC656 beyond its bounds",
    )
    group.add_argument(
        "--turn", type=positive, metavar="N", help="of several data owners that train in turn: the pair's epoch N"
    )
    group.add_argument(
        "--order",
        type=_order,
        metavar="drawn | given | N",
        help="of the examples, where the program does not say it: drawn anew for each epoch, as the file has them, or "
        "drawn from a number (drawn)",
    )


def _order(text: str) -> str:
    if text in ("drawn", "given") or text.isdecimal():
        return text
    raise argparse.ArgumentTypeError("must be `drawn`, `given` or a whole number")


def check_left(path: Path | None, bundle: Bundle, turn: int, *, release: bool = False) -> None:
    """Before anything is computed: whether there will be shares, and whether they can have this name. A turn that ends
    with a release hands nothing on: it did not finish, and no other pair goes on."""
    from ppc.runtime.checkpoint.left import ENDING
    from ppc.runtime.roles.course import last_turn

    hands_on = bool(turn) and not last_turn(bundle, turn) and not release
    if path is None:
        if hands_on:
            hint = f"Name a file for this party's half: `--leave FILE{ENDING}`."
            raise fail("PPC509", "Another pair goes on where this turn ends.", hint=hint)
        return
    if not hands_on and (not bundle.training or bundle.released()):
        hint = "`model kept shared` in the train block keeps it on shares."
        if turn and release:
            raise fail("PPC509", "A release ends the training: nothing is handed on.", hint="Leave `--leave` out.")
        raise fail("PPC509", "This program leaves no model on shares.", hint=hint)
    if path.suffix != ENDING or not path.parent.is_dir():
        raise fail("PPC509", f"`{path}` is no name of a file of shares.", hint=f"Write `{path.stem}{ENDING}`.")


def check_model(arguments: Namespace, plan: Plan, say: Say) -> None:
    """Of all roles here: whether the model can have this name. What nobody is given is left in two files of shares."""
    from ppc.plan.kept import released

    path: Path | None = arguments.output
    given = bool(released(plan))
    what, ending = ("weights do", "safetensors") if given else ("shares do, on which this model stays", "shares")
    if path is None:
        if arguments.checkpoint is None:
            say(f"nothing of the model will be kept; `-o FILE.{ending}` keeps it")
        return
    if path.suffix not in ((".safetensors", ".npz") if given else (".shares",)):
        raise fail("PPC509", f"`{path}` does not end as {what}.", hint=f"Write `-o {path.stem}.{ending}`.")
    if not path.parent.is_dir():
        raise fail("PPC509", f"`{path}` cannot be written: its folder is not there.", hint="Make the folder first.")


def chosen(arguments: Namespace) -> list[str]:
    """The same options again, for the processes of the roles."""
    found = ["--every", str(arguments.every), *(["--order", arguments.order] if arguments.order else [])]
    return found + [f"--{name}" for name in ("resume", "release") if getattr(arguments, name)]


def check_options(arguments: Namespace) -> None:
    if (arguments.resume or arguments.release) and arguments.checkpoint is None:
        raise fail("PPC571", "From where the training goes on is not said.", hint="Name it: `--checkpoint FOLDER`.")
    if arguments.release and not (arguments.resume or arguments.turn):
        raise fail("PPC571", "A training that only begins has no model to release.", hint="Add `--resume`.")


def wishes_of(arguments: Namespace, bundle: Bundle, brought: Brought, say: Say) -> Wishes | None:
    """Of a party's training; None where its bundle answers requests."""
    from ppc.cli.brought_files import tests_by
    from ppc.cli.prep_verbs import default_ledger
    from ppc.runtime.checkpoint.folder import Folder, machine_key
    from ppc.runtime.roles.course import Wishes

    check_options(arguments)
    if not bundle.training:
        if arguments.checkpoint is not None:
            raise fail("PPC571", "Only a training has checkpoints.", hint="Leave `--checkpoint` out.")
        return None
    folder = None
    if arguments.checkpoint is not None:
        key = machine_key(arguments.ledger or default_ledger())
        (size,) = bundle.batches
        folder = Folder(arguments.checkpoint, key, bundle.plan(size), bundle.party)
        folder.hold()
    else:
        say("if this training ends early, nothing of it is kept; `--checkpoint FOLDER` keeps it")
    return Wishes(
        bundle=bundle,
        brought=brought,
        tests=tests_by(arguments.test, bundle, say),
        folder=folder,
        every=arguments.every,
        resume=arguments.resume,
        release=arguments.release,
        order=_order_of(arguments.order, bundle),
        turn=turn_of(arguments, bundle),
    )


def turn_of(arguments: Namespace, bundle: Bundle) -> int:
    """Which epoch of this pair, of several data owners that train in turn; 0 where one trains alone."""
    turn: int = arguments.turn or 0
    if bool(turn) != bool(bundle.turns):
        what = "Several data owners train this model in turn." if bundle.turns else "One pair trains this model alone."
        hint = "Say which epoch of this pair it is: `--turn 1`." if bundle.turns else "Leave `--turn` out."
        raise fail("PPC571", what, hint=hint)
    if turn > bundle.manifest.epochs:
        raise fail("PPC571", f"There is no turn {turn}.", hint=f"Every pair has {bundle.manifest.epochs} of them.")
    return turn


def _order_of(asked: str | None, bundle: Bundle) -> str:
    """What the program says, of which nobody changes his end alone; else what is asked for."""
    said = bundle.manifest.training
    orders = {"none": "given", "private": "drawn", "public": str(said.seed if said else 0)}
    found = orders.get(said.order) if said else None
    if found and asked and asked != found:
        hint = "Leave `--order` out, or `shuffle` in the program."
        raise fail("PPC571", "The program says in which order the examples come.", hint=hint)
    return found or asked or "drawn"
