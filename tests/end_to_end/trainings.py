"""A training as processes that may be killed, and its twin, which is fed with the numbers that each step used last."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np

from ppc.compiler import compile_program
from ppc.field import to_integers
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from ppc.runtime.checkpoint.folder import Folder, machine_key
from ppc.runtime.checkpoint.kept import Kept
from ppc.runtime.dealer import Dealer
from ppc.runtime.keys import Coins, Seed
from ppc.runtime.roles.lessons import Lessons
from ppc.runtime.session import passes
from ppc.runtime.twin import Record, Twin
from ppc.weights import initial
from tests.end_to_end.machines import environment
from tests.sources import CHECKOUT

NOTING = CHECKOUT / "tests" / "end_to_end" / "noting"
ENDS = 120.0
SEED = 3


@dataclass
class Training:
    """A folder with a program, its data, its checkpoints, and notes of all that was computed."""

    folder: Path
    text: str
    data: dict[str, Any]
    every: int = 4
    arguments: tuple[str, ...] = ("--data", "data.npz", "-o", "trained.npz")

    def __post_init__(self) -> None:
        (self.folder / "model.pnn").write_text(self.text, "utf-8")
        np.savez(self.folder / "data.npz", **self.data)

    # ---- its processes ----

    @property
    def environment(self) -> dict[str, str]:
        found = environment()
        paths = f"{NOTING}{os.pathsep}{found['PYTHONPATH']}"
        state = str(self.folder / "state")
        return {**found, "PYTHONPATH": paths, "PPC_NOTES": str(self.folder / "notes"), "XDG_STATE_HOME": state}

    def start(self, *more: object) -> subprocess.Popen[bytes]:
        """`ppc train`, with all roles; it says what their processes are."""
        line = [sys.executable, "-m", "ppc", "train", "model.pnn", *self.arguments, "--seed", SEED, "-v"]
        line += ["--checkpoint", "kept", "--every", self.every, *more]
        with (self.folder / "said").open("wb") as out:
            return subprocess.Popen(
                list(map(str, line)),
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text("utf-8")

    def ends(self, process: subprocess.Popen[bytes]) -> int:
        code = process.wait(ENDS)
        assert "Traceback" not in self.said, self.said
        return code

    def killed(self, process: subprocess.Popen[bytes], role: str, step: int) -> int:
        """Kill a role once a party has done a step; how the training ended."""
        self.reaches(process, step)
        found = re.search(rf"{role}: process (\d+)", self.said)
        assert found is not None
        with suppress(ProcessLookupError):  # it was quicker
            os.kill(int(found[1]), signal.SIGKILL)
        return self.ends(process)

    def reaches(self, process: subprocess.Popen[bytes], step: int) -> None:
        limit, before = monotonic() + ENDS, len(self.sessions)
        while monotonic() < limit and process.poll() is None:
            notes, sessions = self.notes, self.sessions
            if len(sessions) > before and any(
                note["what"] == "pass"
                and note["section"] == "each"
                and note["session"] == sessions[-1]
                and note["iteration"] + 1 >= step
                for note in notes
            ):
                return
            sleep(0.01)

    # ---- what was noted ----

    @property
    def notes(self) -> list[dict[str, Any]]:
        path = self.folder / "notes"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    @property
    def sessions(self) -> list[str]:
        return list(dict.fromkeys(note["session"] for note in self.notes if note["what"] == "party"))

    def used(self) -> dict[int, str]:
        """For each step the session whose numbers are in the model: the last one that did it."""
        return {
            note["iteration"]: note["session"]
            for note in self.notes
            if note["what"] == "pass" and note["section"] == "each"
        }

    # ---- its twin ----

    @cached_property
    def plan(self) -> Plan:
        return lowered(compile_program(self.folder / "model.pnn", train=True)).plan

    def record(self) -> Record:
        """The masks of every step, as the session dealt them that is in the model."""
        found, used = Record(), self.used()
        dealt = {note["session"]: note for note in self.notes if note["what"] == "dealer"}
        for session in sorted({*used.values()}, key=self.sessions.index):
            facts = dealt[session]
            first, second = (Seed(bytes.fromhex(seed)) for seed in facts["seeds"])
            own, whole = Seed(bytes.fromhex(facts["own"])), Record()
            dealer = Dealer(self.plan, (first, second), bytes.fromhex(session), own=own, watch=whole.dealer)
            for section, turn in passes(self.plan, len(used)):
                if section == "setup" or used.get(turn) == session or section == "finish":
                    dealer.deal(section, turn)
            found.masks.update(whole.masks)
        return found

    def twin(self, kept: Kept) -> dict[str, Any]:
        """What is carried behind the last step, as integers."""
        coins = {(note["session"], note["name"]): note["coins"] for note in self.notes if note["what"] == "party"}
        head, used = kept.header, self.used()
        epochs = head.steps // (head.examples // self.plan.batch)
        lessons = Lessons(examples=head.examples, batch=self.plan.batch, epochs=epochs, seed=kept.order)
        twin, weights = Twin(self.plan, {}, self.record()), self.weights()
        twin.run("setup", 0, {f"{name}.first": value for name, value in weights.items()})
        for step in range(head.step):
            twin.coins = {party: Coins(Seed(bytes.fromhex(coins[used[step], party]))) for party in self.plan.parties}
            rows = lessons.rows(step)
            twin.run(
                "each", step, {name: self.one_of(name, np.asarray(values)[rows]) for name, values in self.data.items()}
            )
        return {name: value.integers for name, value in twin.values.carried.items()}

    def one_of(self, name: str, values: Any) -> Any:
        """Labels may be the numbers of classes."""
        shape = self.plan.wires[name].shape
        return np.eye(shape[1])[values] if values.ndim == 1 and len(shape) == 2 else values

    def weights(self) -> dict[str, Any]:
        compiled = compile_program(self.text, train=True)
        names = [step.name for step in compiled.steps]
        return dict(initial(compiled.steps[names.index("differentiate") - 1].graph, SEED))

    def kept(self, role: str) -> Kept:
        """A party's last checkpoint, opened by whoever has both machines."""
        key = machine_key(self.folder / "state" / "ppc")
        party = self.plan.parties[("client", "server").index(role)]
        return Folder(self.folder / "kept" / role, key, self.plan, party).found()[0]

    def same_as_twin(self) -> None:
        """The sum of both parties' shares is the twin's number, to the last bit."""
        client, server = self.kept("client"), self.kept("server")
        assert client.header.mark == server.header.mark
        assert client.header.step == client.header.steps
        wanted, field = self.twin(client), self.plan.modulus_field
        for name, value in wanted.items():
            found = (to_integers(client.shares[name], field) + to_integers(server.shares[name], field)) % field.modulus
            assert np.array_equal(found, value % field.modulus), name

    def used_once(self) -> None:
        """No session was dealt for twice, and no party did a step of a session twice."""
        dealt = [note["session"] for note in self.notes if note["what"] == "dealer"]
        done = [
            (note["name"], note["session"], note["section"], note["iteration"])
            for note in self.notes
            if note["what"] == "pass"
        ]
        assert len(dealt) == len({*dealt})
        assert len(done) == len({*done})


def some_rows(count: int, width: int = 6, classes: int = 3) -> dict[str, Any]:
    generator = np.random.default_rng(7)
    return {"row": generator.uniform(0.0, 1.0, (count, width)), "labels": generator.integers(0, classes, count)}
