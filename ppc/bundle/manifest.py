"""manifest.json: what a role's folder holds, for which program and role, and what all roles have to agree on.

The policy for versions. `version` is the number of the format that a bundle was written in, `reader` the lowest number
that a reader must know to take it. A ppc that knows formats up to `VERSION`

    refuses (PPC541)    a bundle whose `reader` is above VERSION: it would misunderstand it
    refuses (PPC541)    a bundle whose `version` is below OLDEST: it has forgotten it
    reads as its own    all others; of a version above its own it ignores keys that it does not know (PPC544 otherwise)

`ppc` is the version of the program that wrote it, and decides nothing: the plans are checked again wherever they are
read. The schedule does not name it, so two versions of ppc that compile the same plans agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ppc.bundle.canonical import digest, parsed
from ppc.bundle.entries import WORD, Entry
from ppc.bundle.folder import ALL_BYTES, FILE_BYTES, MANIFEST, MOST_FILES, NAME
from ppc.errors import PpcError, fail
from ppc.weights.published import FILE, MOST_BYTES

FORMAT = "ppc-bundle"
VERSION = 1
READER = 1  # the lowest number that may read what is written here
OLDEST = 1
NEWEST = 1_000_000
ROLES = ("client", "server", "dealer")
MOST_BATCHES = 64
MOST_EXAMPLES = 1_000_000
MOST_ROWS = 100_000
MOST_TURNS = 10_000
PUBLISHED = FILE  # in the client's folder: the weights that a split gives to it
ORDERS = ("open", "none", "public", "private")  # open: the run decides
NEWEST_SEED = 2**32 - 1

KEYS = ("files", "format", "party", "ppc", "reader", "role", "schedule", "schedule_hash", "version")
SHARED = ("batches", "brings", "field", "learns", "level", "model", "parties", "private", "results", "training")
SPLIT = ("published",)  # in the schedule of a program that is split
_RELEASE = re.compile(r"[0-9A-Za-z.+-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One batch size: where its plan is, and what a pass through each of its sections costs."""

    batch: int
    plan: str
    sha256: str
    costs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What all roles know of a training: in which order the examples come, and after how many epochs it is evaluated
    each time, with the bundle of the evaluation; 0, where it never is. `turns`: several data owners, each with a bundle
    of its own, in which order they train in every epoch."""

    epochs: int
    order: str
    seed: int
    every: int
    turns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest whose every key is of its kind. `schedule` is what all roles share, as it is hashed."""

    version: int
    ppc: str
    role: str
    party: str
    schedule: Mapping[str, Any]
    schedule_hash: str
    model: str
    private: str
    field: str
    level: int
    parties: tuple[str, str]
    training: Trained | None
    batches: tuple[Batch, ...]
    files: Mapping[str, tuple[int, str]]  # size and SHA-256
    published: tuple[int, str] | None  # the same of what a split gives to the client, whose file it is

    @property
    def epochs(self) -> int:
        """0 where nothing is trained."""
        return self.training.epochs if self.training else 0


def read_manifest(data: bytes) -> Manifest:
    """The manifest, or what is wrong with it. Says nothing yet of the files that it lists."""
    top = Entry.of(parsed(data, MANIFEST), file=MANIFEST, place="it")
    version = _version(top)
    shared = top.entry("schedule")
    if version <= VERSION:
        top.only(*KEYS)
        shared.only(*SHARED, *SPLIT)
    parties = _parties(shared)
    role = top.text("role", re.compile("|".join(ROLES)), f"one of {', '.join(ROLES)}")
    manifest = Manifest(
        version=version,
        ppc=top.text("ppc", _RELEASE, "a version of ppc"),
        role=role,
        party=top.word("party"),
        schedule=shared.value,
        schedule_hash=top.hash("schedule_hash"),
        model=shared.word("model"),
        private=shared.word("private"),
        field=shared.word("field"),
        level=shared.whole("level", 0, 9),
        parties=parties,
        training=_training(shared),
        batches=tuple(_batch(one) for one in shared.entries("batches", most=MOST_BATCHES)),
        files=_files(top.entry("files")),
        published=_published(shared),
    )
    for key in ("brings", "learns", "results"):
        shared.entries(key, most=MOST_ROWS)
    _consistent(manifest)
    return manifest


def _version(top: Entry) -> int:
    if top.get("format") != FORMAT:
        raise top.wrong("format", f'"{FORMAT}"')
    version, reader = top.whole("version", 0, NEWEST), top.whole("reader", 0, NEWEST)
    if reader > VERSION:
        raise fail(
            "PPC541",
            f"The bundle needs a reader of format {reader}; this ppc reads formats {OLDEST} to {VERSION}.",
            hint=f"It was written by ppc {str(top.get('ppc'))[:40]}: install that version, or compile the program "
            "again with this one, for all roles.",
        )
    if version < OLDEST:
        raise fail(
            "PPC541",
            f"The bundle has format {version}; this ppc reads formats from {OLDEST} on.",
            hint="Compile the program again, for all roles.",
        )
    return version


