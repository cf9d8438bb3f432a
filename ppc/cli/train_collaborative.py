"""The trainer `collaborative`: workers and the server that opens sums, as processes over TLS.

`ppc train model.pnn --data DATA` starts all of them on this machine and shares the examples out. On machines of their
own `--be server --listen` is the server, and `--be 3 --peer HOST:PORT` the worker of that number, with its data. Every
worker must be reachable by every other: `--listen` says where.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ppc.cli.collaborative_second import aggregator, dealer
from ppc.cli.collaborative_server import server
from ppc.cli.collaborative_task import Task, understood
from ppc.cli.collaborative_worker import worker
from ppc.cli.crowd import Crowd, by_role, certificates
from ppc.cli.crowd_options import be_of
from ppc.cli.telling import Telling, counts_table, from_facts

WHERE = "Server and workers all ran on this machine, in processes of their own over TLS."


def train(arguments: Namespace) -> int:
    """All of it, or one role of it."""
    return by_role(arguments, _everybody, worker, {"server": server, "aggregator": aggregator, "dealer": dealer})


def _everybody(arguments: Namespace, telling: Telling) -> int:
    task = understood(arguments)
    _possible(arguments, task)
    shown = Shown(task, telling)
    with TemporaryDirectory(prefix="ppc-train-") as name:
        rings = certificates(Path(name) / "certificates", task.facts.workers, mesh=True)
        crowd = Crowd(telling=telling)
        try:
            second = _second(arguments, task, crowd, rings)
            own = [*_labels(arguments), *second, "--certificates", str(rings["server"])]
            crowd.start("server", [*be_of(arguments), "--be", "server", *own])
            port = crowd.port("server")
            for number in range(1, task.facts.workers + 1):
                line = _worker(arguments, task, number, port, rings[str(number)])
                crowd.start(f"worker {number}", [*line, *second])
            found = crowd.result("server", shown.event)
        finally:
            crowd.close()
    if arguments.json:
        head = {"ok": True, "trainer": "collaborative", "same_machine": True}
        sys.stdout.write(json.dumps({**head, **found}) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(task, found)))
        if not arguments.quiet:
            sys.stdout.write(f"{WHERE}\n")
    return 0


def _possible(arguments: Namespace, task: Task) -> None:
    """What stands in the way of a training is said before a process is started for it."""
    from ppc.selective.members import labelled, part

    part(labelled(arguments.data, task.network(task.facts.model_of(1))), 1, task.facts.workers, arguments.each)
    if task.pate is not None and (public := task.public(task.network(task.pate.student))) is not None:
        task.asked(public)


def _second(arguments: Namespace, task: Task, crowd: Crowd, rings: dict[str, Path]) -> list[str]:
    """Where winners are opened, the dealer and the second aggregator are started first; where they listen."""
    if not task.compares or arguments.public is None:
        return []
    found: list[str] = []
    for role in ("dealer", "aggregator"):
        line = [*be_of(arguments), "--be", role, *found, "--certificates", str(rings[role])]
        crowd.start(role, line)
        found += [f"--{role}", f"127.0.0.1:{crowd.port(role)}"]
    return found


def _labels(arguments: Namespace) -> list[str]:
    """What the server writes: labels, and the student."""
    found = [] if arguments.labels is None else ["--labels", str(arguments.labels)]
    if arguments.public is not None and arguments.output is not None:
        found += ["-o", str(arguments.output)]
    return found


def _worker(arguments: Namespace, task: Task, number: int, port: int, ring: Path) -> list[str]:
    """Without a student to save, each worker's model goes to a file with its number: `model.3.safetensors`."""
    own = ["--be", str(number), "--peer", f"127.0.0.1:{port}", "--share", f"{number}/{task.facts.workers}"]
    if arguments.public is None and arguments.output is not None:
        own += ["-o", str(arguments.output.with_suffix(f".{number}{arguments.output.suffix}"))]
    return [*be_of(arguments), *own, "--certificates", str(ring)]


class Shown:
    """The live table: a row an epoch."""

    def __init__(self, task: Task, telling: Telling) -> None:
        self.facts, self.telling = task.facts, telling

    def event(self, event: dict[str, Any]) -> None:
        from ppc.collaborative.tally import line

        if event["event"] == "note":
            self.telling.say(event["text"])
        elif event["event"] == "round":
            self.telling.say(line(self.facts.epochs, event))


def _lines(task: Task, found: dict[str, Any]) -> Iterator[str]:
    right = {name: told["accuracy"] for name, told in found["reports"].items() if "accuracy" in told}
    if right:
        yield f"accuracy of the workers' models: {sum(right.values()) / len(right):.4f} on average"
        yield "  " + "  ".join(f"{name}: {value:.4f}" for name, value in right.items())
    yield f"{found['rounds']:,} rounds; {found['bytes']:,} bytes on all lines, predicted {found['predicted']:,}"
    if "privacy" in found:
        privacy = found["privacy"]
        epsilon = "infinite" if privacy["epsilon"] is None else f"{privacy['epsilon']:.1f}"
        yield f"labelled {found['labelled']:,} examples: epsilon {epsilon} at delta {privacy['delta']:g}, certified"
        yield f"  {privacy['meaning']}; taken for granted: {privacy['assumes']}"
        if "comparison" in found:
            yield from _compared(found["comparison"])
        if "labels_right" in found:
            yield f"  {found['labels_right']:.4f} of the labels are right"
        if "student" in found:
            yield f"accuracy of the student: {found['student']:.4f}"
    yield from task.facts.sentences()


def _compared(comparison: dict[str, Any]) -> Iterator[str]:
    """What the server saw of the joint comparison, beside what its plan says."""
    yield "only the class that wins was opened; compared on shares:"
    lines = counts_table(
        ("aggregator", "server"), from_facts(comparison["predicted"]), from_facts(comparison["measured"])
    )
    yield from (f"  {line}" for line in lines)
