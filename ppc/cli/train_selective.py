"""The trainer `selective`: the parameter server and the participants, as processes over TLS.

`ppc train model.pnn --data DATA` starts all of them on this machine and shares the examples out. On machines of their
own `--be server --listen` is the server, and `--be 3 --peer HOST:PORT` the participant of that number, with its data.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ppc.cli.crowd import Crowd, by_role, certificates
from ppc.cli.crowd_options import be_of, many_of
from ppc.cli.selective_aggregator import aggregator
from ppc.cli.selective_roles import participant, server, understood
from ppc.cli.telling import Telling

if TYPE_CHECKING:
    from ppc.ir.selective import Selective
    from ppc.learning import Network

WHERE = "Server and participants all ran on this machine, in processes of their own over TLS."


def options(verb: ArgumentParser) -> None:
    """What trainers of many add to the command line."""
    many_of(verb)


def train(arguments: Namespace) -> int:
    """All of it, or one role of it."""
    return by_role(arguments, _everybody, participant, {"server": server, "aggregator": aggregator})


# ---- all on this machine ----


def _everybody(arguments: Namespace, telling: Telling) -> int:
    facts, network = understood(arguments)
    _possible(arguments, facts, network)
    with TemporaryDirectory(prefix="ppc-train-") as name:
        folder = Path(name)
        rings = certificates(folder / "certificates", facts.participants)
        crowd = Crowd(telling=telling)
        common = be_of(arguments)
        shown = Shown(facts, telling)
        try:
            output = arguments.output or folder / "model.safetensors"
            if facts.aggregate == "additive":
                crowd.start("aggregator", [*common, "--be", "aggregator", "--certificates", str(rings["aggregator"])])
                common += ["--aggregator", f"127.0.0.1:{crowd.port('aggregator')}"]
            crowd.start(
                "server", [*common, "--be", "server", "--certificates", str(rings["server"]), "-o", str(output)]
            )
            port = crowd.port("server")
            for number in range(1, facts.participants + 1):
                own = ["--be", str(number), "--peer", f"127.0.0.1:{port}", "--share", f"{number}/{facts.participants}"]
                crowd.start(f"participant {number}", [*common, *own, "--certificates", str(rings[str(number)])])
            found = crowd.result("server", shown.event)
        finally:
            crowd.close()
    if arguments.json:
        head = {"ok": True, "trainer": "selective", "same_machine": True}
        written = [str(arguments.output)] if arguments.output else []
        sys.stdout.write(json.dumps({**head, "written": written, **found}) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(facts, found)))
        if not arguments.quiet:
            sys.stdout.write(f"{WHERE}\n")
    return 0


def _possible(arguments: Namespace, facts: Selective, network: Network) -> None:
    """What stands in the way of a training is said before a process is started for it."""
    from ppc.selective.members import labelled, part
    from ppc.selective.tally import paid

    part(labelled(arguments.data, network), 1, facts.participants, arguments.each)
    paid(facts)


class Shown:
    """The live table: a row a round, on the way to the end."""

    def __init__(self, facts: Selective, telling: Telling) -> None:
        self.facts, self.telling = facts, telling

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] == "note":
            self.telling.say(event["text"])
        elif event["event"] == "round":
            from ppc.selective.tally import line

            self.telling.say(line(self.facts.rounds, event))


def _lines(facts: Selective, found: dict[str, Any]) -> Iterator[str]:
    reports = {name: told["accuracy"] for name, told in found["reports"].items() if "accuracy" in told}
    if reports:
        yield f"accuracy of the participants' models: {sum(reports.values()) / len(reports):.4f} on average"
        yield "  " + "  ".join(f"{name}: {value:.4f}" for name, value in reports.items())
    where = " to the server" if "up_second" in found else ""
    yield f"uploaded{where} {found['up']:,} bytes, predicted {found['predicted_up']:,}"
    if "up_second" in found:
        yield f"uploaded to the second aggregator {found['up_second']:,} bytes, predicted {found['predicted_up']:,}"
    yield f"downloaded {found['down']:,} bytes, predicted {found['predicted_down']:,}"
    if "epsilon" in found:
        worth = f"total epsilon {found['epsilon']:.3f} at delta {found['delta']:g}"
        yield f"{worth}, for all examples of a participant together"
    yield from facts.sentences()
