"""All three roles on this machine: the processes that `ppc party` and `ppc deal` are, over TLS on loopback.

Certificates are made for this run and thrown away with its folder. The processes print events; this one reads them,
tells each where the others listen, and ends all of them when one fails, or when it ends itself: each watches its input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import Any

import ppc
from ppc.cli.telling import Far, Telling
from ppc.errors import Diagnostic, Note, PpcError, fail

ROLES = ("dealer", "server", "client")
ENDS = 10.0  # seconds in which a process ends after it was told to
MORE = 1.0  # seconds in which the others' reasons come after the first failure
CONSEQUENCES = ("PPC652", "PPC667", "PPC653")  # codes with which a process ends because another one did
Said = tuple[str, dict[str, Any]]


@dataclass(kw_only=True)
class Roles:
    """The processes of one run, and what they said."""

    telling: Telling
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict[str, "subprocess.Popen[str]"])
    said: Queue[Said] = field(default_factory=lambda: Queue())
    done: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    ports: dict[str, int] = field(default_factory=dict[str, int])
    listeners: list[Thread] = field(default_factory=list[Thread])
    heard: dict[str, Far] = field(default_factory=dict[str, Far])

    def start(self, role: str, arguments: Sequence[str]) -> None:
        """A process that believes its own copy of ppc only, whatever lies in the folder where it is started."""
        home = str(Path(ppc.__file__).parent.parent)
        paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.processes[role] = started = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            [sys.executable, "-P", "-m", "ppc", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self.listeners.append(Thread(target=self._listen, args=(role, started), daemon=True))
        self.listeners[-1].start()
        self.telling.detail(f"{role}: process {started.pid}")

    def _listen(self, role: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with suppress(ValueError):
                    self.said.put((role, json.loads(line)))
        self.said.put((role, {"event": "ended", "code": process.wait()}))

    def follow(self) -> None:
        """Until all have done what they were started for; the first failure is everybody's."""
        while len(self.done) < len(self.processes):
            role, event = self.said.get()
            self._heard(role, event)

    def _heard(self, role: str, event: dict[str, Any]) -> None:
        match event["event"]:
            case "listening":
                self.ports[role] = event["port"]
                self.telling.detail(f"{role}: listens at 127.0.0.1:{event['port']}")
                if len(self.ports) == len(self.processes) - 1:  # the client only dials
                    self._introduce()
            case "progress":
                self.heard[role] = Far(**{key: value for key, value in event.items() if key != "event"})
            case "note":
                self.telling.note(event["text"])
            case "done":
                self.telling.detail(f"{role}: done")
                self.done[role] = event
            case "failed":
                raise self._first([(role, event)])
            case "ended" if role not in self.done:
                raise self._first([], ended_early(role, event["code"]))
            case _:
                pass

    @property
    def far(self) -> Far:
        """All but the client's seed passes the server; what is said, any party may say."""
        said = "  ".join(dict.fromkeys(part for far in self.heard.values() for part in far.said.split("  ") if part))
        return replace(self.heard.get("server", Far()), said=said)

    def _introduce(self) -> None:
        """The parties learn where the others listen."""
        book = {{"server": "peer"}.get(role, role): port for role, port in self.ports.items()}
        for role in ("server", "client"):
            stream = self.processes[role].stdin
            assert stream is not None
            with suppress(OSError):
                stream.write(json.dumps(book) + "\n")
                stream.flush()

    def _first(self, failures: list[Said], unheard: PpcError | None = None) -> PpcError:
        """Why the run failed: of those that failed at about the same time, who did not fail because of another."""
        limit = monotonic() + MORE
        while (left := limit - monotonic()) > 0:
            with suppress(Empty):
                role, event = self.said.get(timeout=left)
                if event["event"] == "failed":
                    failures.append((role, event))
        causes = [one for one in failures if one[1]["diagnostics"][0]["code"] not in CONSEQUENCES]
        if unheard is not None and not causes:
            return unheard
        role, event = (causes or failures)[0]
        return told_by(role, event)

    def close(self) -> None:
        """No process outlives the run."""
        for process in self.processes.values():
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
        for process in self.processes.values():
            try:
                process.wait(ENDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for listener in self.listeners:
            listener.join()


def told_by(role: str, event: dict[str, Any]) -> PpcError:
    found = [
        Diagnostic(
            code=one["code"],
            message=one["message"],
            hint=one["hint"],
            notes=(*(Note(text=text) for text in one["notes"]), Note(text=f"said by the {role}")),
        )
        for one in event["diagnostics"]
    ]
    return PpcError(*found)


def ended_early(role: str, code: int) -> PpcError:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    hint = "Signal 9 often means that the machine had no memory left." if code == -9 else "Read what it said above."
    return fail("PPC652", f"The process of the {role} {how}, before the run was done.", hint=hint)


def run(
    bundle: Path,
    folder: Path,
    parties: Mapping[str, str],
    options: Mapping[str, Sequence[str]],
    telling: Telling,
    what: str = "joint run",
) -> Roles:
    """Run a bundle with all roles here. `options` are those of each role; results lie in `folder`, by role."""
    from ppc.runtime.keyring import throw_away

    certificates = throw_away(folder / "certificates", {**parties, "dealer": "dealer"})
    roles = Roles(telling=telling)
    verbs = {"client": ["party", "client"], "server": ["party", "server"], "dealer": ["deal"]}
    try:
        for role in (role for role in ROLES if (bundle / role).exists()):
            own = ["--embedded", "--certificates", str(certificates[role]), *options[role]]
            roles.start(role, [*verbs[role], str(bundle), *own])
        with telling.progress(what, lambda: roles.far, steps=what == "training"):
            roles.follow()
    finally:
        roles.close()
    return roles
