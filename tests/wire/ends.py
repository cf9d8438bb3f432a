"""Two sides of a connection on this machine, and sides that are not what they should be."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from ppc.errors import PpcError
from ppc.field import Words
from ppc.runtime.channel import Header
from ppc.runtime.keyring import Keyring, open_folder, throw_away
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.link import Link, dial
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.tls import Held
from ppc.runtime.wire.tls_channel import TlsChannel

HERE = "127.0.0.1"
PARTIES = {"client": "hospital", "server": "lab", "dealer": "dealer"}


def refused(code: str, act: Callable[[], Any]) -> PpcError:
    """The one error of this code that comes of it."""
    with pytest.raises(PpcError) as caught:
        act()
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code], str(caught.value)
    return caught.value


def keyrings(folder: Path) -> dict[str, Keyring]:
    return {role: open_folder(path) for role, path in throw_away(folder, PARTIES).items()}


def hello(role: str, **more: Any) -> Hello:
    return replace(Hello(role=role, party=PARTIES[role], plan="a" * 64), **more)


@dataclass
class Background:
    """A call in another thread; its result or its error when asked."""

    act: Callable[[], Any]
    found: list[Any] = field(default_factory=list[Any])
    failed: list[BaseException] = field(default_factory=list[BaseException])

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.found.append(self.act())
        except BaseException as error:
            self.failed.append(error)

    def result(self, timeout: float = 20.0) -> Any:
        self.thread.join(timeout)
        assert not self.thread.is_alive(), "it hangs"
        if self.failed:
            raise self.failed[0]
        return self.found[0]


@contextmanager
def listening(rings: dict[str, Keyring], answer: Any = None, **options: Any) -> Generator[Listener]:
    options = {"expects": ("client",), "handshake": 3.0} | options
    listener = Listener((HERE, 0), rings["server"], answer or hello("server"), **options)
    try:
        yield listener
    finally:
        listener.close()


def dialled(listener: Listener, rings: dict[str, Keyring], ours: Hello | None = None, **options: Any) -> Link:
    options = {"expects": ("server",), "handshake": 3.0} | options
    return dial((HERE, listener.port), rings["client"], ours or hello("client"), **options)


def linked(rings: dict[str, Keyring]) -> tuple[Link, Link]:
    """A session's two sides: of the client, and of the server."""
    with listening(rings) as listener:
        client = dialled(listener, rings)
        return client, listener.accept(5.0)


@contextmanager
def channels(rings: dict[str, Keyring], idle: float = 10.0) -> Generator[tuple[TlsChannel, TlsChannel]]:
    ends = [TlsChannel(link, idle=idle) for link in linked(rings)]
    try:
        yield ends[0], ends[1]
    finally:
        for end in ends:
            end.close()


def frame(length: int, *, round_: int = 1, iteration: int = 0, fill: int = 1) -> tuple[Header, Words]:
    """A frame with a payload of so many bytes."""
    header = Header("each", iteration, round_, length)
    whole, room = header.frame()
    room[...] = np.arange(room.size, dtype=np.uint64) + np.uint64(fill)
    return header, whole


# ---- sides that are no ppc ----


def bare_context(*, accepting: bool, certificate: Path | None = None, **limits: ssl.TLSVersion) -> ssl.SSLContext:
    """TLS of a side that believes everybody."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if accepting else ssl.PROTOCOL_TLS_CLIENT)
    made.sslsocket_class = Held
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    for name, value in limits.items():
        setattr(made, name, value)
    if certificate is not None:
        made.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return made


def bare_dial(listener: Listener, context: ssl.SSLContext | None, say: bytes = b"") -> None:
    """Connect, say something, and read until the other side ends; whatever becomes of it."""
    with suppress(OSError), socket.create_connection((HERE, listener.port), timeout=5) as plain:
        line = context.wrap_socket(plain) if context else plain
        with line:
            line.settimeout(5)
            if say:
                line.sendall(say)
            while line.recv(4096):
                pass


@contextmanager
def bare_server(serve: Callable[[socket.socket], None]) -> Generator[int]:
    """A port where something else answers, once."""
    with socket.create_server((HERE, 0)) as server:
        server.settimeout(5)

        def run() -> None:
            with suppress(OSError):
                plain, _ = server.accept()
                with plain:
                    plain.settimeout(5)
                    serve(plain)

        work = Background(run)
        yield int(server.getsockname()[1])
        work.result()
