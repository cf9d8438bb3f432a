"""Reading a role's bundle: every byte of it once, every hash compared, nothing believed that can be worked out.

`read` is called wherever a role starts. It parses no plan; `Bundle.plan` does, and then runs the checks that the front
door gives (this room knows no pass), works out what the manifest says of the plan, and compares.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ppc.bundle import batches, facts
from ppc.bundle.canonical import sha256, written
from ppc.bundle.folder import EVALUATE, FILE_BYTES, MANIFEST, MANIFEST_BYTES, TRAIN, content, names, opened, wrong
from ppc.bundle.manifest import PUBLISHED, ROLES, VERSION, Batch, Manifest, contradiction, plan_name, read_manifest
from ppc.bundle.parameters import FOLDED, WEIGHTS, WRITTEN, Needed, brought, plain, read_needed
from ppc.errors import PpcError, fail
from ppc.plan import text
from ppc.plan.kept import released
from ppc.plan.needs import needs_dealer, published
from ppc.plan.steps import Plan
from ppc.source import Source
from ppc.weights.expected import SomeWeights, Weights
from ppc.weights.published import MOST_BYTES
from ppc.weights.published import read as read_published
from ppc.weights.published import written as published_bytes

Check = Callable[[Plan], Plan]  # the plan itself, if it keeps every rule; else it raises


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One role's bundle, whole in memory: what happens to its folder later changes nothing."""

    folder: Path
    manifest: Manifest
    weights: Needed | None
    check: Check = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    plans: dict[int, Plan] = field(default_factory=dict[int, Plan], repr=False, compare=False)  # checked already
    measure: Bundle | None = None  # of a training: what counts its right answers

    @property
    def role(self) -> str:
        """client, server or dealer."""
        return self.manifest.role

    @property
    def party(self) -> str:
        """The program's name of the role; `dealer` for the dealer."""
        return self.manifest.party

    @property
    def parties(self) -> tuple[str, str]:
        return self.manifest.parties

    @property
    def hash(self) -> str:
        """What all roles of one program share, and compare before anything else."""
        return self.manifest.schedule_hash

    @property
    def training(self) -> bool:
        return self.manifest.epochs > 0

    def released(self, party: str = "") -> tuple[str, ...]:
        """The weights that a training gives out at its end, to whomever, or to one party."""
        return released(self.plan(self.batches[0]), party) if self.training else ()

    @property
    def evaluated(self) -> int:
        """After how many epochs a training is measured each time; 0: never."""
        return self.manifest.training.every if self.manifest.training else 0

    @property
    def turns(self) -> tuple[str, ...]:
        """Of several data owners, in which order they train in every epoch; empty where there is one."""
        return self.manifest.training.turns if self.manifest.training else ()

    @property
    def batches(self) -> tuple[int, ...]:
        return tuple(batch.batch for batch in self.manifest.batches)

    @property
    def dealt(self) -> bool:
        """Whether its plans need a dealer."""
        return any(needs_dealer(self.plan(batch)) for batch in self.batches)

    @cached_property
    def given_away(self) -> Weights:
        """The weights that a split gives to the client, at the client."""
        shapes = published(self.plan(self.batches[0]))
        return read_published(self.files[PUBLISHED], shapes) if PUBLISHED in self.files else {}

    def same_as_published(self, weights: SomeWeights) -> None:
        """Refuse weights of whose first layers the client was given others."""
        if self.manifest.published is None:
            return
        own = published_bytes(weights, published(self.plan(self.batches[0])))
        if (len(own), sha256(own)) != self.manifest.published:
            raise fail(
                "PPC549",
                "The weights are not those whose first layers the client was given.",
                hint="Give the weights that the program was compiled with, or compile it again with these.",
            )

    def padded(self, examples: int) -> tuple[tuple[int, int], ...]:
        """The batches that a request of so many examples runs in, and how often each."""
        return batches.padded(self.batches, examples)

    def plan(self, batch: int) -> Plan:
        """The plan of one batch size, checked."""
        if batch not in self.plans:
            self.plans[batch] = self._checked(self._batch(batch))
        return self.plans[batch]

    def _batch(self, size: int) -> Batch:
        for batch in self.manifest.batches:
            if batch.batch == size:
                return batch
        sizes = ", ".join(map(str, self.batches))
        hint = f"Compile it with `--batch {sizes.replace(' ', '')},{size}`, for all roles."
        raise fail("PPC547", f"The bundle has no plan for batches of {size}: it has {sizes}.", hint=hint)

    def _checked(self, batch: Batch) -> Plan:
        source = Source(str(self.folder / batch.plan), plain(self.files[batch.plan], batch.plan))
        try:
            plan = text.parse(source.text)
            if plan.stage != "scheduled" or plan.batch != batch.batch:
                raise contradiction(f"`{batch.plan}` is no scheduled plan of batch {batch.batch}")
            if text.show(plan) != source.text:
                raise contradiction(f"`{batch.plan}` is not written in the one way that ppc writes plans")
            _agree(self, self.check(plan), batch)
        except PpcError as error:
            raise error.located(source) from None
        return plan


