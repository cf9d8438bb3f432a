"""A hostile party against honest ones: each behaviour ends with a code, in time, without a result, files burnt.

Many sessions at a time share this process; those that only the clock ends have limits of a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hostile.mouth import Mouth, deviations
from tests.hostile.stage import Behaviour, play
from tests.hostile.table import BEHAVIOURS
from tests.hostile.verdicts import problems
from tests.hostile.workloads import INFERENCE, WORKLOADS, Workload
from tests.hostile.world import Dealing, Honest, World, build, same

AT_ONCE = 12
AGAIN = 6.0  # by how much limits are longer the second time, where a busy machine was too slow for them


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    yield from staged(INFERENCE, tmp_path_factory.mktemp("tiny"))


def staged(work: Workload, folder: Path) -> Generator[World]:
    """A world with a dealer in it."""
    world = build(work, folder)
    dealing = Dealing(world)
    world.dealer = dealing.address
    yield world
    dealing.close()


def found(world: World, behaviours: Iterable[Behaviour]) -> dict[str, list[str]]:
    """By behaviour, what is wrong; those of which something is, are played again with longer limits."""
    answer = world.work.answer(world.brought)

    def wrong(behaviour: Behaviour) -> list[str]:
        first = list(problems(play(world, behaviour), answer))
        return first and list(problems(play(world, behaviour, AGAIN), answer))

    behaviours = list(behaviours)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = pool.map(wrong, behaviours)
        return {behaviour.name: row for behaviour, row in zip(behaviours, results, strict=True) if row}


def test_there_are_enough() -> None:
    """Of each kind; and each has a name of its own."""
    names = Counter(behaviour.name for behaviour in BEHAVIOURS)
    kinds = Counter(name.partition(":")[0] for name in names)

    assert max(names.values()) == 1
    assert len(names) >= 300
    assert set(kinds) == {"stranger", "client", "server", "dealer", "client, files", "server, files"}
    assert min(kinds.values()) >= 20


def test_every_behaviour(tiny: World) -> None:
    assert found(tiny, BEHAVIOURS) == {}


@pytest.mark.long
@pytest.mark.parametrize("work", WORKLOADS, ids=lambda work: work.name)
def test_every_behaviour_in_larger_programs(work: Workload, tmp_path: Path) -> None:
    for world in staged(work, tmp_path):
        assert found(world, BEHAVIOURS) == {}


# ---- the positive control ----


@pytest.mark.parametrize("files", [False, True], ids=["live", "files"])
@pytest.mark.parametrize("who", ["client", "server", "dealer"])
def test_an_honest_second_party_gets_the_right_answer(tiny: World, who: str, files: bool) -> None:
    """Through the same harness, with nothing to do but to be honest."""
    scene = play(tiny, Behaviour("honest", who, "", left_alone, "", files=files and who != "dealer", believed=True))
    honest = {one.role: one for one in scene.honest}

    assert not deviations(scene.mouth)
    assert [one.failed for one in scene.honest] == [None] * len(honest)
    assert right(tiny, honest)


def left_alone(_mouth: Mouth, _data: bytes) -> None:
    raise AssertionError("there is no such place")


def right(world: World, honest: dict[str, Honest]) -> bool:
    answer = world.work.answer(world.brought)
    return all(same(one.results, answer.get(role, {})) for role, one in honest.items())
