"""The server of a selective training, in Flower's ServerApp: the one of `ppc.selective`, whose lines are Flower's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np

from ppc.files import write_whole
from ppc.flower.mail import LOOK, TRIP, Attendance, Mail
from ppc.flower.settings import Settings
from ppc.flower.subject import Subject, subject
from ppc.learning import Layout
from ppc.selective import ParameterServer
from ppc.selective.host import Host
from ppc.selective.members import accuracy_of, labelled, model_of
from ppc.selective.state import keep_server, resumed_server
from ppc.selective.tally import Tally, line, priced, spent
from ppc.weights import save

Say = Callable[[str], None]


def serve(program: str, settings: Settings, mail: Mail, say: Say) -> dict[str, Any]:
    """Until the last round is over, or too few participants are left; what came out."""
    found = subject(program)
    holder, over = _holder(found, settings)
    first = found.first_weights(settings.weights, settings.seed)
    test = labelled(Path(settings.test), found.network) if settings.test else None
    tally = Tally(found.facts, len(holder.vector), [])
    attendance = Attendance(mail, found.facts.participants, found.facts.wait + TRIP, settings.kept is not None, say)
    host = Host(found.facts, holder, attendance.arrivals, say, tally.rows.append, over)
    _gather(host, settings.patience)
    for said in priced(host):
        say(said)

    def keep(rounds: int) -> None:
        if settings.kept is not None:
            keep_server(settings.kept, holder, rounds)
        right = accuracy_of(holder, found.network, first, test)
        say(line(found.facts.rounds, tally.over(host, rounds, right)))

    host.run(keep, seed=settings.seed)
    _save(found, settings, holder)
    reports = {str(number + 1): one for number, one in host.reports().items()}
    told = {"reports": reports, **tally.facts_of(), **spent(host)}
    if settings.output:
        write_whole(Path(settings.output) / "report.json", (json.dumps(told, indent=2) + "\n").encode())
    return told


def _holder(found: Subject, settings: Settings) -> tuple[ParameterServer, int]:
    """The vector, and how many rounds it has behind it."""
    first = found.first_weights(settings.weights, settings.seed)
    vector = Layout.of(found.network).vector(first).numpy().copy()
    holder = ParameterServer(vector, scale=found.facts.scale, decay=found.facts.decay)
    if settings.resume and settings.kept is not None:
        return holder, resumed_server(settings.kept, holder)
    return holder, 0


def _gather(host: Host, patience: float) -> None:
    """Everybody, or after some time those who are needed."""
    limit = monotonic() + patience
    while len(host.lines) < host.facts.participants:
        host.welcome()
        if monotonic() > limit:
            host.enough()
            return
        sleep(LOOK)


def _save(found: Subject, settings: Settings, holder: ParameterServer) -> None:
    """The server's own model."""
    if not settings.output:
        return
    folder = Path(settings.output)
    folder.mkdir(parents=True, exist_ok=True)
    model = model_of(holder, found.network, found.first_weights(settings.weights, settings.seed))
    save(folder / "model.safetensors", {name: np.asarray(value, np.float32) for name, value in model.items()})
