"""Two TLS connections between two sides that know each other: one for each direction.

A TLS object may be used by one thread at a time, so a pair of them is what lets both sides send and receive at once, at
any size. Who dials opens both. The greeting happens on the first; the second names the session that it belongs to.

    dials                                    accepts
                     TLS, first line
                                        <-   greeting: versions, randomness (or a refusal)
    hello, randomness                   ->
                                        <-   hello
    goes on, or why not                 ->
                                        <-   goes on, or why not
                     TLS, second line
                                        <-   greeting
    session                             ->
                                        <-   goes on
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import sleep

from ppc.errors import PpcError
from ppc.runtime.certificates import Certificate
from ppc.runtime.keyring import Keyring, open_folder
from ppc.runtime.wire.hello import (
    Hello,
    nonce,
    nonce_of,
    not_refused,
    refusal,
    same,
    same_version,
    session_id,
    understood,
    verdicts,
)
from ppc.runtime.wire.refusals import not_understood, unreachable
from ppc.runtime.wire.tls import HANDSHAKE, Deadline, Line, context, known, secured

Address = tuple[str, int]
Check = Callable[[Certificate, Hello], None]  # raises a coded error if the other side may not go on
AGAIN = 0.1  # seconds between two tries to reach a side that may not be started yet


@dataclass(frozen=True, kw_only=True)
class Link:
    """Both lines of a session. `session` is the same on both sides and was never there before."""

    session: bytes
    peer: Certificate
    theirs: Hello
    outgoing: ssl.SSLSocket
    incoming: ssl.SSLSocket

    def close(self) -> None:
        """At once; whoever waits on a line is woken."""
        for line in (self.outgoing, self.incoming):
            with suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)  # keeps TLS, for a thread that still reads or writes
            line.close()


def dial(
    address: Address,
    keyring: Keyring,
    hello: Hello,
    *,
    expects: Sequence[str],
    check: Check | None = None,
    handshake: float = HANDSHAKE,
    patience: float = 0.0,
) -> Link:
    """Reach the other side, which must have one of the roles. `patience`: how long it may take until it listens."""
    keyring = open_folder(keyring.folder)  # as it is now: it may have been renewed since this process began
    made = context(keyring, accepting=False)  # before anybody is disturbed
    first = _line(address, made, expects, handshake, patience)
    try:
        session, peer, theirs = _introduce(first, keyring, hello, expects, check)
        second = _line(address, made, expects, handshake, 0.0)
    except BaseException:
        first.close()
        raise
    try:
        _join(second, session, peer)
    except BaseException:
        first.close()
        second.close()
        raise
    return Link(session=session, peer=peer, theirs=theirs, outgoing=first.tls, incoming=second.tls)


def _line(address: Address, made: ssl.SSLContext, expects: Sequence[str], handshake: float, patience: float) -> Line:
    who = f"the {' or '.join(expects)} at {address[0]}:{address[1]}"
    return secured(_reached(address, handshake, patience), made, Deadline(handshake), who)


def _reached(address: Address, handshake: float, patience: float) -> socket.socket:
    limit = Deadline(patience)
    while True:
        try:
            return socket.create_connection(address, timeout=handshake)
        except OSError as error:
            if limit.over or isinstance(error, socket.gaierror):
                raise unreachable(address, error) from None
        sleep(AGAIN)


def _greeted(line: Line) -> str:
    """The accepting side's randomness; it has found our certificate good, or says why not."""
    found = not_refused(line.hear(), line)
    same_version(found)
    return nonce_of(found, line)


def _introduce(
    line: Line, keyring: Keyring, hello: Hello, expects: Sequence[str], check: Check | None
) -> tuple[bytes, Certificate, Hello]:
    try:
        their_nonce = _greeted(line)
        peer = known(line, keyring, expects)
    except PpcError as error:
        with suppress(PpcError):
            line.tell(refusal(error))
        raise
    our_nonce = nonce()
    line.tell({"nonce": our_nonce, **hello.message()})
    theirs = understood(not_refused(line.hear(), line), line, peer)
    verdicts(line, problem_of(hello, theirs, peer, check))
    fingerprints = (keyring.own.fingerprint, peer.fingerprint)
    return session_id((our_nonce, their_nonce), fingerprints, hello.plan), peer, theirs


def problem_of(ours: Hello, theirs: Hello, peer: Certificate, check: Check | None) -> PpcError | None:
    """Why the two sides should not go on with each other, if there is a reason."""
    try:
        same(ours, theirs)
        if check is not None:
            check(peer, theirs)
    except PpcError as error:
        return error
    return None


def _join(line: Line, session: bytes, peer: Certificate) -> None:
    """The second line: to the same party, for the same session."""
    _greeted(line)
    if line.fingerprint != peer.fingerprint:
        raise not_understood(line.who, "another certificate on its second line")
    line.tell({"session": session.hex()})
    if not_refused(line.hear(), line) != {"agreed": True}:
        raise not_understood(line.who, "neither yes nor no")
