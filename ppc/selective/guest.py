"""A participant as a process: takes its turns as the server gives them, until the server ends the training."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from ppc.errors import fail
from ppc.runtime.wire.letters import Letters
from ppc.selective import letters
from ppc.selective.message import decoded
from ppc.selective.participant import Participant

Rounds = Callable[[int], None]


def ignored(_: int) -> None:
    """Nothing is kept."""


def attend(
    participant: Participant,
    line: Letters,
    report: Callable[[], dict[str, float]],
    begin: Rounds = ignored,
    keep: Rounds = ignored,
    spend: Rounds = ignored,
) -> int:
    """All turns; the number of them. `begin` and `keep` are told rounds, `spend` the uploads, before each of them."""
    size = participant.layout.size
    allowed = letters.to_participant(participant.facts, size)
    turns = 0
    while True:
        kind, text = line.receive(allowed)
        if kind == letters.END:
            line.send(letters.REPORT, json.dumps(report()).encode())
            return turns
        if kind in (letters.BEGIN, letters.KEEP):
            (begin if kind == letters.BEGIN else keep)(int.from_bytes(text, "little"))
            continue
        if participant.spent:
            message = f"The server asks for another upload; the budget paid for {participant.uploads}."
            raise fail("PPC685", message, hint="The budget is in the program; a larger one is another training.")
        download = decoded(text, size=size, most=participant.facts.downloaded(size))
        update = participant.exchange(download)
        if not bool(np.isfinite(update.values).all()):
            message = "This participant's weights are no numbers any more: its training has diverged."
            raise fail("PPC682", message, hint="Use a smaller `rate`, or `clip`.")
        spend(participant.uploads)
        line.send(letters.UPDATE, update.encoded())
        turns += 1
