"""Two honest parties whose files or ledgers do not fit: both say what differs, and nothing is used up at either."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from ppc.errors import PpcError
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.record import Seen
from tests.hostile import world
from tests.hostile.test_behaviours import staged
from tests.hostile.workloads import INFERENCE
from tests.hostile.world import CALM, HERE, World

OTHER = {"client": "server", "server": "client"}


@pytest.fixture
def tiny(tmp_path: Path) -> Generator[World]:
    yield from staged(INFERENCE, tmp_path)


def restored(tiny: World, role: str) -> None:
    """The other party's ledger was longer once."""
    Ledger(tiny.hosts[role] / "ledger").see(tiny.ring(OTHER[role]).own.fingerprint, Seen(7, "ab" * 32))


def emptied(tiny: World, role: str) -> None:
    for path in (tiny.hosts[role] / "prep").iterdir():
        path.unlink()


@pytest.mark.parametrize(("spoil", "code"), [(restored, "PPC558"), (emptied, "PPC559")])
@pytest.mark.parametrize("role", ["client", "server"])
def test_both_say_what_differs(tiny: World, spoil: Callable[[World, str], None], code: str, role: str) -> None:
    here = tiny.with_files()
    spoil(here, role)
    server, listener = world.server(here, CALM)
    parties = {"server": server, "client": world.client(here, (HERE, listener.port), CALM)}
    for party in parties.values():
        party.thread.join(CALM.idle)
    here_failed, there_failed = parties[role].failed, parties[OTHER[role]].failed

    assert isinstance(here_failed, PpcError)
    assert isinstance(there_failed, PpcError)
    assert here_failed.diagnostics[0].code == code
    assert there_failed.diagnostics[0].code == "PPC667"
    assert f"The {here.ring(role).own} refused: {code}: " in str(there_failed)
    assert str(here.folder) not in str(there_failed)
    assert here.used("client") == here.used("server") == frozenset()
