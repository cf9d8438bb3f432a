"""Membership from the stream of opened losses: which of two examples does a worker have?

The attacker is another worker: it knows its own loss, the victim's other examples, first weights and order. It trains
the victim's model with the one example and with the other, and looks which losses fit the opened sums better; for the
losses of the remaining workers, of whom it knows nothing, it takes its own. With two workers nothing remains: what is
left of the sum is the victim's loss, and tells for certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ppc.audit.federated.victim import Victim
from ppc.collaborative import Worker
from ppc.ir.collaborative import Collaborative

OWN = 24  # examples of a worker
ROUNDS = 12
POOL = 12  # workers whose streams stand for the others


@dataclass(frozen=True)
class Game:
    """`streams` are those of workers with other examples, a row each."""

    victim: Victim
    facts: Collaborative
    own: int
    streams: Tensor
    seed: int


def game(victim: Victim, facts: Collaborative, seed: int) -> Game:
    own = max(2, min(OWN, len(victim.labels) // (POOL + 1)))
    facts = replace(facts, batch=min(facts.batch, own))
    streams = [_stream(victim, facts, number, slice(number * own, (number + 1) * own), seed) for number in range(POOL)]
    return Game(victim, facts, own, torch.stack(streams), seed)


def right(found: Game, workers: int, trials: int) -> int:
    """How often the attacker tells which example it is, of a sum over so many workers."""
    coins = torch.Generator().manual_seed(found.seed + workers)
    return sum(_told(found, workers, coins) for _ in range(trials))


def _told(found: Game, workers: int, coins: torch.Generator) -> bool:
    """The victim is the worker behind the pool; its last example is one of two."""
    first = POOL * found.own
    free = torch.arange(first, len(found.victim.labels))
    drawn = free[torch.randperm(len(free), generator=coins)]
    if len(drawn) < found.own + 1:
        drawn = torch.cat([drawn, torch.arange(found.own + 1 - len(drawn))])
    common, pair = drawn[: found.own - 1], drawn[found.own - 1 : found.own + 1]
    streams = [_stream_of(found, torch.cat([common, one[None]])) for one in pair]
    others = torch.randperm(POOL, generator=coins)[torch.arange(workers - 1) % POOL]
    truth = int(torch.randint(2, (), generator=coins))
    opened = streams[truth] + found.streams[others].sum(0)
    left = opened - (workers - 1) * found.streams[others[0]]
    errors = [float((left - one).square().sum()) for one in streams]
    return errors[truth] < errors[1 - truth]


def _stream_of(found: Game, places: Tensor) -> Tensor:
    return _stream(found.victim, found.facts, POOL, places, found.seed)


def _stream(victim: Victim, facts: Collaborative, number: int, places: Tensor | slice, seed: int) -> Tensor:
    """The losses of a worker that trains alone: what the others open changes no weight of it."""
    worker = Worker(
        number,
        replace(facts, feedback="none"),
        victim.network,
        victim.images[places],
        victim.labels[places],
        victim.weights,
        seed,
    )
    return torch.tensor(_losses(worker))


def _losses(worker: Worker) -> Sequence[float]:
    found: list[float] = []
    for _ in range(ROUNDS):
        found.append(worker.ahead())
        worker.step(0.0)
    return found
