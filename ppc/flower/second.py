"""The second aggregator of a selective training on shares: one more node, behind the participants. The server carries
to it what participants have sealed for it, and cannot read that.

    ADD at the server    count u32, tag of the round, participants u32 each, then for each its key and its sealed share
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np

from ppc.errors import PpcError, fail
from ppc.flower.held import held, read
from ppc.flower.mail import WHO, NodeLine, letter
from ppc.flower.ring import seal_of
from ppc.flower.sealing import OVERHEAD, RECORD, Seal
from ppc.flower.settings import Settings
from ppc.flower.subject import Subject
from ppc.learning import Layout
from ppc.selective import adding, letters
from ppc.selective.aggregator import Aggregator
from ppc.selective.remembered import Memory


def sealed_bytes(elements: int) -> int:
    return adding.share_bytes(elements) + OVERHEAD


@dataclass
class SecondLine(NodeLine):
    """The server's line to it. `records` are the participants' keys, and `sealed` what they sent for it, by number from
    0; `record` is its own key, empty until it has come."""

    record: bytes = b""
    records: dict[int, bytes] = field(default_factory=dict[int, bytes])
    sealed: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def send(self, kind: int, text: bytes = b"") -> None:
        if kind == letters.ADD:
            _, asked = adding.numbers_of(text)
            head = len(asked).to_bytes(4, "little") + text
            text = head + b"".join(self.records[one] + self.sealed.pop(one) for one in asked)
        super().send(kind, text)


# ---- at its node ----


def answer(subject: Subject, settings: Settings, text: bytes, state: bytes) -> tuple[bytes, bytes]:
    """The answer, and the state behind it: its key, and over whom it has given out which sum."""
    head, _ = read(state)
    seal = seal_of(subject, settings, head)
    assert seal is not None
    given = Memory.of(settings.kept, "aggregator.sums", head.get("given", {}).items())
    own = Aggregator(subject.facts, Layout.of(subject.network).size, given=given)
    if head.get("training") == seal.training.hex():
        own.taken = head["taken"]
    said = _answered(own, seal, text)
    return said, held({**seal.kept(), "given": own.given.lines, "taken": own.taken}, {})


def _answered(own: Aggregator, seal: Seal, text: bytes) -> bytes:
    kind, text = text[:1], text[1:]
    match kind[0] if kind else 0:
        case x if x == WHO:
            return letter(WHO, json.dumps({"number": seal.number, "key": seal.record.hex()}).encode())
        case letters.ADD:
            return letter(*_sum(own, seal, text))
        case letters.BEGIN if len(text) == adding.TAG + 1:
            return letter(letters.BEGIN, own.known(text))
        case letters.END:
            return letter(letters.REPORT, json.dumps({"taken": own.taken}).encode())
        case _:
            raise fail("PPC689", "A letter came that may not come here.", hint="Use one version of ppc.")


def _sum(own: Aggregator, seal: Seal, text: bytes) -> tuple[int, bytes]:
    """Over those whose shares can be opened."""
    size = own.facts.shared(own.parameters)
    count = int(np.frombuffer(text[:4], "<u4")[0]) if len(text) >= 4 else 0
    end, each = 4 + adding.TAG + 4 * count, RECORD + sealed_bytes(size)
    if count > own.facts.participants or len(text) != end + count * each:
        raise fail("PPC680", "A question came that is none.", hint="Use one version of ppc on both machines.")
    tag, asked = adding.numbers_of(text[4:end])
    for place, one in enumerate(asked):
        sealed = text[end + place * each : end + (place + 1) * each]
        try:
            share = seal.opened(one + 1, sealed[:RECORD], tag, sealed[RECORD:])
            if share is not None:
                own.held[one] = adding.share_of(share, size)
                own.taken += len(share)
        except PpcError:
            continue  # its key is not signed, or it is no share: it is missing
    return own.answer(tag, asked)
