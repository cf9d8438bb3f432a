"""Several data owners that train in turn: killed in a turn, gone on with, and to the last bit what the twin learns."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppc.bundle import Bundle, read
from ppc.cli.brought_files import brought
from ppc.cli.training_options import check_left, turn_of
from ppc.compiler import compile_program
from ppc.errors import PpcError
from ppc.field import to_integers
from ppc.passes.checks.verdict import accepted
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from ppc.runtime.checkpoint import left
from ppc.runtime.dealer import Dealer
from ppc.runtime.keys import Coins, Seed
from ppc.runtime.roles.brought import Brought
from ppc.runtime.roles.course import first_turn, last_turn
from ppc.runtime.roles.lessons import Lessons
from ppc.runtime.twin import Record, Twin
from tests.end_to_end.machines import ppc
from tests.end_to_end.trainings import Training, some_rows

BATCH, EPOCHS = 3, 1
EXAMPLES = {"north": 6, "south": 9}
PROGRAM = f"""
party north, south, lab

model tiny(row: real[6] in 0..1) -> real[3] {{
    dense(4)
    relu
    dense(3)
}}

private tiny {{
    row     from north, south
    weights from lab in -4..4
    result  to   lab
    joint {{ field = mersenne61, fraction = 16 }}
}}

train tiny {{
    data  from south, north
    model kept shared
    loss = mse
    sgd(rate=0.1, batch={BATCH}, epochs={EPOCHS}, momentum=0.5)
}}
"""
TURNS = [(epoch, name) for epoch in range(EPOCHS) for name in ("south", "north")]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Training:
    folder = tmp_path_factory.mktemp("hub")
    made = Training(folder=folder, text=PROGRAM, data=some_rows(1), every=1, arguments=ARGUMENTS)
    for name, count in EXAMPLES.items():
        np.savez(made.folder / f"{name}.npz", **rows(name, count))
    return made


def rows(name: str, count: int) -> dict[str, Any]:
    found = some_rows(count)
    return found if name == "north" else {key: values[::-1] for key, values in found.items()}


ARGUMENTS = ("--data", "north=north.npz", "--data", "south=south.npz", "--order", "given", "-o", "model.shares")


def test_what_all_learned_in_turn_is_what_the_twin_learned(hub: Training) -> None:
    assert hub.killed(hub.start(), "client", 2) != 0
    assert hub.ends(hub.start("--resume")) == 0, hub.said

    wanted, halves = learned(hub), [left.read(hub.folder / f"model.{role}.shares") for role in ("client", "server")]
    assert [half.party for half in halves] == ["north", "lab"]
    assert wanted.keys() == halves[0].shares.keys()
    for name, value in wanted.items():
        field = plan_of(hub, "north").modulus_field
        found = sum(to_integers(half.shares[name], field) for half in halves) % field.modulus
        assert np.array_equal(found, value.integers % field.modulus), name
    hub.used_once()
    run = ("run", "model.pnn", "--shares", "model.shares", "--input", "north.npz", "-q")
    assert "`--as north`" in " ".join(ppc(*run, "--as", "south", cwd=hub.folder).stderr.split())
    assert len(list((hub.folder / "kept").glob("*.shares"))) == 2  # with which the last turn began

    assert hub.ends(hub.start("--resume", "--release")) == 0, hub.said  # the last turn's once more, and no other's
    again = [left.read(hub.folder / f"model.{role}.shares") for role in ("client", "server")]
    for one, other in zip(halves, again, strict=True):
        assert all(np.array_equal(one.shares[name], other.shares[name]) for name in wanted)


def test_a_release_ends_the_training_of_all(tmp_path: Path) -> None:
    """In a turn that did not finish: nothing is handed on, and no turn follows."""
    text = PROGRAM.replace("model kept shared", "model to lab")
    hub = Training(folder=tmp_path, text=text, data=some_rows(1), every=1, arguments=(*ARGUMENTS[:-1], "m.safetensors"))
    for name, count in EXAMPLES.items():
        np.savez(tmp_path / f"{name}.npz", **rows(name, count))

    assert hub.killed(hub.start(), "client", 2) != 0
    assert hub.ends(hub.start("--resume", "--release")) == 0, hub.said
    assert not list((tmp_path / "kept").glob("*.shares"))
    given = (tmp_path / "m.safetensors").read_bytes()
    assert hub.ends(hub.start("--resume")) == 3
    assert "PPC579" in hub.said
    assert (tmp_path / "m.safetensors").read_bytes() == given


def plan_of(hub: Training, name: str) -> Plan:
    return lowered(compile_program(hub.folder / "model.pnn", train=True, as_=name)).plan


def learned(hub: Training) -> dict[str, Any]:
    """What is carried behind the last turn: each pair goes on with the integers that the pair before has left."""
    carried: dict[str, Any] = {}
    for epoch, name in TURNS:
        plan, each = plan_of(hub, name), EXAMPLES[name] // BATCH
        steps, used = range(epoch * each, (epoch + 1) * each), sessions(hub, name)
        twin = Twin(plan, {}, record(hub, plan, {step: used[step] for step in steps}), begun=carried or None)
        twin.run("setup", 0, {f"{name}.first": value for name, value in hub.weights().items()})
        for step in steps:
            twin.coins = {party: Coins(Seed(bytes.fromhex(coins(hub, used[step], party)))) for party in plan.parties}
            chosen = Lessons(examples=EXAMPLES[name], batch=BATCH, epochs=EPOCHS).rows(step)
            data = rows(name, EXAMPLES[name])
            twin.run("each", step, {"row": data["row"][chosen], "labels": np.eye(3)[data["labels"][chosen]]})
        carried = twin.values.carried
    return carried


def sessions(hub: Training, name: str) -> dict[int, str]:
    """For each step of a pair the session whose numbers are in the model."""
    return {
        note["iteration"]: note["session"]
        for note in hub.notes
        if note["what"] == "pass" and note["section"] == "each" and note["name"] == name
    }


def coins(hub: Training, session: str, party: str) -> str:
    return next(
        note["coins"]
        for note in hub.notes
        if note["what"] == "party" and (note["session"], note["name"]) == (session, party)
    )


def record(hub: Training, plan: Plan, used: dict[int, str]) -> Record:
    """The masks of these steps, as they were dealt; those of the setup hide what is carried then anyway."""
    found = Record()
    dealt = {note["session"]: note for note in hub.notes if note["what"] == "dealer"}
    for session in dict.fromkeys(used.values()):
        first, second, own = (Seed(bytes.fromhex(one)) for one in (*dealt[session]["seeds"], dealt[session]["own"]))
        dealer = Dealer(plan, (first, second), bytes.fromhex(session), own=own, watch=found.dealer)
        for section, turn in dealings(used, session):
            dealer.deal(section, turn)
    return found


def dealings(used: dict[int, str], session: str) -> Iterator[tuple[str, int]]:
    yield "setup", 0
    yield from (("each", step) for step, one in used.items() if one == session)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--data", "south.npz"), "PPC508"),
        (("--data", "north=north.npz"), "PPC508"),
        (("--data", "north=north.npz", "--data", "west=south.npz"), "`west` has no examples"),
        ((*ARGUMENTS, "--data", "north=south.npz"), "of `north` are named twice"),
        ((*ARGUMENTS[:-1], "model.safetensors"), "model.shares"),
        ((*ARGUMENTS, "--trace", "t.json"), "PPC115"),
        ((*ARGUMENTS, "--checkpoint", "kept"), "PPC574"),
    ],
)
def test_what_several_data_owners_need(hub: Training, arguments: tuple[str, ...], code: str) -> None:
    (hub.folder / "kept").mkdir(exist_ok=True)
    (hub.folder / "kept" / "something").touch()
    done = ppc("train", "model.pnn", *arguments, cwd=hub.folder)
    (hub.folder / "kept" / "something").unlink()

    assert code in " ".join(done.stderr.split()), done.stderr
    assert "turn-" not in done.stderr  # before the first one
    assert "Traceback" not in done.stderr


def test_a_turn_begins_with_what_the_one_before_left(hub: Training) -> None:
    """On machines of their own a party says which turn it is, brings its half, and leaves it."""
    assert ppc("compile", "model.pnn", "--train", "-o", "build/", cwd=hub.folder).returncode == 0
    south, north = (read(hub.folder / f"build/tiny.{name}.train/client", accepted) for name in ("south", "north"))

    assert south.turns == north.turns == ("south", "north")
    assert (first_turn(south, 1), first_turn(north, 1), last_turn(north, EPOCHS)) == (True, False, True)
    assert refused(lambda: turn_of(Namespace(turn=None), north)) == "PPC571"
    assert refused(lambda: turn_of(Namespace(turn=EPOCHS + 1), north)) == "PPC571"
    assert refused(lambda: check_left(None, south, 1)) == "PPC509"
    check_left(None, south, 1, release=True)  # what did not finish is not handed on
    assert refused(lambda: bring(north, None)) == "PPC578"
    assert bring(north, hub.folder / "model.client.shares").mark
    assert refused(lambda: bring(north, hub.folder / "model.server.shares")) == "PPC578"


def bring(bundle: Bundle, shares: Path | None) -> Brought:
    data = bundle.folder.parents[2] / "north.npz"
    return brought(bundle, inputs=data, weights=None, seed=None, say=lambda _: None, shares=shares, turn=1)


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(PpcError) as caught:
        act()
    return caught.value.diagnostics[0].code


def test_behind_each_turn_it_is_measured(hub: Training) -> None:
    text = PROGRAM.replace("model kept shared", "model to lab\n    evaluate accuracy to lab")
    (hub.folder / "measured.pnn").write_text(text, "utf-8")
    data = ("--data", "north=north.npz", "--data", "south=south.npz", "--test", "south.npz")
    done = ppc("train", "measured.pnn", *data, "--seed", 1, "--json", cwd=hub.folder)

    turns = json.loads(done.stdout)["turns"]
    assert [turn["party"] for turn in turns] == ["south", "north"]
    assert all(len(turn["accuracy"]) == 1 and 0 <= turn["accuracy"][0] <= 1 for turn in turns)
    assert all(turn["predicted"] == turn["measured"] for turn in turns)
