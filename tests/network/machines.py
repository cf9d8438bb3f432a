"""Machines with addresses of their own and a network between them, on this one: for tests, and for measurements.

    with network(folder, {"lab": "10.77.0.2", …}, delay=0.01, rate=25e6) as machines:
        subprocess.run(machines.command("lab", folder, ["ppc", …]))

`lab.example` is then the address of `lab`. Where a user may not have namespaces, `refusal()` says why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.sources import CHECKOUT

ENTER = ("--user", "--net", "--mount", "--preserve-credentials")
THERE = 'cd "$0" && exec "$@"'  # entering a namespace forgets the folder


@dataclass(frozen=True)
class Network:
    """The process that holds each machine, by its name."""

    holders: Mapping[str, int]

    def command(self, machine: str, folder: Path, line: Sequence[str]) -> list[str]:
        """A command line that runs there, in a folder."""
        return ["nsenter", f"--target={self.holders[machine]}", *ENTER, "sh", "-c", THERE, str(folder), *line]


@contextmanager
def network(
    folder: Path, addresses: Mapping[str, str], *, delay: float = 0.0, rate: float = 1e12
) -> Generator[Network]:
    """`delay` in seconds each way, `rate` in bytes a second from each machine. OSError where it cannot be."""
    hosts = folder / "hosts"
    lines = [f"{address} {name}.example" for name, address in addresses.items()]
    hosts.write_text("\n".join(["127.0.0.1 localhost", *lines]) + "\n", "utf-8")
    named = [f"{name}={address}" for name, address in addresses.items()]
    router = [sys.executable, "-m", "tests.network.router", str(hosts), str(delay), str(rate), *named]
    process = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--net", "--mount", *router],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise OSError(process.stderr.read().decode(errors="replace").strip() or "unshare said nothing")
        yield Network(json.loads(line))
    finally:
        process.stdin.close()
        said = process.stderr.read().decode(errors="replace")
        process.wait()
        process.stdout.close()
        process.stderr.close()
    assert process.returncode == 0, f"the network ended early: {said}"


@cache
def refusal() -> str:
    """Why there is no such network here; empty where there is one."""
    with TemporaryDirectory() as name:
        try:
            with network(Path(name), {"one": "10.77.0.1", "two": "10.77.0.2"}) as machines:
                line = machines.command("one", Path(name), ["getent", "hosts", "two.example"])
                found = subprocess.run(line, capture_output=True, text=True, check=False)
                return "" if found.stdout.startswith("10.77.0.2") else f"names are not found: {found.stderr.strip()}"
        except OSError as error:
            return str(error).splitlines()[-1]
