"""TLS 1.3 with certificates on both sides, and short messages over it; everything within one time limit.

The certificates that are trusted are those of the keyring and nobody else's. After TLS has checked that the other side
holds the key of one of them, its fingerprint says which party in which role it is.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from time import monotonic
from typing import Any, cast

from ppc.errors import PpcError, fail
from ppc.runtime.certificates import Certificate
from ppc.runtime.keyring import Keyring
from ppc.runtime.wire.refusals import late, not_understood, of_handshake
from ppc.runtime.wire.words import LARGEST, LENGTH_BYTES, from_json, to_bytes

HANDSHAKE = 10.0  # seconds for TLS and all messages before the run
MOST = 1 << 20  # bytes at a time; TLS hands over 16 kB
EQUALS = ("participant",)  # a role whose holders also meet each other
_SHORTEST = 0.001  # a socket takes no limit of 0 for "at once"
_FAREWELL = 0.5  # seconds in which the other side may take what was said last


class Deadline:
    """A moment after which nobody waits."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    def left(self) -> float:
        return max(_SHORTEST, self._end - monotonic())

    @property
    def over(self) -> bool:
        return monotonic() >= self._end


def read(tls: ssl.SSLSocket, room: memoryview) -> int:
    """Bytes into a room; 0 at the end. `recv_into` would read on, without TLS, from a line whose TLS has ended."""
    found: object = tls.read(min(len(room), MOST), room)  # pyright: ignore[reportDeprecated]
    return cast("int", found)


def write(tls: ssl.SSLSocket, data: memoryview) -> int:
    """Some of the bytes. `send` would write on, without TLS, to a line whose TLS has ended."""
    return tls.write(data)  # pyright: ignore[reportDeprecated]


class Line:
    """A TLS connection while both sides get to know each other."""

    def __init__(self, tls: ssl.SSLSocket, deadline: Deadline, who: str) -> None:
        self.tls, self.deadline, self.who = tls, deadline, who

    @property
    def fingerprint(self) -> str:
        """Of the certificate whose key the other side has shown to hold."""
        return sha256(self.tls.getpeercert(binary_form=True) or b"").hexdigest()

    def tell(self, message: Mapping[str, Any]) -> None:
        try:
            self.tls.settimeout(self.deadline.left())
            write(self.tls, memoryview(to_bytes(message)))
        except (OSError, ValueError) as error:
            raise of_handshake(_lost(error), self.who) from None

    def hear(self) -> dict[str, Any]:
        """The next message. Nothing of it is kept before its length is known to be small."""
        length = int.from_bytes(self._exactly(LENGTH_BYTES), "big")
        if length > LARGEST:
            raise not_understood(self.who, f"a greeting of {length} bytes, where {LARGEST} are allowed")
        found = from_json(self._exactly(length))
        if found is None:
            raise not_understood(self.who, "a greeting that is not the JSON of one")
        return found

    def _exactly(self, count: int) -> bytes:
        room, got = memoryview(bytearray(count)), 0
        try:
            while got < count:
                if self.deadline.over:
                    raise late(self.who)
                self.tls.settimeout(self.deadline.left())
                more = read(self.tls, room[got:])
                if not more:
                    raise of_handshake(ConnectionResetError(), self.who)
                got += more
        except (OSError, ValueError) as error:
            raise of_handshake(_lost(error), self.who) from None
        return bytes(room)

    def close(self) -> None:
        """So that what was said last still arrives: no reset, as long as the other side takes it."""
        with suppress(OSError):
            self.tls.settimeout(_FAREWELL)
            self.tls.unwrap()
        self.tls.close()


class Held(ssl.SSLSocket):
    """One that is closed if the other side is gone before TLS begins: Python would leave it open, out of reach."""

    def getpeername(self) -> Any:
        try:
            return super().getpeername()
        except OSError:
            self.close()
            raise ConnectionResetError(errno.ECONNRESET, "The other side was gone before TLS began.") from None


def _lost(error: OSError | ValueError) -> OSError:
    """A line that was closed in between has no TLS any more, and says so with a ValueError."""
    return error if isinstance(error, OSError) else ConnectionResetError()


def secured(plain: socket.socket, made: ssl.SSLContext, deadline: Deadline, who: str) -> Line:
    """The same connection under TLS; it is closed if that fails."""
    try:
        accepting = made.protocol == ssl.PROTOCOL_TLS_SERVER
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(deadline.left())
        tls = made.wrap_socket(plain, server_side=accepting, do_handshake_on_connect=False, suppress_ragged_eofs=False)
    except OSError as error:
        plain.close()
        raise of_handshake(error, who) from None
    try:
        tls.do_handshake()
    except OSError as error:
        _leave(tls)
        raise of_handshake(error, who) from None
    return Line(tls, deadline, who)


def _leave(tls: ssl.SSLSocket) -> None:
    """The alert that says why must not be overtaken by a reset, which unread bytes would cause."""
    with suppress(OSError):
        tls.shutdown(socket.SHUT_WR)
        deadline = Deadline(_FAREWELL)
        while not deadline.over:
            tls.settimeout(deadline.left())
            if not socket.socket.recv(tls, LARGEST):
                break
    tls.close()


def context(keyring: Keyring, *, accepting: bool) -> ssl.SSLContext:
    """For one side of connections of this keyring: TLS 1.3, certificates on both sides, no resumption."""
    if not keyring.own.good():
        raise fail("PPC663", "This party's own certificate is out of its time.", hint="`ppc cert renew`")
    if not keyring.peers:
        raise fail(
            "PPC661", "No other party's certificate is pinned here.", hint="`ppc cert pin` the file that it sent."
        )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if accepting else ssl.PROTOCOL_TLS_CLIENT)
    made.sslsocket_class = Held
    made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False  # a pinned certificate names a party, and no machine
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    made.load_verify_locations(cadata="".join(peer.pem for peer in keyring.peers))
    if accepting:
        made.num_tickets = 0  # every connection proves both keys anew
    try:
        made.load_cert_chain(keyring.certificate_file, keyring.key_file)
    except OSError:
        raise fail(
            "PPC660",
            f"The certificate and the key in `{keyring.folder}` do not belong together.",
            hint="`ppc cert renew` makes both anew.",
        ) from None
    return made


def known(line: Line, keyring: Keyring, roles: Sequence[str]) -> Certificate:
    """Who the other side is, if it may be here."""
    found = keyring.known(line.fingerprint)
    alike = found.role == keyring.own.role and found.role not in EQUALS
    if alike or found.role not in roles:
        raise another_role(found.role, roles, keyring.own.role)
    return found


def another_role(role: str, roles: Sequence[str], own: str) -> PpcError:
    wanted = " or ".join(one for one in roles if one != own)
    return fail(
        "PPC665",
        f"The other side is a {role}; this {own} needs a {wanted}.",
        hint="Look at the addresses after `--peer` and `--dealer`, and at who was started as what.",
    )
