"""Session after session against a serving server and a dealer, as a service has them, looking for anything that grows.

    python -m tests.soak --sessions 1000
    python -m tests.soak --minutes 30

Server and dealer are processes of their own (`ppc party server … --serve`, `ppc deal … --listen`), clients are threads
of this one, 32 at once; every answer is compared with the one in the clear. After each round nothing is under way, and
then memory, descriptors and threads of all three are read. Ends with 1 if anything grew, or any session failed. 32 that
come at once may see a greeting that takes longer than its ten seconds where other work has the machine: `--at-once 4`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import numpy as np

from ppc import bundle, bundling
from ppc.passes.checks.verdict import accepted
from ppc.reference import evaluate
from ppc.runtime import heap
from ppc.runtime.keyring import open_folder
from ppc.weights import initial
from tests.end_to_end.machines import TINY, Machines, Running, machines
from tests.end_to_end.one_session import Client
from tests.soak.held import HEAD, Sample, line, problems, sample

AT_ONCE = 32
SETTLES = 5.0  # seconds in which what ended is closed everywhere


class Soak:
    """The processes, and what each held after every round."""

    def __init__(self, here: Machines) -> None:
        most = ("--most", 2 * AT_ONCE)
        self.dealer = here.dealer(*most)
        self.server = here.server(self.dealer.port(), "--serve", *most)
        home = here.folder / "build" / "tiny"
        read = bundle.read(home / "client", accepted)
        ring = open_folder(here.folder / "certificates" / "client")
        self.client = Client(read, ring, self._address(self.server), self._address(self.dealer))
        needed = bundle.read(home / "server", accepted).weights
        assert needed is not None
        self.weights = dict(initial(needed.written, 1))
        self.graph = bundling.at_batches(TINY, batches=(2,))[0].compiled.graph
        self.processes = {"client": os.getpid(), "server": self.server.process.pid, "dealer": self.dealer.process.pid}
        self.samples: dict[str, list[Sample]] = {name: [] for name in self.processes}
        self.done = 0
        self.wrong: list[str] = []

    @staticmethod
    def _address(running: Running) -> tuple[str, int]:
        host, _, port = running.port().partition(":")
        return host, int(port)

    def one(self, number: int) -> str:
        """A session: empty if its answer is right."""
        try:
            found, rows = self.client.ask(number)
        except Exception as error:  # whatever it is, it is counted and told
            return f"session {number}: {type(error).__name__}: {error}"
        right = np.asarray(evaluate(self.graph, {**self.weights, "row": rows})["result"])
        return "" if np.abs(found - right).max() < 1e-3 else f"session {number}: a wrong answer"

    def round(self, pool: ThreadPoolExecutor, size: int) -> None:
        numbers = range(self.done, self.done + size)
        self.wrong += filter(None, pool.map(self.one, numbers))
        self.done += size
        self._settled()
        for name, process in self.processes.items():
            self.samples[name].append(sample(process, self.done))

    def _settled(self) -> None:
        """Until both services have closed what belonged to the round."""
        limit, least = monotonic() + SETTLES, {name: rows[0] for name, rows in self.samples.items() if rows}
        while monotonic() < limit:
            now = {name: sample(self.processes[name], 0) for name in least}
            if all(now[name].descriptors <= least[name].descriptors for name in least):
                return
            sleep(0.05)

    def ended(self) -> list[str]:
        """Both services are told to end, and say how many they served."""
        codes = {"server": self.server.told_to_end(), "dealer": self.dealer.told_to_end()}
        found = [f"the {name} ended with {code}" for name, code in codes.items() if code]
        if f"{self.done} sessions were served, 0 failed" not in self.server.text:
            found.append(f"the server says: {self.server.text.splitlines()[-1]}")
        return found

    def report(self) -> str:
        return "\n".join([HEAD, *(line(name, rows) for name, rows in self.samples.items())])


@contextmanager
def soak() -> Generator[Soak]:
    with TemporaryDirectory() as name, machines(Path(name), "--batch", "2") as here:
        yield Soak(here)


def soaked(*, seconds: float = 0.0, sessions: int = 0, at_once: int = AT_ONCE, told: bool = True) -> list[str]:
    """What went wrong in so long a time, or so many sessions."""
    heap.keep()  # as every role's process does
    start = monotonic()
    with soak() as found, ThreadPoolExecutor(at_once) as pool:
        looked = start
        while monotonic() - start < seconds or found.done < sessions:
            found.round(pool, min(AT_ONCE, max(sessions - found.done, 0) or AT_ONCE))
            if told and monotonic() - looked > 60:
                looked = monotonic()
                sys.stdout.write(f"{found.done:,} sessions, {looked - start:,.0f} s\n{found.report()}\n")
                sys.stdout.flush()
        wrong = [*found.wrong[:10], *found.ended()]
        for name, rows in found.samples.items():
            wrong += problems(name, rows)
        if told:
            sys.stdout.write(f"{found.done:,} sessions, {monotonic() - start:,.0f} s\n{found.report()}\n")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Look for what grows in a service.")
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--sessions", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    arguments = parser.parse_args()
    if not arguments.minutes and not arguments.sessions:
        arguments.sessions = 1000
    wrong = soaked(seconds=60 * arguments.minutes, sessions=arguments.sessions, at_once=arguments.at_once)
    sys.stdout.write("".join(f"{one}\n" for one in wrong) or "nothing grew, and every answer was right\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
