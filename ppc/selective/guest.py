"""A participant as a process: takes its turns as the server gives them, until the server ends the training."""

from __future__ import annotations

import json
from collections.abc import Callable

from ppc.errors import fail
from ppc.runtime.wire.letters import Letters
from ppc.selective import letters
from ppc.selective.adding import TAG, share_text
from ppc.selective.message import decoded
from ppc.selective.participant import Participant
from ppc.selective.remembered import Memory, refused_twice
from ppc.sharing import shares

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
    second: Letters | None = None,
    memory: Memory | None = None,
) -> int:
    """All turns; the number of them. `begin` and `keep` are told rounds, `spend` the uploads, before each of them.

    `second` leads to the second aggregator, where updates are shared, and `memory` has under which tags.
    """
    memory = memory or Memory()
    allowed = letters.to_participant(participant.facts, participant.layout.size)
    turns = 0
    while True:
        kind, text = line.receive(allowed)
        if kind == letters.END:
            line.send(letters.REPORT, json.dumps(report()).encode())
            return turns
        if kind in (letters.BEGIN, letters.KEEP):
            (begin if kind == letters.BEGIN else keep)(int.from_bytes(text, "little"))
            continue
        to = (second, line) if second else (line,)
        for there, made in zip(to, turned(participant, text, spend, memory), strict=True):
            there.send(*made)
        turns += 1


def turned(participant: Participant, text: bytes, spend: Rounds, memory: Memory) -> list[tuple[int, bytes]]:
    """What a turn makes: an update; on shares, that for the second aggregator and that for the server."""
    if participant.spent:
        message = f"The server asks for another upload; the budget paid for {participant.uploads}."
        raise fail("PPC685", message, hint="The budget is in the program; a larger one is another training.")
    size, shared = participant.layout.size, participant.facts.aggregate == "additive"
    tag, text = (text[:TAG], text[TAG:]) if shared else (b"", text)
    download = decoded(text, size=size, most=participant.facts.downloaded(size))
    if shared:
        refused_twice(memory, participant.exchanges + 1, tag)
        values = participant.contribution(download)
        made = [(letters.SHARE, share_text(tag, share)) for share in shares(values, 2)]
    else:
        made = [(letters.UPDATE, participant.exchange(download).encoded())]
    still_numbers(participant)
    spend(participant.uploads)
    if shared:
        memory.add(str(participant.exchanges), tag.hex())
    return made


def still_numbers(participant: Participant) -> None:
    """Before anything of a turn is sent."""
    if not all(bool(tensor.isfinite().all()) for tensor in participant.weights.values()):
        message = "This participant's weights are no numbers any more: its training has diverged."
        raise fail("PPC682", message, hint="Use a smaller `rate`, or `clip`.")