def _parties(shared: Entry) -> tuple[str, str]:
    found = shared.items("parties", most=2)
    if len(found) != 2 or not all(isinstance(name, str) and WORD.fullmatch(name) for name in found):
        raise shared.wrong("parties", "a list of two names, the client's and the server's")
    client, server = cast(list[str], found)
    return client, server


def _training(shared: Entry) -> Trained | None:
    if shared.get("training") is None:
        return None
    training = shared.entry("training")
    training.only("epochs", "every", "order", "seed", *(["turns"] if "turns" in training.value else []))
    return Trained(
        epochs=training.whole("epochs", 1, MOST_EXAMPLES),
        order=training.text("order", re.compile("|".join(ORDERS)), f"one of {', '.join(ORDERS)}"),
        seed=training.whole("seed", 0, NEWEST_SEED),
        every=training.whole("every", 0, MOST_EXAMPLES),
        turns=_turns(training, _parties(shared)),
    )


def _turns(training: Entry, parties: tuple[str, str]) -> tuple[str, ...]:
    """Exactly one of the two parties is a data owner whose turn comes."""
    if "turns" not in training.value:
        return ()
    found = training.items("turns", most=MOST_TURNS)
    names = tuple(name for name in found if isinstance(name, str) and WORD.fullmatch(name))
    if len(names) != len(found) or len({*names}) != len(names) or len({*names} & {*parties}) != 1:
        raise training.wrong("turns", "a list of different names, with one of the two parties among them")
    return names


def _published(shared: Entry) -> tuple[int, str] | None:
    if "published" not in shared.value:
        return None
    entry = shared.entry("published")
    entry.only("bytes", "sha256")
    return entry.whole("bytes", 1, MOST_BYTES), entry.hash("sha256")


def _batch(entry: Entry) -> Batch:
    entry.only("batch", "costs", "plan", "sha256")
    return Batch(
        batch=entry.whole("batch", 1, MOST_EXAMPLES),
        plan=entry.text("plan", NAME, "the name of a file of a bundle"),
        sha256=entry.hash("sha256"),
        costs=tuple(cost.value for cost in entry.entries("costs", most=3)),
    )


def _files(files: Entry) -> dict[str, tuple[int, str]]:
    if len(files.value) > MOST_FILES:
        raise files.wrong("files", f"an object of at most {MOST_FILES:,} files")
    found: dict[str, tuple[int, str]] = {}
    for name in files.value:
        if not NAME.fullmatch(name) or name == MANIFEST:
            raise files.wrong(name[:60], "the name of a file of a bundle")
        one = files.entry(name)
        one.only("bytes", "sha256")
        most = MOST_BYTES if name == PUBLISHED else FILE_BYTES
        found[name] = (one.whole("bytes", 0, most), one.hash("sha256"))
    if sum(size for name, (size, _) in found.items() if name != PUBLISHED) > ALL_BYTES:
        raise files.wrong("bytes", f"at most {ALL_BYTES:,}, all files together")
    return found


def _consistent(manifest: Manifest) -> None:
    """What can be seen to be wrong without any other file."""
    sizes = [batch.batch for batch in manifest.batches]
    if not sizes or sizes != sorted(set(sizes)):
        raise contradiction("its batch sizes are not in order and each once")
    if manifest.parties[0] == manifest.parties[1]:
        raise contradiction("client and server are the same party")
    if manifest.party != party_of(manifest.role, manifest.parties):
        raise contradiction(f"its party, `{manifest.party}`, is not the {manifest.role}")
    for batch in manifest.batches:
        if batch.plan != plan_name(batch.batch):
            raise contradiction(f"the plan of batch {batch.batch} is not in `{plan_name(batch.batch)}`")
        if manifest.files.get(batch.plan, (0, ""))[1] != batch.sha256:
            raise contradiction(f"`{batch.plan}` has one hash as a file and another one in the schedule")
    if manifest.files.get(PUBLISHED) != (manifest.published if manifest.role == "client" else None):
        raise contradiction(f"`{PUBLISHED}` is not what its schedule says, or not in the client's folder alone")
    if digest(manifest.schedule) != manifest.schedule_hash:
        raise fail(
            "PPC543",
            "The hash of the schedule in manifest.json is not that of the schedule in it.",
            hint="Copy the bundle again, or compile the program again.",
        )


def plan_name(batch: int) -> str:
    return f"plan.b{batch}.txt"


def party_of(role: str, parties: tuple[str, str]) -> str:
    """The program's name of a role; the dealer has none."""
    return {"client": parties[0], "server": parties[1]}.get(role, role)


def contradiction(why: str) -> PpcError:
    return fail("PPC545", f"The bundle contradicts itself: {why}.", hint="Compile the program again.")
