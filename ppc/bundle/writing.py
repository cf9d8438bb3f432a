"""Writing the bundles of a program: a folder for each role, the same bytes every time.

No weight, no datum, no time, no path and no name of a machine is in them: they are made of the plans alone, and of the
graphs that name the weights.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from ppc.bundle import facts, parameters
from ppc.bundle.canonical import digest, sha256, written
from ppc.bundle.facts import Facts
from ppc.bundle.folder import EVALUATE, MANIFEST, TRAIN
from ppc.bundle.manifest import FORMAT, PUBLISHED, READER, ROLES, VERSION, party_of, plan_name
from ppc.errors import InternalError, fail
from ppc.files import write_whole
from ppc.ir.graph import Graph
from ppc.plan.kept import evaluates, taken
from ppc.plan.needs import needs_dealer
from ppc.plan.steps import Plan
from ppc.plan.text import show


@dataclass(frozen=True, kw_only=True)
class Program:
    """What the front door compiled: one private block of one model, its plans in the order of their batch sizes.

    `written` is the graph whose parameters a weights file of the model holds, `folded` the one whose parameters are
    left when batch norms are folded, where that makes a difference. `training` is what all roles know of a training
    beside its plan, None where nothing is trained.
    """

    plans: tuple[Plan, ...]
    private: str
    written: Graph
    folded: Graph | None = None
    training: Facts | None = None
    published: bytes = b""  # the file of the weights that a split gives to the client
    ppc: str

    @property
    def roles(self) -> tuple[str, ...]:
        """Who has a part in it: a dealer only where something is computed on shares."""
        return ROLES if any(needs_dealer(plan) for plan in self.plans) else ROLES[:2]

    @property
    def name(self) -> str:
        """Of its folder."""
        model = self.plans[0].name
        block = "" if self.private == model else f".{self.private}"
        return f"{model}{block}{self.kind}"

    @property
    def kind(self) -> str:
        """What it does, where that is not to answer with its owner's weights."""
        first = self.plans[0]
        if self.training:
            return TRAIN
        return EVALUATE if evaluates(first) else ".shares" if taken(first) else ""


def write(program: Program, build: Path) -> Path:
    """The bundles of a program, below `build`; its folder. What was compiled there before is replaced."""
    home = build / program.name
    made = {role: role_files(program, role) for role in program.roles}
    for role in ROLES:
        _replaceable(home / role)
    try:
        home.mkdir(parents=True, exist_ok=True)
        for role, files in made.items():
            _replace(home / role, files)
        for role in set(ROLES) - made.keys():  # of what was compiled there before, and had a dealer
            shutil.rmtree(home / role, ignore_errors=True)
    except OSError as error:
        raise _not_written(home, error) from None
    return home


def role_files(program: Program, role: str) -> dict[str, bytes]:
    """Everything in a role's folder, by name."""
    first = program.plans[0]
    plans = {plan_name(plan.batch): show(plan).encode() for plan in program.plans}
    schedule = _schedule(program, plans)
    party = party_of(role, first.parties)
    files = dict(plans)
    if arrays := parameters.brought(first, party):
        files.update(parameters.files(arrays, program.written, program.folded))
    if program.published and role == "client":
        files[PUBLISHED] = program.published
    listed = {name: {"bytes": len(data), "sha256": sha256(data)} for name, data in files.items()}
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "reader": READER,
        "ppc": program.ppc,
        "role": role,
        "party": party,
        "files": listed,
        "schedule": schedule,
        "schedule_hash": digest(schedule),
    }
    return {**files, MANIFEST: written(manifest)}


def _schedule(program: Program, plans: Mapping[str, bytes]) -> Facts:
    shared = facts.program(program.plans[0])
    for plan in program.plans[1:]:
        if facts.program(plan) != shared:
            raise InternalError(f"batch {plan.batch} is another program than {program.plans[0].batch}", place="bundle")
    rows = [_batch(plan, plan_name(plan.batch), plans[plan_name(plan.batch)]) for plan in program.plans]
    given = {"bytes": len(program.published), "sha256": sha256(program.published)}
    split = {"published": given} if program.published else {}
    return {**shared, **split, "private": program.private, "training": program.training, "batches": rows}


def _batch(plan: Plan, name: str, data: bytes) -> Facts:
    return {"batch": plan.batch, "plan": name, "sha256": sha256(data), "costs": facts.costs(plan)}


# ---- folders ----


def _replaceable(folder: Path) -> None:
    """Only a bundle, or nothing, is replaced by a bundle."""
    if not folder.is_symlink() and not folder.exists():
        return
    if folder.is_symlink() or not folder.is_dir() or not _holds_a_bundle(os.listdir(folder)):
        raise fail(
            "PPC509",
            f"`{folder}` is there and is no bundle, so it is not replaced.",
            hint="Name another folder, or move it away.",
        )


def _holds_a_bundle(names: Sequence[str]) -> bool:
    return not names or MANIFEST in names


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """The folder with these files and no others: made beside it, then put in its place."""
    beside = Path(mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        made, old = beside / "new", beside / "old"
        made.mkdir()
        for name, data in files.items():
            write_whole(made / name, data)
        if folder.exists():
            folder.rename(old)
        try:
            made.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _not_written(home: Path, error: OSError) -> Exception:
    return fail(
        "PPC509",
        f"`{home}` cannot be written: {error.strerror or error}.",
        hint="Check the folder, its rights, and the space that is left.",
    )