def _agree(bundle: Bundle, plan: Plan, batch: Batch) -> None:
    """What the manifest says of a plan is what the plan says."""
    shared = bundle.manifest.schedule
    for key, value in facts.program(plan).items():
        if written(shared[key]) != written(value):
            raise contradiction(f"`{key}` of its manifest is not that of `{batch.plan}`")
    if written(list(map(dict, batch.costs))) != written(facts.costs(plan)):
        raise contradiction(f"the bytes or rounds of its manifest are not those of `{batch.plan}`")
    if facts.training(plan) != bundle.training:
        raise contradiction(f"one of its manifest and `{batch.plan}` trains, and the other one does not")
    if bool(published(plan)) != (bundle.manifest.published is not None):
        raise contradiction(f"of its manifest and `{batch.plan}` only one gives weights to the client")
    if (bundle.weights.arrays if bundle.weights else ()) != brought(plan, bundle.party):
        raise contradiction(f"{WEIGHTS} does not name the arrays that `{batch.plan}` takes")


def read(folder: Path, check: Check, *, role: str = "") -> Bundle:
    """The bundle in a role's folder. `role` is the one that is needed: a role or a party's name."""
    with opened(folder) as number:
        found = names(number)
        if MANIFEST not in found:
            hint = "`ppc compile MODEL.pnn -o build/` makes bundles."
            raise fail("PPC540", f"`{folder}` is no bundle: it has no {MANIFEST}.", hint=hint)
        manifest = read_manifest(content(number, MANIFEST, most=MANIFEST_BYTES))
        files = _files(manifest, found - {MANIFEST}, lambda name: content(number, name, most=_most(name)))
    _is_role(manifest, role, folder)
    return Bundle(folder=folder, manifest=manifest, weights=read_needed(files), check=check, files=files)


def _files(manifest: Manifest, found: frozenset[str], read_: Callable[[str], bytes]) -> dict[str, bytes]:
    """Every file that the manifest lists, and no other; each with its hash."""
    if missing := sorted(manifest.files.keys() - found):
        raise wrong(f"it has no `{missing[0]}`")
    if more := sorted(found - manifest.files.keys()):
        raise wrong(f"`{more[0]}` is not in its manifest")
    known = {WEIGHTS, WRITTEN, FOLDED, PUBLISHED, *(plan_name(batch.batch) for batch in manifest.batches)}
    if manifest.version <= VERSION and (unknown := sorted(manifest.files.keys() - known)):
        raise wrong(f"`{unknown[0]}` is no file of its format")
    files: dict[str, bytes] = {}
    for name, (size, hash_) in sorted(manifest.files.items()):
        data = read_(name)
        if (len(data), sha256(data)) != (size, hash_):
            raise fail(
                "PPC543",
                f"`{name}` is not what the manifest says: its {len(data):,} bytes have another SHA-256.",
                hint="Copy the bundle again, or compile the program again.",
            )
        files[name] = data
    return files


