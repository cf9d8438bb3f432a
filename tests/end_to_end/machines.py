"""The roles of a small program as real processes here: folders, certificates, ports, and what they printed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import numpy as np

from ppc.runtime.keyring import throw_away
from tests.sources import CHECKOUT

TINY = """
party hospital, lab

model tiny(row: real[6] in 0..1) -> real[3] {
    dense(5)
    relu
    dense(3)
}

private tiny {
    row     from hospital
    weights from lab in -1..1
    result  to   hospital
    joint
}

train tiny {
    labels from hospital
    logits to   hospital
    model  to   lab
    loss = softmax_cross_entropy
    sgd(rate=0.1, batch=2, epochs=2)
}
"""
PARTIES = {"client": "hospital", "server": "lab", "dealer": "dealer"}
EXAMPLES = 5
ENDS = 30.0  # seconds; nothing here takes more than a few


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}


def ppc(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command until its end."""
    line = [sys.executable, "-m", "ppc", *map(str, arguments)]
    return subprocess.run(
        line,
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@dataclass
class Running:
    """A command that goes on; its words in a file."""

    process: subprocess.Popen[bytes]
    said: Path

    @property
    def text(self) -> str:
        return self.said.read_text("utf-8")

    def waits(self, pattern: str) -> re.Match[str]:
        """Until it has said something."""
        limit = monotonic() + ENDS
        while monotonic() < limit:
            if found := re.search(pattern, self.text):
                return found
            if self.process.poll() is not None:
                break
            sleep(0.02)
        raise AssertionError(f"{pattern!r} was not said:\n{self.text}")

    def port(self) -> str:
        return "127.0.0.1:" + self.waits(r"127\.0\.0\.1:(\d+)")[1]

    def ends(self) -> int:
        """The exit code; whatever it is, there was no traceback."""
        code = self.process.wait(ENDS)
        assert "Traceback" not in self.text
        return code

    def told_to_end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.ends()


@dataclass
class Machines:
    """Three machines that are one: a folder with a bundle, inputs, and certificates by role."""

    folder: Path
    running: list[Running] = field(default_factory=list[Running])

    def command(self, role: str, *more: object) -> list[str]:
        verb = ["deal"] if role == "dealer" else ["party", role]
        options = [str(self.folder / "build"), "--certificates", str(self.folder / "certificates" / role)]
        local = [] if role == "dealer" else ["--insecure-local"]
        return [*verb, *options, *local, *map(str, more)]

    def start(self, role: str, *more: object) -> Running:
        return self.spawn(*self.command(role, *more))

    def spawn(self, *command: object) -> Running:
        said = self.folder / f"said{len(self.running)}.txt"
        line = [sys.executable, "-m", "ppc", *map(str, command)]
        with said.open("wb") as out:
            process = subprocess.Popen(
                line, cwd=self.folder, env=environment(), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        self.running.append(Running(process, said))
        return self.running[-1]

    def dealer(self, *more: object) -> Running:
        return self.start("dealer", "--listen", "127.0.0.1:0", *more)

    def server(self, dealer: str, *more: object) -> Running:
        return self.start("server", "--listen", "127.0.0.1:0", "--dealer", dealer, "--seed", 1, *more)

    def client(self, server: str, dealer: str, *more: object) -> Running:
        return self.start("client", "--peer", server, "--dealer", dealer, "--input", "rows.npy", *more)


def rows(count: int = EXAMPLES) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng(1).uniform(0.0, 1.0, (count, 6))


@contextmanager
def machines(folder: Path, *compile_options: object) -> Generator[Machines]:
    (folder / "tiny.pnn").write_text(TINY, "utf-8")
    np.save(folder / "rows.npy", rows())
    assert ppc("compile", "tiny.pnn", *compile_options, "-o", "build/", cwd=folder).returncode == 0
    throw_away(folder / "certificates", PARTIES)
    found = Machines(folder)
    try:
        yield found
    finally:
        for one in found.running:
            one.process.kill()
            one.process.wait()
