"""SIGTERM to services with a session under way: it is done to its end, nobody new is let in, and they end with 0."""

from __future__ import annotations

import socket
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from tests.end_to_end.machines import ENDS, machines
from tests.hostile.proxy import Address, Proxy, Weather

SLOW = Weather(delay=0.1)  # for each message; long enough to be told to end in the middle


def address(text: str) -> Address:
    host, _, port = text.partition(":")
    return host, int(port)


def closed(there: Address) -> bool:
    """Soon nobody can connect any more."""
    limit = monotonic() + ENDS
    while monotonic() < limit:
        try:
            socket.create_connection(there, timeout=5).close()
        except OSError:
            return True
        sleep(0.02)
    return False


@pytest.mark.parametrize("who", ["server", "dealer"])
def test_what_has_begun_is_done(tmp_path: Path, who: str) -> None:
    with machines(tmp_path, "--batch", "2,4") as here:
        dealer = here.dealer("--idle", 20)
        server = here.server(dealer.port(), "--serve")
        told, port = {"server": server, "dealer": dealer}[who], {"server": server.port(), "dealer": dealer.port()}[who]
        proxy = Proxy(address(server.port()), SLOW)
        try:
            client = here.client(f"127.0.0.1:{proxy.address[1]}", dealer.port(), "-o", "r.npz")
            dealer.waits("dealt for 5 examples")  # both have met, and say each other message after message
            assert client.process.poll() is None
            told.process.terminate()
            assert closed(address(port))
            late = here.client(server.port(), dealer.port(), "--patience", 1)

            assert client.ends() == 0, client.text
            assert told.ends() == 0
            assert late.ends() == 5
        finally:
            proxy.close()
        assert "PPC65" in late.text
        assert np.load(tmp_path / "r.npz")["result"].shape == (5, 3)
        assert {"server": "1 sessions were served, 0 failed", "dealer": "1 sessions were dealt for"}[who] in told.text
