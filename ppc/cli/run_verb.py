"""The verb run: a program on this machine, in the clear, as the twin of a joint run, or jointly by three processes."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ppc.cli import answers, demonstration, model_verbs
from ppc.cli.bundle_verbs import begun_with
from ppc.cli.role_start import ending_on_signals
from ppc.cli.telling import Telling, as_facts, counts_table, from_facts
from ppc.errors import InternalError, fail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ppc import compiler
    from ppc.cli.demonstration import Demonstration
    from ppc.data import Array
    from ppc.protocol import Lowered
    from ppc.runtime.roles.request import Counts

LARGEST = 128  # examples at a time, where the user names no batch
CLEAR = "Evaluated in the clear on this machine: nothing here was private."
TWIN = "The same integers as a joint run, without shares and on this machine: nothing here was private."
TWO = (
    "Client and server both ran on this machine, in two processes over TLS: whoever owns it sees everything, so "
    "nothing was hidden from them."
)
JOINT = (
    "Client, server and dealer all ran on this machine, in three processes over TLS: whoever owns it sees everything, "
    "so nothing was hidden from them."
)


def run(arguments: Namespace) -> int:
    """Evaluate a model on some inputs."""
    from ppc import compiler

    answers.check_output(arguments.output)
    shown = demonstration.of(arguments)
    arguments = demonstration.completed(arguments, shown)
    chosen = {"model": arguments.model, "as_": arguments.as_}
    one = compiler.compile_program(arguments.program, batch=shown.examples if shown else None, **chosen)
    _check_weights(arguments)
    apart = one.policy is not None and (one.policy.joint or one.policy.server_clear)
    mode = arguments.mode or ("joint" if apart else "clear")
    inputs = _inputs(arguments, one, mode)
    examples = max(1, max((len(array) for array in inputs.values()), default=1))
    if mode == "joint":
        return _joint(arguments, examples, inputs, shown)
    compiled = compiler.compile_program(arguments.program, batch=examples, **chosen)
    results = _twin(arguments, compiled, inputs) if mode == "twin" else model_verbs.clear(arguments, compiled, inputs)
    if arguments.output is not None:
        answers.save(arguments.output, results)
    if arguments.json:
        facts = {"ok": True, "mode": mode, "result": results["result"].tolist(), "drawn": shown.drawn if shown else []}
        sys.stdout.write(json.dumps(facts) + "\n")
        return 0
    sys.stdout.write("".join(f"{line}\n" for line in answers.shown(results)))
    if not arguments.quiet:
        sys.stdout.write(_last(shown, CLEAR if mode == "clear" else TWIN))
    return 0


def _inputs(arguments: Namespace, one: compiler.Compiled, mode: str) -> dict[str, Array]:
    from ppc import data

    with model_verbs.pointing_into(one.source):
        if arguments.input is None:
            return demonstration.inputs(one.graph)
        # in a joint run the owners say how they read their files
        telling = Telling(quiet=arguments.quiet or arguments.json or mode == "joint")
        return data.load_inputs(arguments.input, one.graph, first=arguments.examples, say=telling.note)


def _last(shown: Demonstration | None, said: str) -> str:
    """What has to be known of an answer."""
    return f"{said}\n{shown}\n" if shown else f"{said}\n"


def _twin(arguments: Namespace, compiled: compiler.Compiled, inputs: dict[str, Array]) -> dict[str, Array]:
    from ppc.diff.beside import twin_results
    from ppc.protocol import lowered

    values = model_verbs.clear_values(arguments, compiled, inputs)
    with model_verbs.pointing_into(compiled.source):
        return twin_results(lowered(compiled, level=arguments.level).plan, values)


# ---- jointly ----


def _joint(arguments: Namespace, examples: int, inputs: dict[str, Array], shown: Demonstration | None) -> int:
    from ppc import bundle, bundling
    from ppc.cli import embedded

    telling = Telling(quiet=arguments.quiet or arguments.json, verbose=arguments.verbose)
    pair = pair_of(arguments.shares)
    made = bundling.at_batches(
        arguments.program,
        model=arguments.model,
        as_=arguments.as_,
        batches=arguments.batches or _sizes(examples),
        level=arguments.level,
        **begun_with(pair.get("client")),
    )
    with ending_on_signals(telling), TemporaryDirectory(prefix="ppc-run-") as name:
        folder = Path(name)
        given = demonstration.kept(folder, inputs) if shown else arguments.input
        home = bundle.write(bundling.program(made, model_verbs.owned(arguments)), folder / "build")
        client, server = made[0].plan.parties
        parties: dict[str, str] = {"client": client, "server": server}
        roles = embedded.run(home, folder, parties, _options(arguments, made[0], folder, given, pair), telling)
        results = given_results(folder)
        if arguments.trace is not None:
            write_trace(arguments.trace, folder, parties)
    if arguments.output is not None:
        answers.save(arguments.output, results)
    return _told(arguments, made, examples, results, roles.done, shown)


def _sizes(examples: int) -> tuple[int, ...]:
    """Whole batches and what is left, so that nothing is padded."""
    if examples <= LARGEST:
        return (examples,)
    return tuple(sorted({LARGEST, examples % LARGEST or LARGEST}))


def _options(
    arguments: Namespace, lowered: Lowered, folder: Path, given: Path, pair: Mapping[str, Path]
) -> dict[str, list[str]]:
    """To each role what is its own, and where its results go."""
    from ppc.runtime.roles.brought import brings_weights, wanted_rows

    plan = lowered.plan
    names = {"client": plan.parties[0], "server": plan.parties[1], "dealer": ""}
    found: dict[str, list[str]] = {}
    for role, name in names.items():
        options = ["--threads", str(arguments.threads)]
        if role != "dealer":
            options += ["-o", str(folder / f"{role}.npz")]
        if role != "dealer" and wanted_rows(plan, name):
            options += ["--input", str(given)]
            options += ["--examples", str(arguments.examples)] if arguments.examples else []
        if role == "client" and arguments.signals:
            options += ["--signals", arguments.signals]
        if role in pair:
            options += ["--shares", str(pair[role])]
        if brings_weights(plan, name):
            options += ["--weights", str(arguments.weights)] if arguments.weights else ["--seed", str(arguments.seed)]
        if arguments.trace is not None:
            options += ["--traced", str(folder / f"{role}.spans.json")]
        found[role] = options
    return found


def _check_weights(arguments: Namespace) -> None:
    """Whether it is said whence the weights come."""
    if arguments.shares is None and arguments.weights is None and arguments.seed is None:
        hint = "Name them: `--weights FILE`, `--shares FILE.shares`, or for a try `--seed 1`."
        raise fail("PPC501", "Whence the weights come is not said.", hint=hint)
    if arguments.shares is not None:
        _check_shares(arguments)


def _check_shares(arguments: Namespace) -> None:
    """Whether they are named as two files are, and are all that is named."""
    from ppc.runtime.checkpoint.left import ENDING

    path: Path = arguments.shares
    if arguments.weights is not None or arguments.seed is not None:
        hint = "Leave `--weights` and `--seed` out, or `--shares`."
        raise fail("PPC508", "The weights are on shares, and others are named too.", hint=hint)
    if path.suffix != ENDING:
        hint = f"A training leaves two with such names: `--shares {path.stem}{ENDING}` takes both."
        raise fail("PPC578", f"`{path}` is no name of files of shares.", hint=hint)
    if path.stem.endswith((".client", ".server")):
        both = path.with_name(Path(path.stem).stem + path.suffix)
        hint = f"Name both files together: `--shares {both}`."
        raise fail("PPC578", f"`{path}` is one party's file of two.", hint=hint)
    if arguments.mode not in (None, "joint"):
        raise fail("PPC578", "Weights on shares are used by both parties together only.", hint="Leave `--mode` out.")


def pair_of(path: Path | None) -> dict[str, Path]:
    """The two files of a model on shares: `NAME.shares` stands for `NAME.client.shares` and `NAME.server.shares`."""
    from ppc.runtime.checkpoint.left import ENDING

    if path is None or path.suffix != ENDING:
        return {}
    return {role: path.with_suffix(f".{role}{ENDING}") for role in ("client", "server")}


def given_results(folder: Path) -> dict[str, Array]:
    """What the parties were given, theirs together."""
    import numpy as np

    found: dict[str, Array] = {}
    for role in ("client", "server"):
        path = folder / f"{role}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as held:
                found.update({name: held[name] for name in held.files})
    return found


def write_trace(path: Path, folder: Path, parties: dict[str, str]) -> None:
    from ppc.files import write_whole
    from ppc.runtime.roles.trace import events

    made: list[dict[str, Any]] = []
    for number, role in enumerate(("client", "server", "dealer")):
        spans = json.loads((folder / f"{role}.spans.json").read_text())
        name = f"{parties.get(role, role)} ({role})" if role in parties else role
        made += events(name, number, [span for one in spans.values() for span in one])
    write_whole(path, json.dumps({"traceEvents": made, "displayTimeUnit": "ms"}).encode())


def _told(
    arguments: Namespace,
    made: Sequence[Lowered],
    examples: int,
    results: dict[str, Array],
    done: dict[str, Any],
    shown: Demonstration | None,
) -> int:
    plan = made[0].plan
    predicted = from_facts(done["server"]["predicted"])
    measured = measured_of(done)
    found = learned(made[0])
    if arguments.json:
        took = {"seconds": sum(done["client"]["seconds"]), "drawn": shown.drawn if shown else []}
        facts = {"predicted": as_facts(predicted), "measured": as_facts(measured), "learned": found, **took}
        head = {"ok": True, "mode": "joint", "parties": list(plan.parties), "examples": examples, "same_machine": True}
        sys.stdout.write(json.dumps({**head, "result": results["result"].tolist(), **facts}) + "\n")
        return agreed(predicted, measured)
    if arguments.output is None:
        sys.stdout.write("".join(f"{line}\n" for line in answers.shown(results)))
    if not arguments.quiet:
        lines = ["", *counts_table(plan.parties, predicted, measured), ""]
        for party, rows in found.items():
            lines += [f"{party} learned", *(f"  {row}" for row in rows or ["nothing"])]
        sys.stdout.write("\n".join([*lines, "", _last(shown, JOINT if any(predicted.dealt) else TWO)]))
    return agreed(predicted, measured)


def measured_of(done: dict[str, Any]) -> Counts:
    """What was really carried: each direction as it was counted where it arrived."""
    from ppc.runtime.roles.request import Counts

    seen = {role: from_facts(done[role]["measured"]) for role in ("client", "server")}
    dealt = (seen["client"].dealt[0], seen["server"].dealt[1])
    return Counts(sent=(seen["server"].sent[0], seen["client"].sent[1]), dealt=dealt, rounds=seen["server"].rounds)


def agreed(predicted: Counts, measured: Counts) -> int:
    """A run that carries something else than its plan says has a mistake, whatever its answer."""
    if predicted != measured:
        raise InternalError(f"the run carried {measured}, where its plan says {predicted}", place="run")
    return 0


def learned(lowered: Lowered) -> dict[str, list[str]]:
    from ppc.leak.contract import contract
    from ppc.leak.show import learned

    made = contract(lowered.plan, lowered.compiled.policy)
    return {party: learned(made, party) for party in lowered.plan.parties}
