"""What a party of the second implementation says, message by message; at one of them a deed may take its place.

Written from the description of the wire, not from the wire itself (ppc.runtime.wire): sockets, TLS of the standard
library, lengths in front of JSON texts. Keeps a transcript of what was meant and what was done.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as made
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from ppc.field import MERSENNE61, Field
from ppc.runtime.wire.tls import Held

LENGTH = struct.Struct(">I")
WAITS = 25.0  # seconds after which even a hostile party goes home
Deed = Callable[["Mouth", bytes], None]
Act = tuple[str, bytes]


class Gone(Exception):  # noqa: N818 (no error: a hostile party has done what it came for)
    """It says nothing more."""


@dataclass(frozen=True)
class Dress:
    """How a side presents itself in TLS. `folder` is that of its certificate; None shows none."""

    folder: Path | None
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str = ""

    def context(self, *, accepting: bool) -> ssl.SSLContext:
        """It believes everybody: a hostile party has no reason to be careful."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if accepting else ssl.PROTOCOL_TLS_CLIENT)
        made.sslsocket_class = Held
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        if self.newest != ssl.TLSVersion.TLSv1_3:
            made.maximum_version = self.newest
        if self.ciphers:
            made.set_ciphers(self.ciphers)
        if self.folder is not None:
            made.load_cert_chain(self.folder / "certificate.pem", self.folder / "key.pem")
        return made


@dataclass(eq=False)
class Mouth:
    """One hostile party's. `over` is set when the honest side has ended: whoever stalls waits for that."""

    dress: Dress
    field: Field = MERSENNE61  # of the plan
    at: str = ""
    deed: Deed | None = None
    over: Event = made(default_factory=Event)
    transcript: list[tuple[str, bytes, list[Act]]] = made(default_factory=list[tuple[str, bytes, list[Act]]])
    held: bytes = b""
    line: socket.socket | None = None
    lines: list[socket.socket] = made(default_factory=list[socket.socket])

    # ---- what is said ----

    def say(self, point: str, data: bytes = b"", line: socket.socket | None = None) -> None:
        """A message at its place; the deed in its stead, where one was asked for."""
        self.line = line if line is not None else self.line
        acts: list[Act] = []
        self.transcript.append((point, data, acts))
        if point == self.at and self.deed is not None:
            deed, self.deed = self.deed, None
            deed(self, data)
        else:
            self.write(data)

    def write(self, data: bytes) -> None:
        self._did("write", data)
        held, self.held = self.held, b""
        self.send(data + held)

    def hold(self, data: bytes) -> None:
        """It goes out behind the next message."""
        self._did("hold", data)
        self.held = data

    def send(self, data: bytes) -> None:
        """Without a word about it."""
        try:
            if data and self.line is not None:
                self.line.sendall(data)
        except (OSError, ValueError):
            raise Gone from None

    def _did(self, what: str, data: bytes = b"") -> None:
        if self.transcript:
            self.transcript[-1][2].append((what, data))

    # ---- what else can be done ----

    def wear(self, dress: Dress) -> None:
        self._did("wear", repr(dress).encode())
        self.dress = dress

    def stall(self) -> None:
        """Say nothing more, and keep the line."""
        self._did("stall")
        self.over.wait(WAITS)
        raise Gone

    def pause(self, seconds: float) -> None:
        self._did("pause", str(seconds).encode())
        self.over.wait(seconds)

    def hang_up(self) -> None:
        """Without TLS's goodbye, as a process ends that was killed."""
        self._did("hang up")
        raise Gone

    def goodbye(self) -> None:
        """In order, and too early."""
        self._did("goodbye")
        for line in self.lines:
            with suppress(OSError, ValueError):
                line.settimeout(0.2)
                if isinstance(line, ssl.SSLSocket):
                    line.unwrap()
        raise Gone

    def half_close(self) -> None:
        """Nothing more comes from here, by the system's word; the rest of the line stays."""
        self._did("half close")
        for line in self.lines:
            with suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_WR)
        self.over.wait(WAITS)
        raise Gone

    def reset(self) -> None:
        self._did("reset")
        for line in self.lines:
            with suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def drip(self, data: bytes, every: float = 0.15) -> None:
        """One byte now and then: never silent for long, and never done."""
        self._did("drip", data)
        limit = monotonic() + WAITS
        for byte in data:
            self.send(bytes([byte]))
            if self.over.wait(every) or monotonic() > limit:
                raise Gone

    def beneath(self, data: bytes) -> None:
        """Bytes into the stream, under TLS."""
        self._did("beneath", data)
        with suppress(OSError):
            assert self.line is not None
            socket.socket.send(self.line, data)

    # ---- lines ----

    def secured(self, point: str, plain: socket.socket, *, accepting: bool) -> ssl.SSLSocket:
        """TLS over a connection, in whatever dress the deed of this point puts on."""
        self.lines.append(plain)
        self.say(point, b"", plain)
        try:
            line = self.dress.context(accepting=accepting).wrap_socket(plain, server_side=accepting)
        except (OSError, ValueError):
            raise Gone from None
        self.lines[-1] = self.line = line
        return line

    def wake(self) -> None:
        """From another thread: nobody has to wait any more."""
        self.over.set()
        for line in list(self.lines):
            with suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)

    def close(self) -> None:
        for line in self.lines:
            line.close()


def deviations(mouth: Mouth) -> list[tuple[str, list[Act]]]:
    """Where something else was done than was meant."""
    return [(point, acts) for point, meant, acts in mouth.transcript if acts != [("write", meant)]]


# ---- what is heard ----


def exactly(line: socket.socket, count: int) -> bytes:
    """So many bytes; a hostile party that hears no more of them is gone."""
    found = bytearray()
    while len(found) < count:
        try:
            piece = line.recv(min(count - len(found), 1 << 20))
        except (OSError, ValueError):
            raise Gone from None
        if not piece:
            raise Gone
        found += piece
    return bytes(found)


def heard(line: socket.socket) -> dict[str, Any]:
    (length,) = LENGTH.unpack(exactly(line, LENGTH.size))
    found: dict[str, Any] = json.loads(exactly(line, length))
    if "refused" in found:
        raise Gone
    return found


def told(message: dict[str, Any]) -> bytes:
    text = json.dumps(message).encode()
    return LENGTH.pack(len(text)) + text
