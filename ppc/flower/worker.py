"""A worker of a collaborative training, at its node: what it answers to one letter. Shares leave it sealed.

Its state keeps it from answering twice: a loss is of the next batch, the share that is kept of a call is thrown away
with the answer, and a call must be later than the one before. One that goes on from a checkpoint shares a loss again
among the same workers only, and sits the round out else. One that has refused, or whose training has diverged,
takes no part in this run any more, and says why to whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import randbits
from typing import Any

import numpy as np
import torch

from ppc.collaborative import Worker, letters
from ppc.collaborative.answered import Answered
from ppc.collaborative.member import Member, unasked
from ppc.collaborative.state import SEED_BITS, Spent, keep_worker, resumed_worker
from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.files import make_folder
from ppc.flower import examples, parts
from ppc.flower.held import Arrays, held, read
from ppc.flower.mail import FAILED, WHO, letter
from ppc.flower.ring import seal_of
from ppc.flower.sealing import RECORD, Seal
from ppc.flower.settings import Settings
from ppc.flower.subject import Crew, training_id
from ppc.learning.network import as_weights
from ppc.sharing import shares, total
from ppc.weights import save


def answer(crew: Crew, settings: Settings, text: bytes, state: bytes) -> tuple[bytes, bytes]:
    """The answer, and the state behind it."""
    head, arrays = read(state)
    if head.get("training") != training_id(crew.program, settings).hex():
        head, arrays = {}, {}
    if "out" in head:
        raise fail("PPC687", head["out"], hint="It has left this run: start the run again, or its SuperNode.")
    own = Apart.of(crew, settings, head, arrays)
    try:
        return own.answer(text), own.state()
    except PpcError as error:
        if text[:1] == bytes([WHO]):
            raise
        why = error.diagnostics[0].message
        return letter(FAILED, why.encode()[:1000]), held({"training": own.seal.training.hex(), "out": why}, {})


@dataclass(kw_only=True)
class Apart:
    """A worker between two letters. `kept` is its own share of what it has split, with who takes part in that call."""

    crew: Crew
    settings: Settings
    member: Member
    seal: Seal
    there: bool = False  # it has begun
    waits: bool = False  # for the sum of the losses
    call: bytes = b""
    records: bytes = b""
    kept: Words | None = None
    last: int = 0  # attempt

    @staticmethod
    def of(crew: Crew, settings: Settings, head: Mapping[str, Any], arrays: Arrays) -> Apart:
        """As it was left; with its first weights, where it was never there."""
        seal = seal_of(crew, settings, head)
        assert seal is not None
        own = Apart(crew=crew, settings=settings, member=_member(crew, settings, head), seal=seal)
        if head:
            own._as_left(head, arrays)
        return own

    def state(self) -> bytes:
        worker = self.member.worker
        head = {
            **self.seal.kept(),
            "there": self.there,
            "waits": self.waits,
            "call": self.call.hex(),
            "records": self.records.hex(),
            "last": self.last,
            "taken": worker.taken,
            "loss": worker.loss,
            "weight": worker.weight,
            "seed": worker.seed,
            "voted": [self.member.voted, self.member.queried],
        }
        arrays = {f"weight {name}": tensor.detach().numpy() for name, tensor in worker.weights.items()}
        if self.waits:
            arrays |= {f"gradient {place}": one.numpy() for place, one in enumerate(worker.gradients)}
        if self.kept is not None:
            arrays["kept"] = self.kept
        return held(head, arrays)

    def _as_left(self, head: Mapping[str, Any], arrays: Arrays) -> None:
        self.there, self.waits, self.last = head["there"], head["waits"], head["last"]
        self.call, self.records = bytes.fromhex(head["call"]), bytes.fromhex(head["records"])
        self.kept = arrays.get("kept")
        self.member.voted, self.member.queried = head["voted"]
        worker = self.member.worker
        worker.go_on({name: torch.from_numpy(arrays[f"weight {name}"]) for name in worker.weights}, head["taken"])
        worker.loss, worker.weight = head["loss"], head["weight"]
        gradients = (f"gradient {place}" for place in range(len(worker.network.learned)))
        worker.gradients = tuple(torch.from_numpy(arrays[name]) for name in gradients) if self.waits else ()

    # ---- letters ----

    def answer(self, text: bytes) -> bytes:
        """What is to be answered is the last part."""
        if text[:1] == bytes([WHO]):
            return letter(WHO, json.dumps(self._who()).encode())
        if text[:1] != bytes([parts.BUNDLE]):
            raise unasked()
        said = b""
        for kind, part in parts.parts_of(text[1:]):
            said = self._answered(kind, part)
        return said

    def _who(self) -> dict[str, Any]:
        return {
            "number": self.settings.number,
            "examples": len(self.member.worker.labels),
            "public": examples.digest(self.member.public),
            "key": self.seal.record.hex(),
        }

    def _answered(self, kind: int, text: bytes) -> bytes:
        match kind:
            case letters.BEGIN:
                self._begin(int.from_bytes(text, "little"))
            case letters.OPENED | letters.VOID:
                self._learned(text if kind == letters.OPENED else None)
            case parts.KEYS:
                self.records = text
            case letters.ROUND | letters.VOTE:
                return self._split(kind, text)
            case parts.RELAYED:
                return self._added(text)
            case letters.KEEP:
                self.member.keep(int.from_bytes(text, "little"))
                return letter(letters.REPORT, json.dumps(self.member.report()).encode())
            case _:
                raise unasked()
        return b""

    def _begin(self, over: int) -> None:
        """One that has lost nothing but its line goes on where it is: going back, it would meet the same losses."""
        self._learned(None)
        if not self.there:
            self.member.begun(over)
        self.there = True

    def _learned(self, opened: bytes | None) -> None:
        self.kept = None
        if self.waits:
            self.member.learned(letters.call_of(self.call)[2], opened)
        self.waits = False

    def _split(self, kind: int, text: bytes) -> bytes:
        """A share for every other worker, sealed; the own one is kept."""
        attempt, _, numbers = letters.call_of(text)
        if not self.there or self.waits or attempt <= self.last:
            raise unasked()
        records = parts.pieces(self.records, len(numbers), RECORD)
        for one, record in zip(numbers, records, strict=True):
            if one != self.seal.number:
                self.seal.check(one, record)
        self.last, self.call = attempt, text
        call = self.member.called(kind, text)
        self.waits = kind == letters.ROUND
        if call.withheld:
            return letter(letters.FAILED, b"[]")
        split = dict(zip(numbers, shares(call.values, len(numbers)), strict=True))
        self.kept = split[self.seal.number].ravel()
        purpose = _purpose(text)
        sealed = (
            self.seal.sealed(one, record, purpose, np.ascontiguousarray(split[one]).tobytes())
            for one, record in zip(numbers, records, strict=True)
            if one != self.seal.number
        )
        return letter(parts.SEALED, b"".join(sealed))

    def _added(self, text: bytes) -> bytes:
        """The sum of the shares that are here; if one is missing, whose."""
        own, self.kept = self.kept, None
        if own is None:
            raise unasked()
        numbers = letters.call_of(self.call)[2]
        records = dict(zip(numbers, parts.pieces(self.records, len(numbers), RECORD), strict=True))
        others = [one for one in numbers if one != self.seal.number]
        sealed = parts.pieces(text, len(others), parts.sealed_bytes(own.size))
        found = {
            one: self._share(one, records[one], share, own.size) for one, share in zip(others, sealed, strict=True)
        }
        if missing := [one for one, share in found.items() if share is None]:
            return letter(letters.FAILED, json.dumps(missing).encode())
        partial_sum = total([own, *(share for share in found.values() if share is not None)])
        return letter(letters.PARTIAL, np.ascontiguousarray(partial_sum).tobytes())

    def _share(self, one: int, record: bytes, sealed: bytes, elements: int) -> Words | None:
        """None where it cannot be opened, or is none."""
        text = self.seal.opened(one, record, _purpose(self.call), sealed)
        try:
            return None if text is None else letters.elements_of(text, elements)
        except PpcError:
            return None


def _purpose(call: bytes) -> bytes:
    """A share is good for one call: its attempt, and who takes part."""
    return b"ppc/flower/loss or votes|" + sha256(call).digest()


def _member(crew: Crew, settings: Settings, head: Mapping[str, Any]) -> Member:
    network = crew.network(crew.facts.model_of(settings.number))
    images, labels = examples.examples(settings, network, crew.members)
    seed = int(head["seed"]) if "seed" in head else settings.seed if settings.seeded else randbits(SEED_BITS)
    first = crew.first_weights(network, settings.weights, seed + settings.number)
    worker = Worker(settings.number - 1, crew.facts, network, images, labels, first, seed)
    return Member(
        worker=worker,
        begin=partial(_began, settings, worker),
        keep=partial(_kept, settings, worker),
        report=partial(_report, settings, worker),
        pate=crew.pate,
        public=examples.public(settings, network),
        spent=Spent.of(settings.kept, f"worker_{settings.number}"),
        answered=Answered.of(settings.kept, f"worker_{settings.number}"),
    )


def _began(settings: Settings, worker: Worker, over: int) -> None:
    if over and settings.kept is not None:
        resumed_worker(settings.kept, worker, over)


def _kept(settings: Settings, worker: Worker, over: int) -> None:
    """A checkpoint; after the last epoch the model, which is the node's own."""
    if settings.kept is not None:
        keep_worker(settings.kept, worker, over)
    if settings.output and over == worker.facts.epochs:
        worker.check_numbers()
        make_folder(Path(settings.output))
        path = Path(settings.output) / f"worker_{settings.number}.safetensors"
        save(path, as_weights(worker.weights), private=True)


def _report(settings: Settings, worker: Worker) -> dict[str, float]:
    test = examples.test(settings, worker.network)
    return {"accuracy": worker.accuracy(*test)} if test else {}
