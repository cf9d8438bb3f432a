"""The kinds of letters between the server of a selective training and its participants, and how long each may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ppc.ir.selective import Selective
from ppc.selective.adding import TAG
from ppc.selective.message import Sparse

TURN = 1  # to a participant: coordinates to take over; its update is waited for
UPDATE = 2  # to the server
END = 3  # to a participant: the training is over
REPORT = 4  # to the server: JSON, the participant's accuracy at the end
KEEP = 5  # to a participant: write a checkpoint of so many rounds, u64
BEGIN = 6  # to a participant that has come: the rounds that are over, u64; to the second aggregator: `known`

SHARE = 7  # to both aggregators: a share of an update
ADD = 8  # to the second aggregator: the tag of a round, and whose shares are to be added, u32 each
TOTAL = 9  # to the server: their sum
GIVEN = 10  # to the server: the tag of a sum that was given out before, over others

LONGEST_REPORT = 4096


def to_participant(facts: Selective, parameters: int) -> dict[int, int]:
    tag = TAG if facts.aggregate == "additive" else 0
    return {TURN: tag + Sparse.predicted_bytes(facts.downloaded(parameters)), END: 0, KEEP: 8, BEGIN: 8}


def update(facts: Selective, parameters: int) -> dict[int, int]:
    return {UPDATE: Sparse.predicted_bytes(facts.uploaded(parameters))}


class Line(Protocol):
    """The server's end of what leads to a participant, on whatever engine."""

    def send(self, kind: int, text: bytes = b"") -> None: ...

    def receive(self, longest: Mapping[int, int]) -> tuple[int, bytes]: ...

    def close(self) -> None: ...
