"""The trainer `joint` with several data owners: they train in turn, each as a pair with the owner of the weights.

A turn is an epoch of one pair: a run of its own, with preprocessing of its own. What it leaves on shares the next pair
begins with; the owner of the weights keeps its half, the data owner hands on the other one as a file. On machines of
their own the same turns are `ppc party … --turn N --shares FILE --leave FILE`.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import randbits
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ppc.cli import answers
from ppc.cli.keeping import keeping
from ppc.cli.role_start import ending_on_signals
from ppc.cli.run_verb import JOINT, agreed, given_results, measured_of, pair_of
from ppc.cli.telling import Telling, as_facts, counts_table, from_facts
from ppc.cli.training_options import check_model, chosen
from ppc.errors import fail
from ppc.files import make_folder

if TYPE_CHECKING:
    from ppc.data import Array
    from ppc.protocol import Lowered
    from ppc.runtime.roles.request import Counts

ROLES: tuple[str, ...] = ("client", "server")
SEED_BITS = 62


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One epoch of one pair. `number` counts the turns of all; `kept` is where its checkpoints are."""

    number: int
    epoch: int
    party: str
    home: Path  # the bundle of the pair
    made: Lowered
    folder: Path
    first: bool
    last: bool

    @property
    def kept(self) -> Path:
        return self.folder / f"turn-{self.number:04}-{self.party}"

    def left(self, role: str, number: int | None = None) -> Path:
        """A party's half of the weights behind a turn."""
        return self.folder / f"after-{self.number if number is None else number:04}.{role}.shares"

    @property
    def done(self) -> bool:
        return all(self.left(role).exists() for role in ROLES)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a turn was predicted to send, what it sent, and what was right of the tests behind it, if that is seen."""

    turn: Turn
    predicted: Counts
    measured: Counts
    accuracy: list[float]


def train(arguments: Namespace, pairs: Sequence[str]) -> int:
    """All turns, one after the other; of those that were done before, none."""
    from ppc import bundle, bundling
    from ppc.runtime.roles.public import released_model

    if arguments.trace is not None:
        raise fail("PPC115", "A trace of several turns is not built yet.", hint="Leave `--trace` out.")
    telling = Telling(quiet=arguments.quiet or arguments.json, verbose=arguments.verbose)
    made = [
        bundling.at_batches(arguments.program, model=arguments.model, as_=name, train=True, level=arguments.level)[0]
        for name in pairs
    ]
    data = _data(arguments, [_spoke(one) for one in made])
    check_model(arguments, made[-1].plan, telling.note)
    with ending_on_signals(telling), TemporaryDirectory(prefix="ppc-train-") as name:
        here = Path(name)
        homes = [bundle.write(bundling.program([one]), here / "build") for one in made]
        for one in made:
            if measured := bundling.evaluating(arguments.program, one):
                bundle.write(bundling.program(measured), here / "build")
        seed = randbits(SEED_BITS) if arguments.seed is None else arguments.seed
        with keeping(arguments, here) as folder:
            turns = [*_turns(made, homes, _begun(arguments, folder))]
            results, counts = _all(arguments, turns, data, str(seed), here, telling)
    model = released_model(made[0].plan, results)
    if arguments.output is not None and model:
        answers.save_model(arguments.output, model)
    return _told(arguments, made, results, counts)


def _data(arguments: Namespace, owners: Sequence[str]) -> dict[str, str]:
    """What each data owner learns from."""
    named: dict[str, str] = {}
    for text in arguments.all_data or ():
        owner, sign, what = str(text).partition("=")
        if sign and owner not in owners:
            hint = f"Those of {', '.join(owners)} are learned from."
            raise fail("PPC508", f"`{owner}` has no examples in this program.", hint=hint)
        if sign and owner in named:
            hint = f"Put all examples of `{owner}` into one file."
            raise fail("PPC508", f"The examples of `{owner}` are named twice.", hint=hint)
        named[owner if sign else ""] = what
    if sorted(named) != sorted(owners):
        missing = next((name for name in owners if name not in named), owners[0])
        raise fail(
            "PPC508",
            f"Each of {', '.join(owners)} has examples of its own.",
            hint=f"Name them for each, as in `--data {missing}=FILE.npz`.",
        )
    return named


def _spoke(one: Lowered) -> str:
    return one.compiled.policy.spoke if one.compiled.policy else ""


def _begun(arguments: Namespace, folder: Path) -> Path:
    if not arguments.resume and folder.is_dir() and any(path.is_file() for path in folder.rglob("*")):
        raise fail(
            "PPC574",
            f"`{folder}` has the checkpoints of a training.",
            hint="Go on from them with `--resume`, or name another folder.",
        )
    make_folder(folder)
    return folder


def _turns(made: Sequence[Lowered], homes: Sequence[Path], folder: Path) -> Iterator[Turn]:
    training = made[0].compiled.training
    epochs = training.epochs if training else 1
    for number in range(epochs * len(made)):
        epoch, place = divmod(number, len(made))
        yield Turn(
            number=number + 1,
            epoch=epoch + 1,
            party=_spoke(made[place]),
            home=homes[place],
            made=made[place],
            folder=folder,
            first=number == 0,
            last=number + 1 == epochs * len(made),
        )


def _all(
    arguments: Namespace, turns: Sequence[Turn], data: dict[str, str], seed: str, here: Path, telling: Telling
) -> tuple[dict[str, Array], list[Done]]:
    """Those that are left; with `--release` the model is given out as it is, by the pair whose turn it is."""
    from ppc.cli import embedded

    done = max((turn.number for turn in turns if turn.done), default=0)
    left = [turn for turn in turns if turn.number > done]
    found: list[Done] = []
    results: dict[str, Array] = {}
    for turn in left[:1] if arguments.release else left:
        parties = dict(zip(ROLES, turn.made.plan.parties, strict=True))
        folder = here / f"turn-{turn.number}"
        folder.mkdir()
        options = _options(arguments, turn, data, seed, folder)
        what = f"turn {turn.number} of {len(turns)}: {turn.party}"
        said = embedded.run(turn.home, folder, parties, options, telling, what).done
        results = given_results(folder)
        right = results.pop("accuracy", None)
        found.append(
            Done(
                turn=turn,
                predicted=from_facts(said["server"]["predicted"]),
                measured=measured_of(said),
                accuracy=[] if right is None else right.ravel().tolist(),
            )
        )
        for role in () if _ends(arguments, turn) else ROLES:  # what was handed on has been used
            turn.left(role, turn.number - 1).unlink(missing_ok=True)
    return results, found


def _ends(arguments: Namespace, turn: Turn) -> bool:
    """Whether no pair goes on behind this turn. What it began with stays: the model may be given out again."""
    return turn.last or arguments.release


def _options(arguments: Namespace, turn: Turn, data: dict[str, str], seed: str, folder: Path) -> dict[str, list[str]]:
    """To each role what is its own: its rows, its weights, its half of what the turn before left."""
    from ppc.runtime.roles.brought import brings_weights, wanted_rows

    plan, output = turn.made.plan, pair_of(arguments.output)
    found: dict[str, list[str]] = {"dealer": ["--threads", str(arguments.threads)]}
    for role, name in zip(ROLES, plan.parties, strict=True):
        line = ["--threads", str(arguments.threads), "-o", str(folder / f"{role}.npz"), "--turn", str(turn.epoch)]
        line += [*chosen(arguments), "--checkpoint", str(turn.kept / role)]
        line += ["--shares", str(turn.left(role, turn.number - 1))] if not turn.first else []
        if not _ends(arguments, turn):
            line += ["--leave", str(turn.left(role))]
        elif output:
            line += ["--leave", str(output[role])]
        if wanted_rows(plan, name):
            line += ["--input", data[name]] + (["--test", str(arguments.test)] if arguments.test else [])
        if brings_weights(plan, name):
            line += ["--weights", str(arguments.weights)] if arguments.weights else ["--seed", seed]
        found[role] = line
    return found


def _told(arguments: Namespace, made: Sequence[Lowered], results: dict[str, Array], counts: Sequence[Done]) -> int:
    for one in counts:
        agreed(one.predicted, one.measured)
    if arguments.json:
        turns = [
            {
                "turn": one.turn.number,
                "party": one.turn.party,
                "predicted": as_facts(one.predicted),
                "measured": as_facts(one.measured),
                "accuracy": one.accuracy,
            }
            for one in counts
        ]
        written = [str(path) for path in pair_of(arguments.output).values() or filter(None, [arguments.output])]
        head: dict[str, Any] = {"ok": True, "trainer": "joint", "data": [_spoke(one) for one in made]}
        sys.stdout.write(json.dumps({**head, "same_machine": True, "written": written, "turns": turns}) + "\n")
        return 0
    sys.stdout.write("".join(f"{line}\n" for line in answers.shown(results)))
    if not arguments.quiet:
        for one in counts:
            right = "".join(f", accuracy {value:.4f}" for value in one.accuracy)
            lines = counts_table(one.turn.made.plan.parties, one.predicted, one.measured)
            sys.stdout.write("\n".join([f"\nturn {one.turn.number}, {one.turn.party}{right}", *lines]) + "\n")
        sys.stdout.write(f"\n{JOINT}\n")
    return 0
