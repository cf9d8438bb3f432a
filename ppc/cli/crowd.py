"""A server and many participants as processes of this machine, with certificates of their own for this one run."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from ppc.cli.embedded import CONSEQUENCES, Roles, ended_early, told_by
from ppc.cli.role_start import end_with_starter, ending_on_signals
from ppc.cli.telling import Telling
from ppc.errors import fail

Role = Callable[[Namespace, Telling], int]
Heard = Callable[[dict[str, Any]], None]


def by_role(arguments: Namespace, everybody: Role, one: Role, others: Mapping[str, Role]) -> int:
    """All of a training, or one role of it: `one` who learns from examples, or another that has none."""
    quiet, at_end = arguments.quiet or arguments.json, arguments.json and arguments.be is not None
    telling = Telling(events=arguments.embedded, quiet=quiet, verbose=arguments.verbose, at_end=at_end)
    if arguments.be is not None and not arguments.be.isdecimal() and arguments.be not in others:
        raise fail("PPC508", f"This training has no {arguments.be}.", hint=f"Its roles: N, {', '.join(others)}.")
    if arguments.data is None and arguments.be not in others:
        raise fail("PPC508", "There is nothing to learn from.", hint="Name the examples: `--data DATA`.")
    with ending_on_signals(telling):
        if arguments.be is None:
            return everybody(arguments, telling)
        if arguments.embedded:
            end_with_starter()
        return others.get(arguments.be, one)(arguments, telling)


class Crowd(Roles):
    """Once it has begun, only the server's failure is everybody's: participants may leave, and the server says by what
    rule it goes on. Before that, whoever cannot begin is the reason why nobody does."""

    begun = False

    def port(self, role: str) -> int:
        """Where it listens."""
        while role not in self.ports:
            self._server(*self.said.get(), role, lambda _: None)
        return self.ports[role]

    def result(self, role: str, heard: Heard) -> dict[str, Any]:
        """What it says at its end; `heard` is told of everything before."""
        while role not in self.done:
            self._server(*self.said.get(), role, heard)
        return {name: value for name, value in self.done[role].items() if name != "event"}

    def _server(self, who: str, event: dict[str, Any], role: str, heard: Heard) -> None:
        if who != role:
            if event["event"] == "failed" and not self.begun and not _follows(event):
                raise told_by(who, event)
            if event["event"] == "failed":
                self.telling.say(f"{who}: {event['diagnostics'][0]['message']}")
            return
        match event["event"]:
            case "listening":
                self.ports[role] = event["port"]
            case "done":
                self.done[role] = event
            case "failed":
                raise told_by(role, event)
            case "ended" if role not in self.done:
                raise ended_early(role, event["code"])
            case kind:
                self.begun |= kind == "round"
                heard(event)


def _follows(event: dict[str, Any]) -> bool:
    """It failed because another one did, who says why itself."""
    return event["diagnostics"][0]["code"] in CONSEQUENCES


def certificates(folder: Path, participants: int, *, mesh: bool = False) -> dict[str, Path]:
    """For one run: the server and the second aggregator pin everybody, each participant these two alone, and the dealer
    too; in a mesh the participants pin each other."""
    from ppc.runtime import keyring

    folders = {role: folder / role for role in ("server", "aggregator", "dealer")}
    for role, mine in folders.items():
        keyring.new(mine, role, role, days=1)
    pairs = list(combinations(folders, 2))
    for number in range(1, participants + 1):
        mine = folders[str(number)] = folder / f"participant_{number}"
        keyring.new(mine, f"participant_{number}", "participant", days=1)
        pairs += [(str(number), "server"), (str(number), "aggregator")]
    if mesh:
        pairs += [(str(one), str(other)) for one, other in combinations(range(1, participants + 1), 2)]
    for one, other in pairs:
        keyring.pin(folders[one], folders[other] / keyring.CERTIFICATE)
        keyring.pin(folders[other], folders[one] / keyring.CERTIFICATE)
    return folders
