"""Two machines of a test: each with a folder of files and a ledger; what they say to each other is handed over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes

import numpy as np

from ppc.plan.steps import Plan
from ppc.plan.text import parse
from ppc.runtime.parcel import Layout
from ppc.runtime.prep.disk import Disk
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.sealing import Bytes
from ppc.runtime.prep.shelf import Shelf
from ppc.runtime.prep.signing import DealerKey
from ppc.runtime.prep.use import Use
from ppc.runtime.prep.writing import ROLES, Facts, Secrets, write_pair
from ppc.runtime.session import passes

TEXT = """
plan small {
stage scheduled
source ""
field mersenne61
parties hospital, lab
level 2
batch 1
setup {
    w.real = given() {"what": "data"} : clear[6] within -4.0..4.0 at lab ; round 0 layer forward 1:1-1:1
    w = encode(w.real) : clear[6] @16 at lab ; round 0 layer forward 1:1-1:1
    ew = mask(w) {"mask": "m.w"} : masked[6] @16 ; round 1 layer forward 1:1-1:1
}
each {
    x.real = given() {"what": "data"} : clear[6] within -4.0..4.0 at hospital ; round 0 layer forward 1:1-1:1
    x = encode(x.real) : clear[6] @16 at hospital ; round 0 layer forward 1:1-1:1
    ex = mask(x) {"mask": "m.x"} : masked[6] @16 ; round 1 layer forward 1:1-1:1
    z = product(ex, ew) {"map": "multiply", "share": "c"} : shared[6] @32 ; round 1 layer forward 1:1-1:1
    r = reveal(z) {"to": "both", "grant": "all"} : public[6] @32 ; round 2 layer forward 1:1-1:1
    d = decode(r) : public[6] ; round 2 layer forward 1:1-1:1
    result product = d
}
}
"""
PLAN = parse(TEXT)
OTHER = parse(TEXT.replace("plan small", "plan other"))
PARTIES = PLAN.parties
CERTIFICATES = tuple(sha256(name.encode()).hexdigest() for name in PARTIES)  # fingerprints
KEY = DealerKey()


def filler(plan: Plan, iterations: int) -> Iterator[Bytes]:
    """Segments of the right sizes, without a dealer's work."""
    layouts = {section.name: Layout(plan, section).bytes for section in plan.sections}
    for place, (section, _) in enumerate(passes(plan, iterations)):
        yield np.full(layouts[section], place, np.uint8)


def deal(folder: Path, *, count: int = 1, plan: Plan = PLAN, iterations: int = 2, days: float = 1) -> list[str]:
    """Pairs whose corrections are filler, oldest first."""
    made: list[str] = []
    for place in range(count):
        secrets = Secrets()
        write_pair(Facts(plan, iterations=iterations, days=days), folder, secrets, filler(plan, iterations), key=KEY)
        for role in ROLES:
            os.utime(folder / role / f"{secrets.pair}.prep", (place, place))
        made.append(secrets.pair)
    return made


@dataclass
class Host:
    """One party's machine."""

    folder: Path
    role: int
    ledger: Ledger
    plan: Plan = PLAN
    iterations: int = 2

    @property
    def prep(self) -> Path:
        return self.folder / "prep"

    @property
    def peer(self) -> str:
        return CERTIFICATES[1 - self.role]

    def shelf(self) -> Shelf:
        return Shelf(
            self.prep,
            self.ledger,
            self.plan,
            self.plan.parties[self.role],
            dealers={KEY.name},
            iterations=self.iterations,
        )

    def restart(self) -> None:
        """Another process: it knows what the disk knows."""
        self.ledger.close()
        self.ledger = Ledger(self.folder / "ledger", disk=self.ledger.disk)

    def snapshot(self, name: str = "snapshot") -> Path:
        kept = self.folder.with_name(f"{self.folder.name}.{name}")
        shutil.copytree(self.folder, kept, copy_function=shutil.copy2)
        return kept

    def restore(self, kept: Path, *parts: str) -> None:
        """The whole disk as it was, or only some folders of it."""
        self.ledger.close()
        for part in parts or ("prep", "ledger"):
            shutil.rmtree(self.folder / part)
            shutil.copytree(kept / part, self.folder / part, copy_function=shutil.copy2)
        self.ledger = Ledger(self.folder / "ledger", disk=self.ledger.disk)


def hosts(folder: Path, dealt: Path, *, disk: Disk | None = None) -> tuple[Host, Host]:
    """Client and server; each got its own folder of the dealer's, if it has none yet."""
    found: list[Host] = []
    for role, name in enumerate(ROLES):
        home = folder / name
        if not home.exists():
            home.mkdir()
            shutil.copytree(dealt / name, home / "prep", copy_function=shutil.copy2)
        found.append(Host(home, role, Ledger(home / "ledger", disk=disk)))
    return found[0], found[1]


@contextmanager
def claimed(client: Host, server: Host) -> Generator[tuple[Use, Use]]:
    """Both parties hold the same pair, and have not agreed yet."""
    session = token_bytes(16)
    with ExitStack() as stack:
        shelf = client.shelf()
        offer = shelf.offer(client.peer)
        theirs = stack.enter_context(server.shelf().choose(offer.data, session=session, peer=server.peer))
        ours = stack.enter_context(shelf.claim(theirs.head(), offer, session=session, peer=client.peer))
        yield ours, theirs


def unlock(ours: Use, theirs: Use) -> None:
    """Agree and exchange the halves."""
    ours.agree(theirs.head())
    theirs.agree(ours.head())
    mine, other = ours.half(), theirs.half()
    ours.unlock(other)
    theirs.unlock(mine)


def run(client: Host, server: Host) -> str:
    """A whole run of both, without the computing; the pair that was used."""
    with claimed(client, server) as (ours, theirs):
        unlock(ours, theirs)
        supply = theirs.supply
        assert supply is not None
        for place, (section, turn) in enumerate(passes(client.plan, client.iterations)):
            assert set(supply(section, turn).tolist()) <= {place}
        return ours.pair
