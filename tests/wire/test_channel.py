"""The channel over real sockets: any size both ways at once, exact lengths, and whatever the other side may do."""

from __future__ import annotations

import gc
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from ppc.plan.messages import HEADER
from ppc.runtime.channel import Header
from ppc.runtime.keyring import Keyring
from ppc.runtime.rooms import SMALLEST, Rooms
from ppc.runtime.wire.tls_channel import TlsChannel
from tests.wire.ends import Background, channels, frame, linked, refused

LARGE = 100_000_000


def exchange(channel: TlsChannel, lengths: list[int], fill: int, other: int) -> None:
    for number, length in enumerate(lengths):
        header, mine = frame(length, iteration=number, fill=fill)
        channel.send(mine)
        theirs = channel.receive(HEADER + length, header)
        assert np.array_equal(header.payload(theirs), frame(length, fill=other)[1][2:])
    channel.finish()


@pytest.mark.parametrize("lengths", [[LARGE], [8, 16_368, 16_376, 131_072, 8, 1_000_000, 3_000_000, 3_000_000, 8]])
def test_both_send_at_once(rings: dict[str, Keyring], lengths: list[int]) -> None:
    with channels(rings) as (client, server):
        work = Background(lambda: exchange(server, lengths, 7, 3))
        exchange(client, lengths, 3, 7)
        work.result()
        whole = sum(lengths) + HEADER * len(lengths)
        assert client.sent == client.received == server.sent == server.received == whole


def test_sending_goes_on_while_its_caller_does_something_else(rings: dict[str, Keyring]) -> None:
    with channels(rings) as (client, server):
        headers, frames = zip(*(frame(20_000_000, iteration=number) for number in range(2)), strict=True)
        for one in frames:
            client.send(one)  # more than the system keeps, and nobody reads yet
        assert client.sent == 2 * (20_000_000 + HEADER)
        for header, one in zip(headers, frames, strict=True):
            assert np.array_equal(server.receive(HEADER + header.length, header), one)


def test_a_frame_is_sent_from_where_it_is(rings: dict[str, Keyring]) -> None:
    """And received into one piece of memory: neither side makes a copy."""
    with channels(rings) as (client, server):
        header, mine = frame(30_000_000)
        tracemalloc.start()
        client.send(mine)
        theirs = server.receive(HEADER + header.length, header)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert np.array_equal(mine, theirs)
    assert peak < 1.05 * mine.nbytes


def test_memory_comes_back_when_nobody_holds_a_frame() -> None:
    rooms = Rooms()
    first = rooms.room(SMALLEST)
    place, part = first.ctypes.data, first.view(np.uint64)[5:7]
    del first
    assert rooms.room(SMALLEST).ctypes.data != place
    part[0] = 1
    del part
    gc.collect()
    assert place in {rooms.room(SMALLEST).ctypes.data, rooms.room(SMALLEST).ctypes.data}
    assert [rooms.room(size).size for size in (0, 1, 17, SMALLEST + 3)] == [0, 1, 17, SMALLEST + 3]


# ---- what the other side may do ----

EXPECTED = frame(1_000)[0]
WAITING = r"the message of round 1 of each, iteration 0"


def receive(channel: TlsChannel, header: Header = EXPECTED) -> None:
    channel.receive(HEADER + header.length, header)


def send_much(channel: TlsChannel) -> None:
    for _ in range(40):
        channel.send(frame(4_000_000)[1])
        time.sleep(0.02)


def test_silence_names_the_message_and_the_party(rings: dict[str, Keyring]) -> None:
    with channels(rings, idle=0.3) as (client, server):
        start = time.monotonic()
        error = refused("PPC653", lambda: receive(client))
        assert time.monotonic() - start < 3
        assert "The message of round 1 of each, iteration 0 did not come from the server `lab`" in str(error)
        assert "The message of round 1" in str(refused("PPC653", lambda: receive(server)))


def test_too_little(rings: dict[str, Keyring]) -> None:
    with channels(rings, idle=0.3) as (client, server):
        server.link.outgoing.sendall(frame(1_000)[1].tobytes()[:500])
        assert "after 500 of 1,016 bytes" in str(refused("PPC653", lambda: receive(client)))


@pytest.mark.parametrize("count", [0, 8, 500])
def test_too_little_and_then_the_end(rings: dict[str, Keyring], count: int) -> None:
    with channels(rings) as (client, server):
        server.link.outgoing.sendall(frame(1_000)[1].tobytes()[:count])
        server.close()
        error = refused("PPC652", lambda: receive(client))
        assert WAITING in str(error)
        assert f"after {count} of 1,016 bytes" in str(error)


