"""How many runs a folder of preprocessing files still has, and what to do when they run out. For `ppc deal status`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time

from ppc.errors import PpcError
from ppc.runtime.prep.disk import Disk, locked_folder, writing
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.reading import ENDING, HALF_ENDING, UNFINISHED, Prep, open_prep
from ppc.runtime.prep.shelf import files

FEW = 3
SOON = 2 * 86_400  # seconds
_DAY = 86_400
GONE = ("used", "expired")
AGAIN = "at the dealer `ppc deal BUNDLE --count N -o FOLDER`, then give each party its folder"


@dataclass(frozen=True, kw_only=True)
class Status:
    """Files by what they are good for, and their bytes on the disk."""

    left: int
    used: int
    expired: int
    damaged: tuple[str, ...]
    foreign: tuple[str, ...]  # of another version of the format
    unfinished: int  # left by a dealer that ended in the midst of a pair
    bytes: int
    freed: int  # bytes of files that are good for nothing any more
    by_plan: tuple[tuple[str, int], ...]  # a plan's name with the start of its hash and its passes, and its runs
    expires: int | None  # when the first unused one does, in seconds since 1970
    free: int  # bytes that this disk has left
    room: int | None  # for so many files more, of the size of the largest one here

    def advice(self) -> str:
        """What to do."""
        return " ".join(self._advice()) or "Nothing needs to be done."

    def _advice(self) -> Iterator[str]:
        if not self.left:
            yield f"No run is left: {AGAIN}."
        elif self.left <= FEW:
            yield f"Only {self.left} {'runs are' if self.left > 1 else 'run is'} left: {AGAIN}."
        if self.expires is not None and self.expires - time() < SOON:
            days = max(0.0, (self.expires - time()) / _DAY)
            yield f"The first unused file expires in {days:.1f} days: use it before, or deal again."
        if self.foreign:
            names = ", ".join(f"`{name}`" for name in self.foreign[:FEW]) + (" …" if len(self.foreign) > FEW else "")
            yield f"Of another version of ppc (PPC551): {names}. Run the same ppc at all three, and {AGAIN}."
        if self.freed:
            yield f"Files that are good for nothing any more take {self.freed:,} bytes: `--sweep` deletes them."
        if self.room is not None and self.room <= FEW:
            yield f"The disk has room for {self.room} more: make room before more are dealt."


@dataclass(frozen=True, kw_only=True)
class _File:
    path: Path
    state: str
    size: int
    prep: Prep | None


def status(folder: Path, ledger: Ledger | None) -> Status:
    """Of one party's folder. The dealer, who has no ledger, counts all as unused."""
    found = list(_states(folder, ledger))
    left = [file.prep.header for file in found if file.state == "left" and file.prep is not None]
    plans = [f"{header.plan} {header.artifact[:12]}, {header.iterations} passes each" for header in left]
    unfinished = list(_unfinished(folder))
    free = shutil.disk_usage(folder).free if folder.exists() else 0
    largest = max((file.size for file in found), default=0)
    return Status(
        left=len(left),
        used=sum(file.state == "used" for file in found),
        expired=sum(file.state == "expired" for file in found),
        damaged=tuple(file.path.name for file in found if file.state == "damaged"),
        foreign=tuple(file.path.name for file in found if file.state == "foreign"),
        unfinished=len(unfinished),
        bytes=sum(file.size for file in found) + sum(size for _, size in unfinished),
        freed=sum(file.size for file in found if file.state in GONE) + sum(size for _, size in unfinished),
        by_plan=tuple((plan, plans.count(plan)) for plan in sorted(set(plans))),
        expires=min((header.expires for header in left), default=None),
        free=free,
        room=free // largest if largest else None,
    )


def sweep(folder: Path, ledger: Ledger, *, disk: Disk | None = None) -> int:
    """Delete what was used, has expired or was never finished; the bytes that are free again.

    What somebody works with stays.
    """
    disk, freed = disk or Disk(), 0
    for path, size in _unfinished(folder):
        with writing(path):
            disk.remove(path)
        freed += size
    for file in _states(folder, ledger):
        if file.state in GONE:
            try:
                with ledger.hold(file.path.stem), writing(file.path):
                    disk.remove(file.path)
                    file.path.with_suffix(HALF_ENDING).unlink(missing_ok=True)
            except PpcError as error:
                if error.diagnostics[0].code != "PPC556":
                    raise
                continue
            freed += file.size
    return freed


def _unfinished(folder: Path) -> list[tuple[Path, int]]:
    """What a dealer began and will not end: none, while one deals into this folder. Halves of keys are among them."""
    if not folder.exists():
        return []
    with locked_folder(Disk(), folder, shared=False) as alone:
        endings = (f"{ENDING}{UNFINISHED}", f"{HALF_ENDING}{UNFINISHED}")
        found = [path for path in folder.iterdir() if path.name.startswith(".") and path.name.endswith(endings)]
        return [(path, path.stat().st_size) for path in found] if alone else []


def _states(folder: Path, ledger: Ledger | None) -> Iterator[_File]:
    used = ledger.used() if ledger is not None else frozenset[str]()
    for path in files(folder):
        prep, problem = None, ""
        try:
            prep = open_prep(path)
        except PpcError as error:
            problem = "foreign" if error.diagnostics[0].code == "PPC551" else "damaged"
        yield _File(path=path, state=_state(path, prep, used) or problem, size=path.stat().st_size, prep=prep)


def _state(path: Path, prep: Prep | None, used: frozenset[str]) -> str:
    """Nothing for a file that cannot be read, and was not used."""
    if path.stem in used or (prep is not None and prep.header.pair in used):
        return "used"
    if prep is None:
        return ""
    if not path.with_suffix(HALF_ENDING).exists():
        return "used"
    return "expired" if prep.header.expires <= time() else "left"
