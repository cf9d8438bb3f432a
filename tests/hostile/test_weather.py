"""Honest parties with a bad network between them: the right answer, or a code that names the message and the party.

pytest tests/hostile/test_weather.py             a few sessions of each kind
pytest tests/hostile/test_weather.py -m long   200 sessions, drawn
"""

from __future__ import annotations

import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ppc.errors import PpcError
from ppc.runtime.roles import request
from ppc.runtime.roles.meeting import Terms
from tests.hostile import world as first
from tests.hostile.proxy import HERE, Proxy, Weather
from tests.hostile.table_frames import MESSAGE
from tests.hostile.test_behaviours import right, staged
from tests.hostile.verdicts import NAMED
from tests.hostile.workloads import INFERENCE
from tests.hostile.world import CALM, Honest, World

AT_ONCE = 8
MANY = 200
LONGEST = 60.0  # seconds in which two parties end, on a machine that does other things too
CODES = {"goodbye": "PPC652", "reset": "PPC652", "silence": "PPC65[23]"}  # who is silent is left by the other, too


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    yield from staged(INFERENCE, tmp_path_factory.mktemp("weather"))


@dataclass(frozen=True)
class Ended:
    """Two parties after their session, and what passed between them."""

    parties: dict[str, Honest]
    passed: int

    @property
    def errors(self) -> list[PpcError]:
        found = [one.failed for one in self.parties.values()]
        assert all(error is None or isinstance(error, PpcError) for error in found), found
        return [error for error in found if isinstance(error, PpcError)]


def session(world: World, weather: Weather, terms: Terms = CALM) -> Ended:
    server, listener = first.server(world, terms)
    proxy = Proxy((HERE, listener.port), weather)
    parties = {"client": first.client(world, proxy.address, terms), "server": server}
    try:
        for one in parties.values():
            one.thread.join(LONGEST)
            assert not one.thread.is_alive(), f"the {one.role} hangs"
    finally:
        proxy.close()
    return Ended(parties, proxy.passed)


@contextmanager
def cut_in_the_middle(world: World, how: str) -> Generator[Weather]:
    """Behind the greetings, and before the last message."""
    whole = session(world, Weather())
    assert right(world, whole.parties)
    run = request.predicted(request.stretches(world.bundles["client"], world.request))
    yield Weather(after=whole.passed - sum(run.sent) // 2, how=how)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("weather", [Weather(delay=0.03), Weather(rate=100_000), Weather(delay=0.01, rate=200_000)])
def test_slow_is_not_wrong(tiny: World, weather: Weather) -> None:
    found = session(tiny, weather)

    assert found.errors == []
    assert right(tiny, found.parties)


@pytest.mark.parametrize("how", CODES)
def test_a_cut_names_the_message_and_the_party(tiny: World, how: str) -> None:
    with cut_in_the_middle(tiny, how) as weather:
        found = session(tiny, weather, replace(CALM, idle=1.0))

    assert len(found.errors) == 2
    for error in found.errors:
        assert re.fullmatch(CODES[how], error.diagnostics[0].code), error
        assert re.search(f"(?i){MESSAGE}", str(error)), error
        assert NAMED.search(str(error)), error
    assert all(one.results is None for one in found.parties.values())


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6])
def test_a_cut_of_the_greetings(tiny: World, part: float) -> None:
    """Before any message of the plan there is none to name; who is waited for is known by address at least."""
    whole = session(tiny, Weather()).passed
    found = session(tiny, Weather(after=int(part * whole)), replace(CALM, patience=1.0, handshake=2.0, idle=1.0))

    assert found.errors
    assert all(re.match("PPC6[56]", error.diagnostics[0].code) for error in found.errors), found.errors
    assert all(NAMED.search(str(error)) for error in found.errors), found.errors


def test_what_was_cut_is_never_used_again(tiny: World) -> None:
    """Its pair of files is burnt at both; another try wants, and takes, another one."""
    with cut_in_the_middle(tiny, "reset") as weather:
        files = tiny.with_files()
        assert len(session(files, weather).errors) == 2
    burnt = {role: files.used(role) for role in ("client", "server")}
    assert [len(pairs) for pairs in burnt.values()] == [1, 1]

    again = session(files, Weather())
    assert {error.diagnostics[0].code for error in again.errors} >= {"PPC559"}
    files.dealt()
    assert right(files, session(files, Weather()).parties)
    assert all(files.used(role) > pairs and len(files.used(role)) == 2 for role, pairs in burnt.items())


def drawn(seed: int, whole: int) -> Weather:
    """Any of them; two in three are cut somewhere."""
    draw = np.random.default_rng(seed)
    return Weather(
        delay=float(draw.choice([0.0, 0.001, 0.01, 0.05, 0.2])),
        rate=float(draw.choice([10_000, 100_000, 1e6, np.inf])),
        after=int(draw.uniform(0, whole)) if draw.uniform() < 2 / 3 else None,
        how=tuple(CODES)[int(draw.integers(len(CODES)))],  # pyright: ignore[reportArgumentType]
    )


@pytest.mark.long
def test_any_weather(tiny: World) -> None:
    """A right answer, or an error with a code; never another answer."""
    whole = session(tiny, Weather()).passed
    terms = replace(CALM, patience=2.0, idle=2.0)

    def one(seed: int) -> str:
        weather = drawn(seed, whole)
        found = session(tiny, weather, terms)
        if not found.errors:
            return "" if right(tiny, found.parties) else f"{seed}, {weather}: a wrong answer"
        codes = [error.diagnostics[0].code for error in found.errors]
        return "" if all(code.startswith("PPC6") for code in codes) else f"{seed}, {weather}: {codes}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert [said for said in pool.map(one, range(MANY)) if said] == []
