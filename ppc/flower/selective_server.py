"""The server of a selective training, in Flower's ServerApp: the one of `ppc.selective`, whose lines are Flower's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np

from ppc.errors import fail
from ppc.files import make_folder, write_whole
from ppc.flower import examples
from ppc.flower.mail import HINT, LOOK, TRUST, Attendance, Mail, NodeLine, Told, told
from ppc.flower.sealing import KEY, OVERHEAD, RECORD
from ppc.flower.second import SecondLine
from ppc.flower.settings import Settings
from ppc.flower.subject import Subject
from ppc.learning import Layout
from ppc.selective import ParameterServer, letters
from ppc.selective.host import Arrival, Host
from ppc.selective.members import accuracy_of, model_of
from ppc.selective.pooled import ended
from ppc.selective.state import keep_server, resumed_server, tags_of
from ppc.selective.tally import Tally, line, priced, spent
from ppc.weights import save

Say = Callable[[str], None]


@dataclass
class ParticipantLine(NodeLine):
    """Rounds that are over are told only where they are kept. On shares a turn brings the key of the `second`
    aggregator, and the answer what is sealed for it."""

    keeps: bool = field(kw_only=True)
    number: int = field(kw_only=True)
    second: SecondLine | None = field(kw_only=True)

    def send(self, kind: int, text: bytes = b"") -> None:
        if kind not in (letters.BEGIN, letters.KEEP):
            head = self.second.record if self.second and kind == letters.TURN else b""
            super().send(kind, head + text)
        elif self.keeps:
            super().send(kind, text)
            self.receive({kind: 0})

    def receive(self, longest: Mapping[int, int]) -> tuple[int, bytes]:
        if self.second is None or letters.SHARE not in longest:
            return super().receive(longest)
        length = longest[letters.SHARE]
        kind, text = super().receive({letters.SHARE: length + OVERHEAD + length})
        if len(text) != 2 * length + OVERHEAD:
            raise fail("PPC680", "A share for each of two aggregators should have come.", hint=HINT)
        self.second.sealed[self.number] = text[length:]
        return kind, text[:length]


@dataclass
class Door:
    """Who comes, and through what line."""

    subject: Subject
    settings: Settings
    mail: Mail
    second: SecondLine | None
    say: Say
    unsigned: bool = False

    def come(self, node: int, found: bytes, gone: Callable[[], None]) -> Arrival | None:
        one = told(node, found, self.subject.members, self.subject.second)
        if self.second is not None:
            self._known(one, node)
        if one.number == self.subject.second:
            return None
        wait, keeps = self.subject.facts.wait + self.settings.trip, self.settings.kept is not None
        number = one.number - 1
        line = ParticipantLine(self.mail, node, wait, gone, keeps=keeps, number=number, second=self.second)
        return Arrival(number, line, one.examples, one.uploads)

    def _known(self, one: Told, node: int) -> None:
        assert self.second is not None
        if len(one.record) != RECORD:
            raise fail("PPC689", f"Node {node} has no key.", hint=HINT)
        if not any(one.record[KEY:]) and not self.unsigned:
            self.unsigned = True
            self.say(TRUST.format(f"number {one.number} comes"))
        if one.number == self.subject.second:
            self.second.node, self.second.record = node, one.record
        else:
            self.second.records[one.number - 1] = one.record


def serve(found: Subject, settings: Settings, mail: Mail, say: Say) -> dict[str, Any]:
    """Until the last round is over, or too few participants are left; what came out."""
    holder, over = _holder(found, settings)
    first = found.first_weights(settings.weights, settings.seed)
    test = examples.test(settings, found.network)
    tally = Tally(found.facts, len(holder.vector), [])
    second = SecondLine(mail, 0, 3 * found.facts.wait + settings.trip, lambda: None) if found.second else None
    attendance = Attendance(mail, Door(found, settings, mail, second, say).come, say)
    host = Host(found.facts, holder, attendance.arrivals, say, tally.rows.append, over, second)
    if second is not None:
        host.tags = tags_of(settings.kept, holder, settings.resume and settings.kept is not None)
    _gather(host, settings.patience, second)
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
    elsewhere = {} if second is None else {"up_second": ended(second)}
    out = {"reports": reports, **tally.facts_of(), **elsewhere, **spent(host)}
    if settings.output:
        write_whole(Path(settings.output) / "report.json", (json.dumps(out, indent=2) + "\n").encode())
    say(f"uploaded {out['up']:,} bytes, predicted {out['predicted_up']:,}")
    return out


def _holder(found: Subject, settings: Settings) -> tuple[ParameterServer, int]:
    """The vector, and how many rounds it has behind it."""
    first = found.first_weights(settings.weights, settings.seed)
    vector = Layout.of(found.network).vector(first).numpy().copy()
    holder = ParameterServer(vector, scale=found.facts.scale, decay=found.facts.decay)
    if settings.resume and settings.kept is not None:
        return holder, resumed_server(settings.kept, holder)
    return holder, 0


def _gather(host: Host, patience: float, second: SecondLine | None) -> None:
    """Everybody, or after some time those who are needed; never without the second aggregator."""
    limit = monotonic() + patience
    while len(host.lines) < host.facts.participants or (second is not None and not second.record):
        host.welcome()
        if monotonic() > limit:
            host.enough()
            break
        sleep(LOOK)
    if second is not None and not second.record:
        number = host.facts.participants
        hint = f'Start its SuperNode with `--node-config "partition-id={number} num-partitions={number + 1}"`.'
        raise fail("PPC686", "The second aggregator did not come.", hint=hint)


def _save(found: Subject, settings: Settings, holder: ParameterServer) -> None:
    """The server's own model."""
    if not settings.output:
        return
    folder = Path(settings.output)
    make_folder(folder)
    model = model_of(holder, found.network, found.first_weights(settings.weights, settings.seed))
    weights = {name: np.asarray(value, np.float32) for name, value in model.items()}
    save(folder / "model.safetensors", weights, private=True)
