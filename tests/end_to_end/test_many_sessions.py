"""A serving server and a dealer with many clients at once, over sockets and TLS of this machine, in threads.

Every client has examples of its own, so an answer that belongs to another one would be seen.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from ppc import bundle, bundling
from ppc.bundle import Bundle
from ppc.passes.checks.verdict import accepted
from ppc.reference import evaluate
from ppc.runtime.keyring import Keyring, open_folder, throw_away
from ppc.runtime.roles import meeting
from ppc.runtime.roles.brought import Array, Brought
from ppc.runtime.roles.deal import DealerService
from ppc.runtime.roles.service import Service
from ppc.runtime.wire.link import Address, Link
from ppc.runtime.wire.listener import Listener
from ppc.weights import initial
from tests.end_to_end.machines import PARTIES, TINY
from tests.end_to_end.one_session import TERMS, Client, session

HERE = "127.0.0.1"
AT_ONCE = 32


@dataclass
class House:
    """Everything that a client needs, and what the answers should be."""

    bundles: dict[str, Bundle]
    rings: dict[str, Keyring]
    weights: dict[str, Array]
    server: Address = (HERE, 0)
    dealer: Address = (HERE, 0)

    def client(self, number: int) -> tuple[Array, Array]:
        """What a client gets, and the examples of which it should be the answer."""
        return Client(self.bundles["client"], self.rings["client"], self.server, self.dealer).ask(number)


def answer(lowered_graph: object, weights: dict[str, Array], rows: Array) -> Array:
    return np.asarray(evaluate(lowered_graph, {**weights, "row": rows})["result"])  # pyright: ignore[reportArgumentType]


@contextmanager
def house(folder: Path) -> Generator[House]:
    made = bundling.at_batches(TINY, batches=(2,))
    home = bundle.write(bundling.program(made), folder / "build")
    bundles = {role: bundle.read(home / role, accepted) for role in PARTIES}
    rings = {role: open_folder(path) for role, path in throw_away(folder / "certificates", PARTIES).items()}
    needed = bundles["server"].weights
    assert needed is not None
    weights: dict[str, Array] = dict(initial(needed.written, 1))
    found = House(bundles, rings, weights)
    said: list[str] = []

    def carry_out(link: Link) -> str:
        session(bundles["server"], rings["server"], found.dealer, link, Brought(whole=weights))
        return "done"

    standing = meeting.standing(bundles["server"], Brought(whole=weights), TERMS)
    service = Service(hello=standing.hello, carry_out=carry_out, say=said.append, most=2 * AT_ONCE)
    dealing = DealerService(bundle=bundles["dealer"], brought=Brought(), say=said.append, most=2 * AT_ONCE)
    doors = (
        Listener((HERE, 0), rings["server"], service.answer, expects=("client",), check=standing.check, handshake=30.0),
        Listener((HERE, 0), rings["dealer"], dealing.answer, expects=("client", "server"), handshake=30.0),
    )
    found.server, found.dealer = (HERE, doors[0].port), (HERE, doors[1].port)
    threads = [Thread(target=service.serve, args=(doors[0],)), Thread(target=dealing.serve, args=(doors[1],))]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        service.stop.set()
        dealing.stop.set()
        for thread in threads:
            thread.join()
    assert service.failed == 0, said
    assert service.served == dealing.served > 0


def serve(here: House, numbers: range) -> None:
    """So many sessions, as many at once as there is room for; each has its own answer."""
    graph = bundling.at_batches(TINY, batches=(2,))[0].compiled.graph
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(here.client, numbers))
    for result, rows in found:
        assert np.abs(result - answer(graph, here.weights, rows)).max() < 1e-3


def test_parallel_sessions_have_no_cross_talk(tmp_path: Path) -> None:
    with house(tmp_path) as here:
        serve(here, range(AT_ONCE))


@pytest.mark.long
def test_a_thousand_sessions_leave_nothing_behind(tmp_path: Path) -> None:
    """Descriptors are as many as before; memory grows by less than one session in ten would keep."""
    with house(tmp_path) as here:
        serve(here, range(2 * AT_ONCE))
        before = _held()
        serve(here, range(1000))
        after = _held()

        assert after[0] <= before[0] + 4
        assert after[1] - before[1] < 20_000_000


def _held() -> tuple[int, int]:
    """Descriptors, and bytes in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return len(os.listdir("/proc/self/fd")), pages * os.sysconf("SC_PAGESIZE")
