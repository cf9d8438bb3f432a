"""Lives of two machines, each ended by SIGKILL at one step of their disks, and the life after it. A program of its own:

    python -m tests.prep.lives FOLDER POINTS RUNS [CARELESS]

No runs: it is the dealer that dies. It forks a child for every life, so that modules are loaded once and no thread is
there. Prints what it saw as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ppc.errors import PpcError
from ppc.runtime.prep.disk import Disk
from ppc.runtime.prep.heads import encode_seen
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.reading import Prep
from ppc.runtime.prep.sealing import Bytes, FileKey
from ppc.runtime.prep.use import Use
from ppc.runtime.prep.writing import ROLES, Facts, Secrets, write_pair
from tests.prep.hosts import KEY, PLAN, deal, filler, hosts, run

STEPS = (
    "folder",
    "open",
    "write",
    "write_at",
    "truncate",
    "sync",
    "sync_folder",
    "rename",
    "remove",
    "lock",
    "unlock",
)
NEVER = 1 << 30


class Mortal(Disk):
    """Dies at the n-th moment: before a step, after it, or in the midst of a write. If the power fails with it, what
    was written to a file and not synced is gone."""

    def __init__(self, dies: int, *, power: bool = False) -> None:
        self.left, self.moments, self.power = dies, 0, power
        self.unsynced: dict[int, bytes] = {}  # what stands in a file, by its number
        for name in STEPS:
            setattr(self, name, partial(self._step, name, getattr(self, name)))

    def _moment(self) -> None:
        self.moments += 1
        if self.moments > self.left:
            for number, data in self.unsynced.items():
                os.ftruncate(number, 0)
                Disk.write_at(self, number, data, 0)
            os.kill(os.getpid(), signal.SIGKILL)

    def _step(self, name: str, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        self._moment()
        if self.power and name in ("write", "write_at", "truncate"):
            self.unsynced.setdefault(arguments[0], os.pread(arguments[0], NEVER, 0))
        if name in ("write", "write_at") and self.moments == self.left:
            number, data, *place = arguments
            act(number, data[: len(data) // 2], *place)
            self._moment()
        found = act(*arguments, **options)
        if name == "sync":
            self.unsynced.pop(arguments[0], None)
        self._moment()
        return found


def watched(events: Path) -> None:
    """Write down every segment that is decrypted and every half that is given away, before it happens."""
    unseal, half = Prep.unseal, Use.half

    def note(*words: object) -> None:
        number = os.open(events, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(number, (" ".join(map(str, words)) + "\n").encode())
        os.close(number)

    def noted_unseal(self: Prep, place: int, key: FileKey) -> Bytes:
        note("segment", self.header.role, self.header.pair, place)
        return unseal(self, place, key)

    def noted_half(self: Use) -> bytes:
        found = half(self)
        note("half", self.prep.header.role, self.pair)
        return found

    Prep.unseal, Use.half = noted_unseal, noted_half  # pyright: ignore[reportAttributeAccessIssue]


def life(folder: Path, dealt: Path, runs: int, disk: Disk) -> int:
    """Runs of both parties until so many are done, or nothing is left; how many were."""
    client, server = hosts(folder, dealt, disk=disk)
    for done in range(runs):
        try:
            run(client, server)
        except PpcError as error:
            if error.diagnostics[0].code == "PPC559":
                return done
            raise
    return runs


def child(act: Callable[[], object]) -> int:
    """The status of a process of its own: 0, or minus the signal that ended it."""
    number = os.fork()
    if number == 0:
        try:
            act()
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def moments(folder: Path, dealt: Path, runs: int) -> int:
    """How many there are in a life that nothing ends."""

    def whole() -> None:
        disk = Mortal(NEVER)
        life(folder / "whole", dealt, runs, disk)
        (folder / "moments").write_text(str(disk.moments))

    (folder / "whole").mkdir()
    assert child(whole) == 0
    return int((folder / "moments").read_text())


def used_twice(events: Path) -> list[str]:
    lines = events.read_text().splitlines() if events.exists() else []
    return [line for line, count in Counter(lines).items() if count > 1]


def killed(folder: Path, dealt: Path, runs: int, points: list[int], *, power: bool) -> dict[str, Any]:
    """Two machines that die at these moments, one life after the other, and then go on to the end."""
    events = folder / "events"
    found: dict[str, Any] = {"died": 0, "problems": []}

    def mortal(point: int) -> None:
        watched(events)
        life(folder, dealt, runs, Mortal(point, power=power))

    for point in points:
        status = child(partial(mortal, point))
        found["died"] += status == -signal.SIGKILL
        if status not in (0, -signal.SIGKILL):
            found["problems"].append(f"a life that should have ended at {point} ended with {status}")
    if child(partial(mortal, NEVER)) != 0:
        found["problems"].append(f"no life after {points}")
    found["problems"] += [f"twice after {points}: {line}" for line in used_twice(events)]
    for role in ("client", "server"):
        Ledger(folder / role / "ledger").close()  # raises where it does not fit together
    return found


def dealing(home: Path, wanted: int) -> dict[str, Any]:
    """A dealer that dies: what the client has, the server has too, and the next dealer can go on."""

    def one(folder: Path, disk: Disk) -> None:
        write_pair(Facts(PLAN, iterations=2), folder, Secrets(), filler(PLAN, 2), key=KEY, disk=disk)
        (home / "moments").write_text(str(getattr(disk, "moments", 0)))

    child(partial(one, home / "whole", Mortal(NEVER)))
    total = int((home / "moments").read_text())
    out: dict[str, Any] = {"moments": total, "points": min(wanted, total), "died": 0, "problems": []}
    for place in range(out["points"]):
        folder = home / f"deal{place}"
        out["died"] += child(partial(one, folder, Mortal(place * total // out["points"]))) == -signal.SIGKILL
        one(folder, Disk())
        client, server = ({path.stem for path in (folder / role).glob("[0-9a-f]*.prep")} for role in ROLES)
        halves = [{path.stem for path in (folder / role).glob("[0-9a-f]*.half")} for role in ROLES]
        if not (client <= server and client <= halves[0] and server <= halves[1]):
            out["problems"].append(f"half a pair after {place}")
        (folder / "hosts").mkdir()
        if life(folder / "hosts", folder, 3, Disk()) < 1:
            out["problems"].append(f"no run after {place}")
    return out


def running(home: Path, wanted: int, runs: int) -> dict[str, Any]:
    """Parties that die, with and without the power; every fourth time twice."""
    dealt = home / "dealt"
    deal(dealt, count=runs)
    total = moments(home, dealt, runs)
    out: dict[str, Any] = {"moments": total, "points": min(wanted, total), "died": 0, "problems": []}
    for place in range(out["points"]):
        point = place * total // out["points"]
        where = home / f"life{place}"
        where.mkdir()
        points = [point, total // 3] if place % 4 == 0 else [point]
        found = killed(where, dealt, runs, points, power=place % 2 == 1)
        out["died"] += found["died"]
        out["problems"] += found["problems"]
        shutil.rmtree(where)
    return out


def main() -> int:
    folder, wanted, runs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 4:
        CARELESS[sys.argv[4]]()
    sys.stdout.write(json.dumps(running(folder, wanted, runs) if runs else dealing(folder, wanted)) + "\n")
    return 0


def _forgetful() -> None:
    """The ledger's lines are not synced, and halves are not erased."""

    def half(self: Use) -> bytes:
        self.ledger.take(self.pair, 0, session=self.session, peer=self.peer)
        data = self.prep.path.with_suffix(".half").read_bytes()
        self._own = data[:32]  # pyright: ignore[reportPrivateUsage]
        return data[32:] + encode_seen(self.ledger.head())

    def sync(self: Mortal, name: str, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return None if name == "sync" else step(self, name, act, *arguments, **options)

    step = Mortal._step  # pyright: ignore[reportPrivateUsage]
    Use.half, Mortal._step = half, sync  # pyright: ignore[reportPrivateUsage]


CARELESS = {"forgetful": _forgetful}  # parties of which these tests must find out


if __name__ == "__main__":
    sys.exit(main())