def test_an_end_that_is_said(rings: dict[str, Keyring]) -> None:
    with channels(rings) as (client, server):
        work = Background(server.finish)
        assert "ended its run while waiting for" in str(refused("PPC652", lambda: receive(client)))
        client.close()
        refused("PPC652", work.result)


@pytest.mark.parametrize(
    "change",
    [
        lambda: frame(2_000)[1],
        lambda: frame(1_000, round_=2)[1],
        lambda: frame(1_000, iteration=1)[1],
        lambda: np.full(127, 2**64 - 1, np.uint64),
        lambda: np.zeros(127, np.uint64),
    ],
    ids=["longer", "another round", "another iteration", "ones", "zeros"],
)
def test_another_message_is_refused_before_it_is_read(
    rings: dict[str, Keyring], change: Callable[[], np.ndarray]
) -> None:
    with channels(rings) as (client, server):
        server.link.outgoing.sendall(change().tobytes())
        refused("PPC651", lambda: receive(client, frame(50_000_000)[0]))


def test_too_much(rings: dict[str, Keyring]) -> None:
    """After the last message of the plan nothing may come."""
    with channels(rings) as (client, server):
        header, whole = frame(1_000)
        server.send(whole)
        server.link.outgoing.sendall(b"more")
        receive(client, header)
        error = refused("PPC651", client.finish)
        assert "More came from the server `lab`" in str(error)


def test_no_goodbye_at_the_end(rings: dict[str, Keyring]) -> None:
    with channels(rings, idle=0.3) as (client, _server):
        assert "The end of the run did not come" in str(refused("PPC653", client.finish))


def test_bytes_that_are_no_tls(rings: dict[str, Keyring]) -> None:
    """Something on the way adds to the stream: TLS notices, whatever it is."""
    with channels(rings) as (client, server):
        socket.socket.send(server.link.outgoing, b"\x17\x03\x03\x00\x20" + bytes(32))
        assert "broke off" in str(refused("PPC652", lambda: receive(client)))


def test_a_reset(rings: dict[str, Keyring]) -> None:
    with channels(rings) as (client, server):
        for line in (server.link.outgoing, server.link.incoming):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()
        refused("PPC652", lambda: receive(client))
        refused("PPC652", lambda: send_much(client))


def test_a_side_that_takes_nothing(rings: dict[str, Keyring]) -> None:
    with channels(rings, idle=0.3) as (client, _server):
        assert "was not taken by the server `lab`" in str(refused("PPC653", lambda: send_much(client)))
        assert "was not taken by" in str(refused("PPC653", lambda: client.send(frame(8)[1])))


def test_a_byte_now_and_then_is_not_enough(rings: dict[str, Keyring], monkeypatch: pytest.MonkeyPatch) -> None:
    """Never silent for long, and never done: a message that has begun must keep a pace."""
    monkeypatch.setattr("ppc.runtime.wire.lines.PACE", 10_000)
    ended = threading.Event()
    with channels(rings, idle=0.3) as (client, server):

        def drip() -> None:
            for byte in frame(1_000)[1].tobytes():
                if ended.wait(0.1):
                    return
                server.link.outgoing.send(bytes([byte]))

        work = Background(drip)
        start = time.monotonic()
        refused("PPC653", lambda: receive(client))
        ended.set()
        assert time.monotonic() - start < 3
        work.result()


def test_closing_wakes_who_waits(rings: dict[str, Keyring]) -> None:
    with channels(rings) as (client, _server):
        work = Background(lambda: receive(client))
        time.sleep(0.1)
        client.close()
        refused("PPC652", work.result)
        refused("PPC652", lambda: client.send(frame(8)[1]))
        refused("PPC652", lambda: receive(client))
        client.close()


def test_nothing_goes_out_without_tls(rings: dict[str, Keyring]) -> None:
    """A line whose TLS has ended would be an ordinary socket to `send` and `recv`."""
    with channels(rings) as (client, server):
        work = Background(server.finish)
        client.finish()
        work.result()
        refused("PPC652", lambda: client.send(frame(8)[1]))
    for link in linked(rings):
        link.outgoing.settimeout(0.1)
        channel = TlsChannel(link, idle=0.1)
        link.outgoing._sslobj = None  # pyright: ignore[reportAttributeAccessIssue]
        refused("PPC652", lambda channel=channel: channel.send(frame(8)[1]))
        channel.close()


def test_no_thread_and_no_socket_is_left(rings: dict[str, Keyring]) -> None:
    before = threading.active_count()
    for _ in range(3):
        with channels(rings) as (client, server):
            work = Background(lambda server=server: exchange(server, [200_000], 1, 2))
            exchange(client, [200_000], 2, 1)
            work.result()
    assert threading.active_count() == before
