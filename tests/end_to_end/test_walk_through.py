"""docs/two_machines.md does what it says: its commands, each in the folder of the machine that it is for.

The machines are folders with a home of their own; addresses become ports of loopback, and `ppc party` gets the word
that allows it. What people send each other is copied here.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

from ppc.codes import CODES
from tests.end_to_end.machines import ENDS, Running, environment
from tests.sources import CHECKOUT

PAGE = CHECKOUT / "docs" / "two_machines.md"
BLOCK = re.compile(r"^```sh (\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
MACHINES = {"hospital": "client", "lab": "server", "dealer": "dealer"}
STAYS = re.compile(r"ppc (deal .*--listen|party server|doctor .*--listen)")
UNSHOWN = {"PPC654", "PPC656", "PPC662"}  # no command of the page brings them about: values, training, strangers


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Walk:
    """Three folders, and what was started in them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, ""
        self.ports = {"7440": str(free_port()), "7441": str(free_port())}
        self.running: list[tuple[str, Running]] = []
        for machine in MACHINES:
            (folder / machine / "home").mkdir(parents=True)
        shutil.copy(CHECKOUT / "examples" / "shallow.pnn", folder / "lab")
        shutil.copy(CHECKOUT / "examples" / "images.npz", folder / "hospital")

    def home(self, machine: str) -> dict[str, str]:
        home = str(self.folder / machine / "home")
        return {**environment(), "HOME": home, "XDG_CONFIG_HOME": f"{home}/.config", "XDG_STATE_HOME": f"{home}/.state"}

    def here(self, line: str) -> list[str]:
        """The command, as it can be run on one machine."""
        for port, ours in self.ports.items():
            line = re.sub(rf"(0\.0\.0\.0|\w+\.example):{port}", f"127.0.0.1:{ours}", line)
        line = line.replace("NAME", self.name)
        words = line.split()
        assert words[0] == "ppc"
        return [sys.executable, "-m", *words, *(["--insecure-local"] if words[1] == "party" else [])]

    def run(self, machine: str, line: str) -> None:
        folder, command, home = self.folder / machine, self.here(line), self.home(machine)
        if STAYS.match(line):
            self._start(machine, command)
            return
        done = subprocess.run(
            command,
            cwd=folder,
            env=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{machine}: {line}\n{done.stdout}{done.stderr}"
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
            subprocess.run(
                self.here("ppc weights init shallow.pnn --seed 1 -o weights.safetensors"),
                cwd=self.folder / "lab",
                env=self.home("lab"),
                check=True,
            )
        elif line.startswith("ppc deal build/ --count"):
            for machine in ("hospital", "lab"):
                self._give("dealer", machine, f"prep/{MACHINES[machine]}")

    def _give(self, owner: str, machine: str, name: str) -> None:
        shutil.move(self.folder / owner / name, self.folder / machine / name)

    def all_end(self) -> None:
        """What waits for one visitor has had it; a dealer is told to end."""
        for machine, one in self.running:
            code = one.told_to_end() if machine == "dealer" else one.ends()
            assert code == 0, one.text


def test_the_walk_through(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    walk = Walk(tmp_path)
    try:
        for machine, lines in blocks:
            for line in lines.splitlines():
                walk.run(machine, line)
            if machine == "hospital":  # whoever was asked has answered, and its port is free again
                for other, one in walk.running:
                    if other == "lab":
                        one.process.wait(ENDS)
        walk.all_end()
    finally:
        for _, one in walk.running:
            one.process.kill()
            one.process.wait()
    with (
        np.load(tmp_path / "hospital" / "answers.npz") as first,
        np.load(tmp_path / "hospital" / "again.npz") as second,
    ):
        assert first["result"].shape == (5, 10)
        assert np.abs(first["result"] - second["result"]).max() < 1e-3
    assert not list((tmp_path / "dealer").glob("prep/*/*"))


def test_the_page_names_every_code_of_a_run() -> None:
    named = set(re.findall(r"PPC\d{3}", PAGE.read_text("utf-8")))

    assert named <= set(CODES)
    assert {code for code in CODES if code.startswith(("PPC65", "PPC66"))} - named == UNSHOWN
