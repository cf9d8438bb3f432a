"""Messages changed at random, at a random place of a whole session: whoever is honest ends in time, with a code or a
result, and shows nothing of what it has.

    pytest tests/hostile/test_random_behaviours.py            72 sessions
    pytest tests/hostile/test_random_behaviours.py -m long  3,000
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest

from tests.hostile.mouth import Deed, Mouth
from tests.hostile.mutate import mutated
from tests.hostile.stage import Behaviour, play
from tests.hostile.test_behaviours import found, staged
from tests.hostile.workloads import INFERENCE
from tests.hostile.world import World

QUICK, MANY = 24, 1_000  # sessions of each role
ROLES = ("client", "server", "dealer")
THEN = (Mouth.hang_up, Mouth.reset, Mouth.goodbye, None, None, None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    yield from staged(INFERENCE, tmp_path_factory.mktemp("random"))


def drawn(seed: int) -> Deed:
    """What was meant, or something that was said before, changed; and after it perhaps an end."""

    def deed(mouth: Mouth, data: bytes) -> None:
        draw = np.random.default_rng(seed)
        said = [meant for _, meant, _ in mouth.transcript]
        meant = said[int(draw.integers(len(said)))] if draw.integers(4) == 0 else data
        other = mutated(draw, meant)
        mouth.write(other if other != data else data + b"\0")
        then = THEN[int(draw.integers(len(THEN)))]
        if then is not None:
            then(mouth)

    return deed


def places(world: World, who: str) -> list[str]:
    """All of an honest session."""
    honest = play(world, Behaviour("honest", who, "", drawn(0), "", believed=True))
    return [point for point, _, _ in honest.mouth.transcript]


def behaviours(world: World, count: int) -> list[Behaviour]:
    """Nobody can tell all of them: a number below p may be any. So no code is asked for."""
    made: list[Behaviour] = []
    for who in ROLES:
        points = places(world, who)
        for seed in range(count):
            at = points[seed % len(points)]
            made.append(Behaviour(f"{who}, seed {seed}: {at}", who, at, drawn(seed), "", quick=True, believed=True))
    return made


def test_random_behaviours(world: World) -> None:
    assert found(world, behaviours(world, QUICK)) == {}


@pytest.mark.long
def test_many_random_behaviours(world: World) -> None:
    assert found(world, behaviours(world, MANY)) == {}
