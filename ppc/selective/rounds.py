"""A whole training in one process: what every engine must agree with where the order is fixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ppc.ir.selective import Selective
from ppc.learning.claims import counted
from ppc.selective.adding import TAG, mean_update, share_bytes
from ppc.selective.message import Sparse
from ppc.selective.orders import events, turns
from ppc.selective.participant import Participant
from ppc.selective.server import ParameterServer


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One exchange that happened."""

    round: int
    participant: int
    staleness: int
    coordinates: int
    bytes_up: int
    bytes_down: int


def train(
    facts: Selective, server: ParameterServer, participants: Sequence[Participant], seed: int = 0
) -> Iterator[Progress]:
    """One exchange after the other; stop asking, and the training stops there."""
    if facts.order == "asynchronous":
        yield from _asynchronous(facts, server, participants, seed)
        return
    if facts.aggregate == "additive":
        yield from _pooled(facts, server, participants)
        return
    each = exchanges(facts, examples(participants))
    for number in range(facts.rounds):
        for one in turns(facts, number, seed):
            for _ in range(each[one]):
                if not participants[one].spent:
                    download = server.download(facts.downloaded(len(server.vector)))
                    yield _added(number, one, server, download, participants[one].exchange(download))


def examples(participants: Sequence[Participant]) -> dict[int, int]:
    return {one.number: len(one.labels) for one in participants}


def exchanges(facts: Selective, claims: Mapping[int, int]) -> dict[int, int]:
    """The exchanges of each in a round, by the examples of each that count."""
    return {one: exchanges_a_round(facts, count) for one, count in counted(claims).items()}


def exchanges_a_round(facts: Selective, examples: int) -> int:
    """One after the local epochs, or one each few batches of them."""
    if not facts.exchange:
        return 1
    return ceil(facts.local_epochs * ceil(examples / facts.batch) / facts.exchange)


def _pooled(facts: Selective, server: ParameterServer, participants: Sequence[Participant]) -> Iterator[Progress]:
    """Everybody from the same vector, and the mean of all."""
    size, each = len(server.vector), max(exchanges(facts, examples(participants)).values())
    for number in range(facts.rounds * each):
        download = server.download(facts.downloaded(size))
        there = [one for one in participants if not one.spent]
        if not there:
            return
        sums = sum((one.contribution(download) for one in there), np.zeros(facts.shared(size), np.int64))
        server.upload(mean_update(facts, size, download.version, sums, len(there)))
        for one in there:
            yield Progress(
                round=number // each,
                participant=one.number,
                staleness=0,
                coordinates=facts.shared(size),
                bytes_up=share_bytes(facts.shared(size)),
                bytes_down=TAG + Sparse.predicted_bytes(len(download)),
            )


def _asynchronous(
    facts: Selective, server: ParameterServer, participants: Sequence[Participant], seed: int
) -> Iterator[Progress]:
    each = max(exchanges(facts, examples(participants)).values())
    held: dict[int, Sparse] = {}
    done = 0
    for one, downloads in events(facts, facts.rounds * each, seed):
        if participants[one].spent:
            continue
        if downloads:
            held[one] = server.download(facts.downloaded(len(server.vector)))
            continue
        download = held.pop(one)
        yield _added(done // (each * len(participants)), one, server, download, participants[one].exchange(download))
        done += 1


def _added(number: int, one: int, server: ParameterServer, download: Sparse, update: Sparse) -> Progress:
    return Progress(
        round=number,
        participant=one,
        staleness=server.upload(update),
        coordinates=len(update),
        bytes_up=Sparse.predicted_bytes(len(update)),
        bytes_down=Sparse.predicted_bytes(len(download)),
    )
