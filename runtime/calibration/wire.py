"""What TLS between two processes of this machine takes: a byte each way, and a message that is waited for."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter

from ppc.plan.messages import HEADER
from ppc.runtime.channel import Header
from ppc.runtime.keyring import open_folder
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.link import Link, dial
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.tls_channel import TlsChannel

HOST = "127.0.0.1"
LARGE = 1 << 24  # bytes of a frame
TIMES = 5
MESSAGES = 200
PATIENCE = 30.0
ROLES = {"client": "left", "server": "right"}


def hello(role: str) -> Hello:
    return Hello(role=role, party=ROLES[role], plan="calibrate")


def listener(folder: Path) -> Listener:
    return Listener((HOST, 0), open_folder(folder / "server"), hello("server"), expects=["client"])


def answer(folder: Path, port: int) -> None:
    """The other end."""
    ring = open_folder(folder / "client")
    exchanges(dial((HOST, port), ring, hello("client"), expects=["server"], patience=PATIENCE))


def exchanges(link: Link) -> tuple[float, float]:
    """Seconds of a byte that is sent, while as many come; and of a small message until it is there."""
    channel = TlsChannel(link, idle=PATIENCE)
    small = [_seconds(channel, 0) / 2 for _ in range(MESSAGES)]
    large = [_seconds(channel, LARGE) for _ in range(TIMES)]
    channel.finish()
    return median(large) / (2 * LARGE), median(small)


def _seconds(channel: TlsChannel, length: int) -> float:
    """Both send, both receive."""
    header = Header("each", 0, 1, length)
    frame, _ = header.frame()
    start = perf_counter()
    channel.send(frame)
    header.payload(channel.receive(HEADER + length, header))
    return perf_counter() - start
