"""docs/two_machines.md does what it says: its commands, each on the machine that it is for.

The machines are network namespaces of this one, with addresses, names and a slow network of their own, and folders with
a home of their own. Where a user may not have namespaces, they are addresses 127.0.0.x, and the end of the test run
says so. What people send each other is copied here.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from ppc.codes import CODES
from tests.end_to_end.conftest import WITHOUT
from tests.end_to_end.machines import ENDS, Running, environment
from tests.network.machines import Network, network, refusal
from tests.sources import CHECKOUT

PAGE = CHECKOUT / "docs" / "two_machines.md"
BLOCK = re.compile(r"^```sh (\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
MACHINES = {"hospital": "client", "lab": "server", "dealer": "dealer"}
ADDRESSES = {"hospital": "10.77.0.1", "lab": "10.77.0.2", "dealer": "10.77.0.3"}
DELAY, RATE = 0.010, 25e6  # seconds each way; bytes a second: 200 Mb/s
STAYS = re.compile(r"ppc (deal .*--listen|party server|doctor .*--listen)")
UNSHOWN = {"PPC654", "PPC656", "PPC662"}  # no command of the page brings them about: values, training, strangers
Place = Callable[[str, Path, str], list[str]]  # a machine, its folder and its line: what is started here


def in_namespace(net: Network) -> Place:
    """The very line of the page."""
    return lambda machine, folder, line: net.command(machine, folder, ["sh", "-c", f"exec {line}"])


def on_loopback() -> Place:
    """Addresses and ports are others, and the roles are told that they share a machine."""
    own = {name: f"127.0.0.{number}" for number, name in enumerate(MACHINES, start=2)}
    ports = {"7440": str(free_port()), "7441": str(free_port())}

    def place(machine: str, _folder: Path, line: str) -> list[str]:
        for port, ours in ports.items():
            line = line.replace(f"0.0.0.0:{port}", f"{own[machine]}:{ours}")
            line = re.sub(rf"(\w+)\.example:{port}", lambda found, ours=ours: f"{own[found[1]]}:{ours}", line)
        local = " --insecure-local" if line.startswith(("ppc party", "ppc doctor")) else ""
        return ["sh", "-c", f"exec {line}{local}"]

    return place


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Walk:
    """Three machines with a folder each, and what was started on them."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.folder, self.place, self.name = folder, place, ""
        self.running: list[tuple[str, Running]] = []
        self.said = ""
        for machine in MACHINES:
            (folder / machine / "home").mkdir(parents=True)
        shutil.copy(CHECKOUT / "examples" / "shallow.pnn", folder / "lab")
        shutil.copy(CHECKOUT / "examples" / "images.npz", folder / "hospital")
        (folder / "bin").mkdir()
        (folder / "bin" / "ppc").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ppc "$@"\n')
        (folder / "bin" / "ppc").chmod(0o755)

    def home(self, machine: str) -> dict[str, str]:
        home, found = str(self.folder / machine / "home"), environment()
        own = {"HOME": home, "XDG_CONFIG_HOME": f"{home}/.config", "XDG_STATE_HOME": f"{home}/.state"}
        return {**found, **own, "PATH": f"{self.folder / 'bin'}:{found['PATH']}"}

    def run(self, machine: str, line: str) -> None:
        folder = self.folder / machine
        assert line.startswith("ppc ")
        command = self.place(machine, folder, line.replace("NAME", self.name))
        if STAYS.match(line):
            self._start(machine, command)
            return
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.home(machine),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{machine}: {line}\n{done.stdout}{done.stderr}"
        self.said += done.stdout
        if found := re.search(r"^dealer ([0-9a-f]{64})$", done.stdout, re.MULTILINE):
            self.name = found[1]
        self._sent(line)

    def _start(self, machine: str, command: list[str]) -> None:
        said = self.folder / machine / f"said{len(self.running)}.txt"
        with said.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=said.parent,
                env=self.home(machine),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        started = Running(process, said)
        self.running.append((machine, started))
        started.waits(r"listens|waits at port")

    def _sent(self, line: str) -> None:
        """What the page tells people to give each other."""
        if line.startswith("ppc cert new"):
            owner = line.split()[3]
            certificate = self.folder / owner / "home/.config/ppc/certificates/certificate.pem"
            for machine in set(MACHINES) - {owner}:
                shutil.copy(certificate, self.folder / machine / f"{owner}.pem")
        elif line.startswith("ppc compile"):
            for machine in ("hospital", "dealer"):
                self._give("lab", machine, f"build/shallow/{MACHINES[machine]}")
            self.run("lab", "ppc weights init shallow.pnn --seed 1 -o weights.safetensors")
        elif line.startswith("ppc deal build/ --count"):
            for machine in ("hospital", "lab"):
                self._give("dealer", machine, f"prep/{MACHINES[machine]}")

    def _give(self, owner: str, machine: str, name: str) -> None:
        shutil.move(self.folder / owner / name, self.folder / machine / name)

    def wait_for_visited(self) -> None:
        """Whoever was asked has answered, and its port is free again; only the dealer stays."""
        for machine, one in self.running:
            if machine == "lab" or "doctor" in str(one.process.args):
                one.process.wait(ENDS)

    def all_end(self) -> None:
        """What waits for one visitor has had it; a dealer is told to end."""
        for machine, one in self.running:
            code = one.told_to_end() if machine == "dealer" and one.process.poll() is None else one.ends()
            assert code == 0, one.text


@contextmanager
def walk(folder: Path, place: Place) -> Generator[Walk]:
    found = Walk(folder, place)
    try:
        yield found
    finally:
        for _, one in found.running:
            one.process.kill()
            one.process.wait()


def walked(folder: Path, place: Place) -> Walk:
    """From certificates to the second answer."""
    with walk(folder, place) as found:
        for machine, lines in BLOCK.findall(PAGE.read_text("utf-8")):
            for line in lines.splitlines():
                found.run(machine, line)
            if machine == "hospital":
                found.wait_for_visited()
        found.all_end()
    with (
        np.load(folder / "hospital" / "answers.npz") as first,
        np.load(folder / "hospital" / "again.npz") as second,
    ):
        assert first["result"].shape == (5, 10)
        assert np.abs(first["result"] - second["result"]).max() < 1e-3
    assert not list((folder / "dealer").glob("prep/*/*"))
    return found


def test_the_walk_through(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """On machines of their own where that is possible; the doctor then sees the network that was made."""
    why = refusal()
    if why:
        record_property(WITHOUT, why)
    made = nullcontext() if why else network(tmp_path, ADDRESSES, delay=DELAY, rate=RATE)
    with made as net:
        found = walked(tmp_path, in_namespace(net) if net else on_loopback())

    trips = [float(trip) for trip in re.findall(r"round trip ([\d.]+) ms", found.said)]
    assert len(trips) == 2
    assert why or min(trips) >= 2 * DELAY * 1e3


@pytest.mark.long
def test_the_walk_through_on_one_machine(tmp_path: Path) -> None:
    """What is run where namespaces may not be had: addresses 127.0.0.x, with the same certificates and commands."""
    walked(tmp_path, on_loopback())


def test_the_page_names_every_code_of_a_run() -> None:
    named = set(re.findall(r"PPC\d{3}", PAGE.read_text("utf-8")))

    assert named <= set(CODES)
    assert {code for code in CODES if code.startswith(("PPC65", "PPC66"))} - named == UNSHOWN
