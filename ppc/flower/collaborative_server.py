"""The server of a collaborative training, in Flower's ServerApp: the one of `ppc.collaborative`, whose lines are
Flower's. It carries shares that are sealed, and opens sums."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

import numpy as np
from torch import Tensor

from ppc.collaborative.host import Host, Newcomer, Sum
from ppc.collaborative.labelling import payable
from ppc.collaborative.privacy import forecast
from ppc.collaborative.state import Spent, keep_server, resumed_server
from ppc.collaborative.student import by_counts, taught
from ppc.collaborative.tally import Tally, line
from ppc.errors import fail
from ppc.files import make_folder, write_whole
from ppc.flower import examples
from ppc.flower.mail import HINT, LOOK, TRUST, Attendance, Mail, told
from ppc.flower.parts import loss_bytes
from ppc.flower.relay import Relay
from ppc.flower.sealing import KEY, RECORD
from ppc.flower.settings import Settings
from ppc.flower.subject import Crew
from ppc.ir.collaborative import Pate
from ppc.learning import Network
from ppc.learning.network import as_weights
from ppc.weights import save

Say = Callable[[str], None]


@dataclass
class Door:
    """Who comes, and through what line."""

    crew: Crew
    relay: Relay
    public: str
    say: Say
    unsigned: bool = False

    def come(self, node: int, found: bytes, gone: Callable[[], None]) -> Newcomer:
        one = told(node, found, self.crew.members)
        if len(one.record) != RECORD or one.public != self.public:
            what = "has no key" if len(one.record) != RECORD else "labels other examples than the server"
            raise fail("PPC689", f"Node {node} {what}.", hint=HINT)
        if not any(one.record[KEY:]) and not self.unsigned:
            self.unsigned = True
            self.say(TRUST.format(f"number {one.number} comes"))
        line = self.relay.line(node, one.number, one.record, gone)
        return Newcomer(number=one.number, line=line, place=("", 0), examples=one.examples)


def serve(crew: Crew, settings: Settings, mail: Mail, say: Say) -> dict[str, Any]:
    """Until the last epoch is over and the examples are labelled, or too few workers are left; what came out."""
    public = examples.public(settings, crew.student) if crew.pate else None
    over = resumed_server(settings.kept) if settings.resume and settings.kept is not None else 0
    relay = Relay(mail, crew.facts.wait + settings.trip)
    door = Door(crew, relay, examples.digest(public), say)
    attendance = Attendance(mail, door.come, say)
    spent = Spent.of(settings.kept, "server")
    host = Host(crew.facts, attendance.arrivals, say, over=over, spent=spent, predict=loss_bytes)
    if crew.pate is not None and public is not None:
        for text in forecast(crew.facts, crew.pate, payable(crew.pate, len(public))):
            say(text)
    try:
        _gather(host, settings.patience)
        say(_plan(crew, host, public is not None))
        found = _trained(settings, host, relay, say)
        if public is not None and crew.pate is not None:
            found |= _labelled(settings, crew, crew.pate, host, public)
    finally:
        host.close()
    found |= {"letters": relay.letters, "seconds_a_letter": _pace(relay)}
    if settings.output:
        write_whole(_folder(settings) / "report.json", (json.dumps(found, indent=2) + "\n").encode())
    return found


def _gather(host: Host, patience: float) -> None:
    """Everybody, or after some time those who are needed."""
    limit = monotonic() + patience
    while len(host.there) < host.facts.workers:
        host.welcome()
        if monotonic() > limit:
            host.enough()
            return
        sleep(LOOK)


def _plan(crew: Crew, host: Host, votes: bool) -> str:
    """How many letters there will be: each takes seconds, whatever it says."""
    epochs, workers = crew.facts.epochs - host.over, len(host.there)
    trips = epochs * (2 * host.rounds + 1) + (2 if votes else 0)
    return (
        f"{epochs} epochs of {host.rounds} rounds: {trips:,} letters to each of {workers} workers, "
        f"{trips * workers:,} in all, those to all workers at the same time"
    )


def _trained(settings: Settings, host: Host, relay: Relay, say: Say) -> dict[str, Any]:
    tally = Tally()
    sums: list[list[float | None]] = []
    for found in _epochs(host, settings):
        say(line(host.facts.epochs, tally.over(host, found)))
        say(f"  {relay.letters:,} letters so far, {_pace(relay):.2f} s each and its answer")
        sums.append([one.opened for one in found])
    return {**tally.facts_of(host), "sums": sums}


def _epochs(host: Host, settings: Settings) -> Iterator[list[Sum]]:
    for found in host.epochs():
        if settings.kept is not None:
            keep_server(settings.kept, host.over)
        yield found


def _pace(relay: Relay) -> float:
    """Seconds, of one in the middle."""
    return round(median(relay.trips), 3) if relay.trips else 0.0


def _labelled(settings: Settings, crew: Crew, pate: Pate, host: Host, public: Tensor) -> dict[str, Any]:
    """The data set with what it cost, and a student, in the folder of the run."""
    network, asked = crew.student, payable(pate, len(public))
    classes, privacy = by_counts(pate, host, asked, network.classes)
    if settings.output:  # before the student learns: they are paid for, whatever becomes of it
        _write(_folder(settings), network, public[:asked], classes, privacy)
    first = crew.first_weights(network, settings.weights, settings.seed)
    student = taught(crew.facts, network, public[:asked], classes, first, settings.seed)
    told: dict[str, Any] = {"privacy": privacy, "labelled": asked}
    if (test := examples.test(settings, network)) is not None:
        told["student"] = student.accuracy(*test)
    if settings.output:
        save(_folder(settings) / "student.safetensors", as_weights(student.weights), private=True)
    return told


def _write(folder: Path, network: Network, images: Tensor, classes: Any, privacy: dict[str, Any]) -> None:
    rows = BytesIO()
    np.savez(rows, **{network.data: _numpy(images), "labels": classes})  # pyright: ignore[reportArgumentType]
    write_whole(folder / "labels.npz", rows.getvalue(), private=True)
    write_whole(folder / "labels.privacy.json", (json.dumps(privacy, indent=2) + "\n").encode())


def _numpy(images: Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    return images.numpy()


def _folder(settings: Settings) -> Path:
    make_folder(Path(settings.output))
    return Path(settings.output)
