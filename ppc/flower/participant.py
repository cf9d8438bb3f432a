"""A participant of a selective training, at its node: what it answers to one letter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch

from ppc.errors import fail
from ppc.flower import examples
from ppc.flower.held import Arrays, held, read
from ppc.flower.mail import WHO, letter
from ppc.flower.ring import seal_of
from ppc.flower.sealing import RECORD, Seal
from ppc.flower.settings import Settings
from ppc.flower.subject import Subject
from ppc.selective import Participant, letters
from ppc.selective.adding import TAG
from ppc.selective.guest import turned
from ppc.selective.remembered import Memory
from ppc.selective.state import (
    count_uploads,
    keep_participant,
    participant_memory,
    passed_over,
    resumed_participant,
    uploads_before,
)


def answer(subject: Subject, settings: Settings, text: bytes, state: bytes) -> tuple[bytes, bytes]:
    """The answer, and the state behind it."""
    head, arrays = read(state)
    own, seal = participant(subject, settings, head, arrays), seal_of(subject, settings, head)
    memory = participant_memory(settings.kept, own.number, head.get("tags", {}).items())
    return _answered(own, settings, seal, memory, text), state_of(own, seal, memory)


def participant(subject: Subject, settings: Settings, head: Mapping[str, Any], arrays: Arrays) -> Participant:
    """As it was left; with its first weights, where it was never there."""
    images, labels = examples.examples(settings, subject.network, subject.members)
    first = subject.first_weights(settings.weights, settings.seed)
    own = Participant(settings.number - 1, subject.facts, subject.network, images, labels, first, settings.seed)
    if head:
        own.weights = {name: torch.from_numpy(arrays[name]) for name in own.weights}
        own.exchanges, own.steps, own.uploads = head["counts"]
    return own


def state_of(own: Participant, seal: Seal | None, memory: Memory) -> bytes:
    arrays = {name: tensor.numpy() for name, tensor in own.weights.items()}
    shared = {"tags": memory.lines, **seal.kept()} if seal else {}
    return held({"counts": [own.exchanges, own.steps, own.uploads], **shared}, arrays)


def _answered(own: Participant, settings: Settings, seal: Seal | None, memory: Memory, text: bytes) -> bytes:
    kind, text = text[:1], text[1:]
    match kind[0] if kind else 0:
        case x if x == WHO:
            said = {"number": own.number + 1, "examples": len(own.labels), "uploads": own.uploads}
            return letter(WHO, json.dumps({**said, "key": seal.record.hex() if seal else ""}).encode())
        case letters.TURN:
            return _turn(own, settings, seal, memory, text)
        case letters.BEGIN | letters.KEEP:
            _kept(own, settings, memory, kind[0], int.from_bytes(text, "little"))
            return letter(kind[0])
        case letters.END:
            return letter(letters.REPORT, json.dumps(_report(own, settings)).encode())
        case _:
            raise fail("PPC689", "A letter came that may not come here.", hint="Use one version of ppc.")


def _turn(own: Participant, settings: Settings, seal: Seal | None, memory: Memory, text: bytes) -> bytes:
    """On shares, that of the second aggregator goes with that of the server, sealed."""

    def spend(uploads: int) -> None:
        if settings.kept is not None and own.facts.noise.kind != "none":
            count_uploads(settings.kept, own.number, uploads)

    if seal is None:
        ((kind, update),) = turned(own, text, spend, memory)
        return letter(kind, update)
    record, text = text[:RECORD], text[RECORD:]
    seal.check(seal.members + 1, record)
    (_, theirs), (kind, ours) = turned(own, text, spend, memory)
    return letter(kind, ours + seal.sealed(seal.members + 1, record, text[:TAG], theirs))


def _kept(own: Participant, settings: Settings, memory: Memory, kind: int, rounds: int) -> None:
    """A checkpoint, or going on from one."""
    if settings.kept is None:
        return
    if kind == letters.KEEP:
        keep_participant(settings.kept, own, rounds)
        return
    if rounds and not resumed_participant(settings.kept, own, rounds) and own.facts.aggregate == "additive":
        passed_over(settings.kept, own, rounds, memory)
    if own.facts.noise.kind != "none":
        own.uploads = max(own.exchanges, uploads_before(settings.kept, own.number))


def _report(own: Participant, settings: Settings) -> dict[str, float]:
    test = examples.test(settings, own.network)
    return {"accuracy": own.accuracy(*test)} if test else {}
