"""The commands of ppc as processes of a benchmark: client, server and dealer on this machine, and what each one used.

Everything goes the way that a user's does: `ppc compile`, `ppc deal`, `ppc party`, over TLS with certificates that are
thrown away. The roles may be on machines of a network (`tests.network`), each with an address of its own. Called by the
benchmarks of training.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

from tests.network.machines import Network

ROOT = Path(__file__).parents[1]
HERE = "127.0.0.1"
STARTS = 120.0  # seconds until a role listens
PARTIES = ("client", "server")
PORTS = {"server": 7440, "dealer": 7441}
LISTENS = re.compile(r"listens [^\n]*?[\d.]+:(\d+)")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that has done its work: what it printed as JSON, and what the system counted."""

    said: dict[str, Any]
    seconds: float
    cpu: float
    memory: int  # bytes, the most at one time


@dataclass(kw_only=True)
class Running:
    """A process whose output goes to a file, so that nothing waits for a reader."""

    process: subprocess.Popen[bytes]
    out: Path
    started: float

    def port(self) -> str:
        """The port at which it says that it listens."""
        limit = monotonic() + STARTS
        while monotonic() < limit and self.process.poll() is None:
            if found := LISTENS.search(self.out.read_text()):
                return found[1]
            sleep(0.05)
        raise SystemExit(f"nothing listens:\n{self.out.read_text()}")

    def ended(self) -> Ended:
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        text = self.out.read_text()
        if self.process.returncode:
            raise SystemExit(f"{self.process.args} ended with {self.process.returncode}:\n{text}")
        objects = [line for line in text.splitlines() if line.startswith("{")]
        said = json.loads(text[text.index("{\n") :]) if "{\n" in text else json.loads(objects[-1]) if objects else {}
        cpu = used.ru_utime + used.ru_stime
        return Ended(said=said, seconds=perf_counter() - self.started, cpu=cpu, memory=used.ru_maxrss * 1024)


@dataclass(kw_only=True)
class ThreeRoles:
    """A folder with a program's bundles and certificates. `environment` is added to that of every role; on a `network`
    each role is on the machine that is called as it is."""

    folder: Path
    program: Path
    train: bool = True
    level: int = 2
    threads: int = 1
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    network: Network | None = None

    def __post_init__(self) -> None:
        from ppc.compiler import compile_program
        from ppc.runtime.keyring import throw_away

        client, server = compile_program(self.program, train=self.train).graph.parties
        throw_away(self.folder / "certificates", {"client": client, "server": server, "dealer": "dealer"})
        more = ["--train"] if self.train else []
        self.done("compile", self.program, f"-O{self.level}", *more, "-o", f"{self.folder}/build/")

    def start(self, *arguments: object, role: str = "") -> Running:
        out = self.folder / f"said{sum(1 for _ in self.folder.glob('said*'))}.txt"
        line = [sys.executable, "-P", "-m", "ppc", *map(str, arguments)]
        line = self.network.command(role, self.folder, line) if self.network and role else line
        with out.open("wb") as file:
            process = subprocess.Popen(
                line,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **self.environment},
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        return Running(process=process, out=out, started=perf_counter())

    def done(self, *arguments: object) -> Ended:
        return self.start(*arguments).ended()

    # ---- roles ----

    def deal(self, examples: int) -> str:
        """Files for one run; the dealer's name."""
        done = self.done(
            *("deal", self.folder / "build", "--count", 1, "--examples", examples, "-o", self.folder / "prep"),
            *("--key", self.folder / "dealer.key", "--json"),
        )
        return str(done.said["dealer"])

    def on_files(self, data: Path, dealer: str, *more: object) -> dict[str, Ended]:
        """Both parties, with what was dealt before."""
        prep = ["--prep", self.folder / "prep", "--trust", dealer]
        return self._both(data, {role: [*prep, "--ledger", self.folder / f"ledger-{role}"] for role in PARTIES}, more)

    def live(self, data: Path, *more: object, dealer: Sequence[object] = ()) -> dict[str, Ended]:
        """Both parties and a dealer that is there."""
        dealing = self._role("deal", "--listen", self._here("dealer"), "--once", *dealer, role="dealer")
        where = ["--dealer", self._there("dealer", dealing)]
        found = self._both(data, dict.fromkeys(PARTIES, where), more)
        return {**found, "dealer": dealing.ended()}

    def _both(self, data: Path, own: Mapping[str, Sequence[object]], more: Sequence[object]) -> dict[str, Ended]:
        server = self._party("server", [*own["server"], "--listen", self._here("server"), "--seed", 1, *more])
        peer = ["--peer", self._there("server", server)]
        client = self._party("client", [*own["client"], *peer, "--input", data, "--json", *more])
        return {"client": client.ended(), "server": server.ended()}

    def _here(self, role: str) -> str:
        return f"0.0.0.0:{PORTS[role]}" if self.network else f"{HERE}:0"

    def _there(self, role: str, running: Running) -> str:
        """Where a role listens; on a network of its own the port is known, and who dials waits for it."""
        return f"{role}.example:{PORTS[role]}" if self.network else f"{HERE}:{running.port()}"

    def _party(self, role: str, more: Sequence[object]) -> Running:
        results = ["-o", self.folder / f"{role}.npz", "--trace", self.folder / f"{role}.json"]
        return self._role("party", role, *results, *more, "--insecure-local", "--idle", 300, role=role)

    def _role(self, verb: str, *arguments: object, role: str) -> Running:
        first, rest = ((), arguments) if verb == "deal" else (arguments[:1], arguments[1:])
        own = ["--certificates", self.folder / "certificates" / role, "--threads", self.threads]
        return self.start(verb, *first, self.folder / "build", *rest, *own, role=role)

    def passes(self, role: str) -> list[float]:
        """Seconds of each pass of the last run through the repeated section."""
        events = json.loads((self.folder / f"{role}.json").read_text())["traceEvents"]
        return [e["dur"] / 1e6 for e in events if e.get("cat") == "pass" and e["name"].startswith("each")]
