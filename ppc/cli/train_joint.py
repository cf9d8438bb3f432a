"""The trainer `joint`: client, server and dealer as three processes of this machine, over TLS.

On machines of their own the same roles are `ppc party` and `ppc deal`, with the bundles of `ppc compile --train`.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from secrets import randbits
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ppc.cli import answers
from ppc.cli.keeping import keeping
from ppc.cli.options import level_of, positive
from ppc.cli.role_start import ending_on_signals
from ppc.cli.run_verb import JOINT, agreed, given_results, measured_of, pair_of, write_trace
from ppc.cli.telling import Telling, as_facts, counts_table, from_facts
from ppc.cli.training_options import check_model, check_options, chosen, training_of
from ppc.errors import fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ppc.data import Array
    from ppc.protocol import Lowered

SEED_BITS = 62


def options(verb: ArgumentParser) -> None:
    """What this trainer adds to the command line."""
    training_of(verb)
    level_of(verb)
    verb.add_argument("--trace", type=Path, metavar="FILE.json", help="when what was done, for Perfetto")
    verb.add_argument("--threads", type=positive, default=1, metavar="N", help="of each role, for computing (1)")


def train(arguments: Namespace) -> int:
    """Train on shares, all roles on this machine."""
    from ppc import bundle, bundling, compiler
    from ppc.cli import embedded, train_hub
    from ppc.runtime.roles.public import released_model

    _check(arguments)
    if pairs := compiler.pairs_of(arguments.program, model=arguments.model, as_=arguments.as_):
        return train_hub.train(arguments, pairs)
    telling = Telling(quiet=arguments.quiet or arguments.json, verbose=arguments.verbose)
    made = bundling.at_batches(
        arguments.program, model=arguments.model, as_=arguments.as_, train=True, level=arguments.level
    )
    lowered = made[0]
    measured = bundling.evaluating(arguments.program, lowered)
    check_model(arguments, lowered.plan, telling.note)
    with ending_on_signals(telling), TemporaryDirectory(prefix="ppc-train-") as name:
        folder = Path(name)
        home = bundle.write(bundling.program(made), folder / "build")
        if measured:
            bundle.write(bundling.program(measured), folder / "build")
        client, server = lowered.plan.parties
        parties = {"client": client, "server": server}
        with keeping(arguments, folder) as kept:
            options = _options(arguments, lowered, folder, kept)
            roles = embedded.run(home, folder, parties, options, telling, "training")
        results = given_results(folder)
        if arguments.trace is not None:
            write_trace(arguments.trace, folder, parties)
    model = released_model(lowered.plan, results)
    if arguments.output is not None and model:
        answers.save_model(arguments.output, model)
    return _told(arguments, lowered, measured, results, roles.done)


def _check(arguments: Namespace) -> None:
    check_options(arguments)
    if arguments.data is None:
        raise fail("PPC508", "There is nothing to learn from.", hint="Name the examples: `--data FILE.npz`.")


def _options(arguments: Namespace, lowered: Lowered, folder: Path, kept: Path) -> dict[str, list[str]]:
    """To each role what is its own, and where its results go."""
    from ppc.runtime.roles.brought import brings_weights, wanted_rows

    plan = lowered.plan
    names = {"client": plan.parties[0], "server": plan.parties[1], "dealer": ""}
    seed = randbits(SEED_BITS) if arguments.seed is None else arguments.seed
    found: dict[str, list[str]] = {}
    for role, name in names.items():
        line = ["--threads", str(arguments.threads)]
        if role != "dealer":
            line += ["-o", str(folder / f"{role}.npz"), *chosen(arguments), "--checkpoint", str(kept / role)]
            if pair := pair_of(arguments.output):
                line += ["--leave", str(pair[role])]
            if wanted_rows(plan, name):
                line += ["--input", str(arguments.data)]
                line += ["--test", str(arguments.test)] if arguments.test else []
        if brings_weights(plan, name):
            line += ["--weights", str(arguments.weights)] if arguments.weights else ["--seed", str(seed)]
        found[role] = line + (["--traced", str(folder / f"{role}.spans.json")] if arguments.trace else [])
    return found


def _told(
    arguments: Namespace,
    lowered: Lowered,
    measured_by: Sequence[Lowered],
    results: dict[str, Array],
    done: dict[str, Any],
) -> int:
    plan, found = lowered.plan, _learned(lowered, measured_by)
    predicted, measured = from_facts(done["server"]["predicted"]), measured_of(done)
    facts = {"predicted": as_facts(predicted), "measured": as_facts(measured), "learned": found}
    if arguments.json:
        pair = pair_of(arguments.output)
        written = [str(path) for path in pair.values() or filter(None, [arguments.output])]
        head = {"ok": True, "trainer": "joint", "parties": list(plan.parties), "same_machine": True}
        took: dict[str, Any] = {
            "seconds": {role: done[role]["seconds"] for role in ("client", "server")},
            "memory": {role: done[role]["memory"] for role in done},
            "held": done["dealer"]["held"],
            **{name: results[name].tolist() if name in results else [] for name in ("accuracy", "loss")},
        }
        sys.stdout.write(json.dumps({**head, "written": written, **facts, **took}) + "\n")
        return agreed(predicted, measured)
    sys.stdout.write("".join(f"{line}\n" for line in answers.shown(results)))
    if not arguments.quiet:
        lines = ["", *counts_table(plan.parties, predicted, measured), ""]
        for party, rows in found.items():
            lines += [f"{party} learned", *(f"  {row}" for row in rows or ["nothing"])]
        sys.stdout.write("\n".join([*lines, "", JOINT]) + "\n")
    return agreed(predicted, measured)


def _learned(lowered: Lowered, measured: Sequence[Lowered]) -> dict[str, list[str]]:
    """By party; with what its evaluations open."""
    from ppc.leak import show
    from ppc.leak.contract import contract, with_evaluation

    made = contract(lowered.plan, lowered.compiled.policy)
    for one in measured:
        made = with_evaluation(made, contract(one.plan))
    return {party: show.learned(made, party) for party in lowered.plan.parties}
