"""A session is dealt for once: a second time it is refused, whoever asks, and however many others were there since."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ppc.errors import PpcError
from ppc.runtime.roles import meeting
from ppc.runtime.roles.dealt import LiveDealt
from ppc.runtime.roles.remembered import Remembered
from tests.hostile.test_behaviours import staged
from tests.hostile.workloads import INFERENCE
from tests.hostile.world import CALM, World

SESSION, OTHER = bytes(range(16)), bytes(range(1, 17))


@pytest.fixture
def tiny(tmp_path: Path) -> Generator[World]:
    yield from staged(INFERENCE, tmp_path)


def met(world: World, role: str, session: bytes) -> LiveDealt:
    """A party at the dealer, with its seed."""
    bundle, ring, brought = world.bundles[role], world.ring(role), world.brought[role]
    return meeting.meet_dealer(bundle, ring, world.dealer, session, world.request, CALM, brought)


def both(world: World, session: bytes) -> None:
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(met, world, role, session) for role in ("client", "server")]
    for one in asked:
        one.result().close()


def test_a_session_is_dealt_for_once(tiny: World) -> None:
    both(tiny, SESSION)
    for role in ("client", "server"):
        with pytest.raises(PpcError) as caught:
            met(tiny, role, SESSION)

        assert [one.code for one in caught.value.diagnostics] == ["PPC667"]
        assert "This session was dealt for already" in str(caught.value)
    both(tiny, OTHER)


def test_the_latest_are_remembered() -> None:
    """In memory that does not grow."""
    found, names = Remembered(3), [bytes([number] * 16) for number in range(5)]
    assert names[0] not in found
    for number, name in enumerate(names):
        found.add(name)

        assert [one in found for one in names] == [number - 3 < place <= number for place in range(5)]
