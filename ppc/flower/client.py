"""A participant's answer to one letter. Between two letters its state is in Flower's hands, as bytes."""

from __future__ import annotations

import json
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ppc.errors import PpcError, fail
from ppc.flower.mail import FAILED, WHO, letter
from ppc.flower.settings import Settings
from ppc.flower.subject import subject
from ppc.selective import Participant, letters
from ppc.selective.guest import still_numbers
from ppc.selective.members import labelled, part
from ppc.selective.message import decoded
from ppc.selective.state import count_uploads, keep_participant, resumed_participant, uploads_before


def answer(program: str, settings: Settings, text: bytes, state: bytes) -> tuple[bytes, bytes]:
    """The answer, and the state behind it. Whatever goes wrong is said to the server, which goes on without us."""
    try:
        own = participant(program, settings, state)
        return _answered(own, settings, text), state_of(own)
    except PpcError as error:
        why = f"{error.diagnostics[0].message} {error.diagnostics[0].hint}".strip()
        return letter(FAILED, why.encode()[:1000]), state


def participant(program: str, settings: Settings, state: bytes) -> Participant:
    """As it was left; with its first weights, where it was never there."""
    found = subject(program)
    if not 1 <= settings.number <= found.facts.participants:
        message = f"This node is number {settings.number} of {found.facts.participants} participants."
        raise fail(
            "PPC689", message, hint='Start its SuperNode with `--node-config "partition-id=0 num-partitions=N"`.'
        )
    images, labels = _examples(program, settings)
    first = found.first_weights(settings.weights, settings.seed)
    own = Participant(settings.number - 1, found.facts, found.network, images, labels, first, settings.seed)
    if state:
        with np.load(BytesIO(state), allow_pickle=False) as held:
            own.weights = {name: torch.from_numpy(held[name].copy()) for name in own.weights}
            own.exchanges, own.steps, own.uploads = (int(one) for one in held["head"])
    return own


def state_of(own: Participant) -> bytes:
    held = BytesIO()
    arrays = {name: tensor.numpy() for name, tensor in own.weights.items()}
    arrays["head"] = np.array([own.exchanges, own.steps, own.uploads], np.int64)
    np.savez(held, **arrays)  # pyright: ignore[reportArgumentType]
    return held.getvalue()


def _examples(program: str, settings: Settings) -> tuple[Tensor, Tensor]:
    if not settings.data:
        hint = "Name the examples: `--run-config 'data=\"digits:1000,part=train\"'`, or in the `--node-config` of each."
        raise fail("PPC508", "There is nothing to learn from.", hint=hint)
    rows = _read(settings.data, program)
    return part(rows, settings.number, subject(program).facts.participants, settings.each) if settings.shared else rows


@cache
def _read(data: str, program: str) -> tuple[Tensor, Tensor]:
    """Once in a process."""
    return labelled(Path(data), subject(program).network)


def _answered(own: Participant, settings: Settings, text: bytes) -> bytes:
    kind, text = text[0], text[1:]
    match kind:
        case x if x == WHO:
            said = {"number": own.number + 1, "examples": len(own.labels), "uploads": own.uploads}
            return letter(WHO, json.dumps(said).encode())
        case letters.TURN:
            return letter(letters.UPDATE, _turn(own, settings, text))
        case letters.BEGIN | letters.KEEP:
            _kept(own, settings, kind, int.from_bytes(text, "little"))
            return letter(kind)
        case letters.END:
            return letter(letters.REPORT, json.dumps(_report(own, settings)).encode())
        case _:
            raise fail("PPC689", f"A letter of kind {kind} may not come here.", hint="Use one version of ppc.")


def _turn(own: Participant, settings: Settings, text: bytes) -> bytes:
    if own.spent:
        message = f"The server asks for another upload; the budget paid for {own.uploads}."
        raise fail("PPC685", message, hint="The budget is in the program; a larger one is another training.")
    size = own.layout.size
    update = own.exchange(decoded(text, size=size, most=own.facts.downloaded(size)))
    still_numbers(own)
    if settings.kept is not None and own.facts.noise.kind != "none":
        count_uploads(settings.kept, own.number, own.uploads)
    return update.encoded()


def _kept(own: Participant, settings: Settings, kind: int, rounds: int) -> None:
    """A checkpoint, or going on from one."""
    if settings.kept is None:
        return
    if kind == letters.KEEP:
        keep_participant(settings.kept, own, rounds)
        return
    if rounds:
        resumed_participant(settings.kept, own, rounds)
    if own.facts.noise.kind != "none":
        own.uploads = max(own.exchanges, uploads_before(settings.kept, own.number))


def _report(own: Participant, settings: Settings) -> dict[str, float]:
    if not settings.test:
        return {}
    return {"accuracy": own.accuracy(*labelled(Path(settings.test), own.network))}
