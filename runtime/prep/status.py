"""How many runs a folder of preprocessing files still has, and what to do when they run out. For `ppc deal status`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time

from ppc.errors import PpcError
from ppc.runtime.prep.disk import Disk, writing
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.reading import HALF_ENDING, Prep, open_prep
from ppc.runtime.prep.shelf import files

FEW = 3
SOON = 2 * 86_400  # seconds
_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Status:
    """Files by what they are good for, and their bytes on the disk."""

    left: int
    used: int
    expired: int
    damaged: tuple[str, ...]
    bytes: int
    freed: int  # bytes of files that are good for nothing any more
    by_plan: tuple[tuple[str, int], ...]  # a plan's name with the start of its hash, and its runs
    expires: int | None  # when the first unused one does, in seconds since 1970

    def advice(self) -> str:
        """One sentence about what to do."""
        if not self.left:
            return "No run is left: deal more with `ppc deal`, and give each party its folder."
        if self.expires is not None and self.expires - time() < SOON:
            days = max(0.0, (self.expires - time()) / _DAY)
            return f"The first unused file expires in {days:.1f} days: use it before, or deal again."
        if self.left <= FEW:
            return f"Only {self.left} {'runs are' if self.left > 1 else 'run is'} left: deal more with `ppc deal`."
        if self.freed:
            return f"Used and expired files take {self.freed:,} bytes: `ppc deal status --sweep` deletes them."
        return "Nothing needs to be done."


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
    plans = [f"{header.plan} {header.artifact[:12]}" for header in left]
    return Status(
        left=len(left),
        used=sum(file.state == "used" for file in found),
        expired=sum(file.state == "expired" for file in found),
        damaged=tuple(file.path.name for file in found if file.state == "damaged"),
        bytes=sum(file.size for file in found),
        freed=sum(file.size for file in found if file.state in ("used", "expired")),
        by_plan=tuple((plan, plans.count(plan)) for plan in sorted(set(plans))),
        expires=min((header.expires for header in left), default=None),
    )


def sweep(folder: Path, ledger: Ledger, *, disk: Disk | None = None) -> int:
    """Delete what was used or has expired; the bytes that are free again. What somebody works with stays."""
    disk, freed = disk or Disk(), 0
    for file in _states(folder, ledger):
        if file.state in ("used", "expired"):
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


def _states(folder: Path, ledger: Ledger | None) -> Iterator[_File]:
    used = ledger.used() if ledger is not None else frozenset[str]()
    for path in files(folder):
        try:
            prep = open_prep(path)
        except PpcError:
            prep = None
        yield _File(path=path, state=_state(path, prep, used), size=path.stat().st_size, prep=prep)


def _state(path: Path, prep: Prep | None, used: frozenset[str]) -> str:
    if path.stem in used or (prep is not None and prep.header.pair in used):
        return "used"
    if prep is None:
        return "damaged"
    if not path.with_suffix(HALF_ENDING).exists():
        return "used"
    return "expired" if prep.header.expires <= time() else "left"