def _most(name: str) -> int:
    return MOST_BYTES if name == PUBLISHED else FILE_BYTES


def _is_role(manifest: Manifest, role: str, folder: Path) -> None:
    """In a folder that is named after a role lies that role's bundle."""
    home = folder.resolve().name
    for needed in (role, home if home in ROLES else ""):
        if needed and needed not in (manifest.role, manifest.party):
            raise fail(
                "PPC546",
                f"`{folder}` has the bundle of the {manifest.role}, `{manifest.party}`, not of `{needed}`.",
                hint="Give the folder that has client, server and dealer in it, and ppc takes the right one.",
            )


def locate(folder: Path, role: str = "") -> Path:
    """The role's folder, of what a user names: it, the program's folder around it, or `build/` with one program. A role
    that trains is given the training; what measures it lies beside that, and is found from there."""
    if _is_bundle(folder):
        return folder
    programs = [one for one in (folder, *_below(folder)) if any(_is_bundle(one / home) for home in ROLES)]
    if role:
        programs = [one for one in programs if not _measures(one, programs)]
    if len(programs) != 1:
        what = "has several programs" if programs else "has no bundle in it"
        named = ", ".join(f"`{one}`" for one in programs)
        hint = f"Name one of them: {named}." if programs else "`ppc compile MODEL.pnn -o build/` makes bundles."
        raise fail("PPC540", f"`{folder}` {what}.", hint=hint)
    return _role_folder(programs[0], role) if role else programs[0]


def _measures(program: Path, programs: Sequence[Path]) -> bool:
    """Whether it counts the right answers of a training that is here too."""
    name = program.name
    return name.endswith(EVALUATE) and program.with_name(name.removesuffix(EVALUATE) + TRAIN) in programs


def _is_bundle(folder: Path) -> bool:
    return os.path.exists(folder / MANIFEST)  # and no, where that may not be asked


def _below(folder: Path) -> Sequence[Path]:
    try:
        return sorted(folder.iterdir())
    except (OSError, ValueError):  # of a name that no file can have
        return ()


def _role_folder(program: Path, role: str) -> Path:
    """By the role, or by the name that the program gives to it, which a manifest tells."""
    homes = [program / home for home in ROLES if _is_bundle(program / home)]
    for home in homes:
        if home.name == role:
            return home
    for home in homes:
        with opened(home) as number:
            if read_manifest(content(number, MANIFEST, most=MANIFEST_BYTES)).party == role:
                return home
    there = ", ".join(home.name for home in homes)
    raise fail("PPC540", f"`{program}` has no bundle of `{role}`: it has {there}.", hint="Name one of these roles.")


def verify(folder: Path, check: Check) -> tuple[Bundle, ...]:
    """Every bundle of a program that is here, each plan of each checked, and all of one schedule."""
    found = locate(folder)
    homes = [found] if _is_bundle(found) else [found / role for role in ROLES]
    bundles = tuple(read(home, check) for home in homes if _is_bundle(home))
    same_schedule(bundles)
    for bundle in bundles:
        for batch in bundle.batches:
            bundle.plan(batch)
    return bundles


def same_schedule(bundles: Sequence[Bundle]) -> None:
    """Refuse bundles that were not compiled together; say what differs."""
    first, *others = bundles
    for other in others:
        if other.hash != first.hash:
            keys = sorted(set(first.manifest.schedule) | set(other.manifest.schedule))
            differing = [k for k in keys if first.manifest.schedule.get(k) != other.manifest.schedule.get(k)]
            raise fail(
                "PPC548",
                f"The bundles of {first.role} and {other.role} differ in: {', '.join(differing)}.",
                hint="Compile the program once, and give every role its folder.",
            )
