"""Accepts connections: a few greetings at a time, each within its time limit, and hands on the links that came about.

Strangers never disturb who waits in `accept`: they are refused and noted, and give way (ppc.runtime.wire.lobby). A
known party with whom something differs is an error there. See ppc.runtime.wire.link for the order of the messages.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Condition, Event, Thread
from typing import Any

from ppc import __version__
from ppc.errors import Note, PpcError, fail
from ppc.runtime.certificates import Certificate
from ppc.runtime.keyring import Keyring, open_folder
from ppc.runtime.wire.hello import (
    WIRE,
    Hello,
    nonce,
    nonce_of,
    not_refused,
    refusal,
    same_version,
    session_id,
    understood,
    verdicts,
)
from ppc.runtime.wire.link import Address, Check, Link, problem_of
from ppc.runtime.wire.lobby import Guest, Lobby
from ppc.runtime.wire.refusals import Seldom, late, not_understood, unreachable
from ppc.runtime.wire.tls import HANDSHAKE, Deadline, Line, context, known, secured

Answer = Callable[[Certificate, Hello], Hello]  # what is said to a party, which said this
READY = 64  # links and errors that wait to be accepted, and sessions with one of their lines
REMEMBERED = 32
HALF = 1.0  # seconds in which the first line of a session is ready for its second


@dataclass(frozen=True)
class _Half:
    """A session whose second line is still to come."""

    line: Line
    session: bytes
    peer: Certificate
    theirs: Hello


class Listener:
    """Listens from the start; port 0 takes a free one. `answer` may be the same hello for everybody.

    `say` hears now and then why strangers were refused; what differs with a known party comes out of `accept`.
    """

    def __init__(
        self,
        address: Address,
        keyring: Keyring,
        answer: Answer | Hello,
        *,
        expects: Sequence[str],
        check: Check | None = None,
        handshake: float = HANDSHAKE,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.keyring, self.expects, self.check, self.handshake = keyring, expects, check, handshake
        self._answer: Answer = (lambda _peer, _theirs: answer) if isinstance(answer, Hello) else answer
        self.refusals: deque[PpcError] = deque(maxlen=REMEMBERED)  # of strangers, newest last
        self._seldom = Seldom(say)
        self._ready: Queue[Link | PpcError] = Queue(READY)
        self._halves: dict[bytes, _Half] = {}
        self._lock, self._closed = Condition(), Event()
        context(keyring, accepting=True)  # what is wrong with the own certificate is said before anybody comes
        try:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self._socket = socket.create_server(address, family=family, backlog=READY)
        except (OSError, OverflowError) as error:
            raise unreachable(address, OSError(str(error)), listening=True) from None
        self._lobby = Lobby(self._socket, handshake, self._refused)
        self._thread = Thread(target=self._run, name="ppc listener", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def accept(self, timeout: float | None = None) -> Link:
        """The next link. A known party with whom something differs is an error, as is nobody in time."""
        try:
            found = self._ready.get(timeout=timeout)
        except Empty:
            raise self._nobody(timeout) from None
        if isinstance(found, PpcError):
            raise found
        return found

    def first(self, timeout: float, refused: Callable[[PpcError], None]) -> Link:
        """The first link. A known party with whom something differs was told why and may come again, or another may."""
        limit, last = Deadline(timeout), None
        while not limit.over:
            found = self.poll(limit.left())
            if isinstance(found, Link):
                return found
            if found is not None:
                last = found
                refused(found)
        raise last or self._nobody(timeout)

    def _nobody(self, timeout: float | None) -> PpcError:
        last = tuple(Note(text=f"refused before: {error}") for error in list(self.refusals)[-1:])
        return fail(
            "PPC653",
            f"No {' or '.join(self.expects)} came for {timeout:g} seconds.",
            notes=last,
            hint="Start the other side, with this machine's address and port.",
        )

    def poll(self, timeout: float) -> Link | PpcError | None:
        """The next link or a known party's error, if there is one in time; for who serves many."""
        with suppress(Empty):
            return self._ready.get(timeout=timeout)
        return None

    def close(self) -> None:
        """Nobody is accepted any more; links that were handed on stay."""
        self._closed.set()
        self._thread.join()
        self._let_go()

    # ---- the listener's own thread ----

    def _run(self) -> None:
        with self._socket:
            while not self._closed.is_set():
                self._forget_halves(everything=False)
                guest = self._lobby.next()
                if guest is not None:
                    self._begin(guest)
            self._lobby.close()
        self._forget_halves(everything=True)

    def _begin(self, guest: Guest) -> None:
        try:
            Thread(target=self._serve, args=(guest,), name="ppc greeting", daemon=True).start()
        except RuntimeError:  # of a system that has no more threads
            guest.plain.close()
            self._lobby.leave(guest)

    def _forget_halves(self, *, everything: bool) -> None:
        with self._lock:
            over = [half for half in self._halves.values() if everything or half.line.deadline.over]
            for half in over:
                del self._halves[half.session]
        for half in over:
            half.line.tls.close()
            self._put(late(half.line.who))

    def _refused(self, error: PpcError) -> None:
        self.refusals.append(error)
        self._seldom.say(f"a connection was refused: {error}")

    def _put(self, found: Link | PpcError) -> None:
        try:
            self._ready.put_nowait(found)
        except Full:
            if isinstance(found, Link):
                found.close()

    def _let_go(self) -> None:
        with suppress(Empty):
            while True:
                left = self._ready.get_nowait()
                if isinstance(left, Link):
                    left.close()

    # ---- one connection ----

    def _serve(self, guest: Guest) -> None:
        try:
            keyring = open_folder(self.keyring.folder)  # as it is now: what was revoked meanwhile is refused
            made = context(keyring, accepting=True)
            self._greet(secured(guest.plain, made, guest.deadline, "the other side"), keyring, guest)
        except PpcError as error:
            if guest.told:
                self.refusals.append(error)
            else:
                self._refused(error)
        except Exception as error:  # one greeting's mistake, of ppc, ends no other's
            self._refused(_mistake(error))
        finally:
            guest.plain.close()  # a line has taken the connection over; only what never became one is still here
            self._lobby.leave(guest)
            if self._closed.is_set():  # this greeting was under way when nobody was to be accepted any more
                self._forget_halves(everything=True)
                self._let_go()

    def _greet(self, line: Line, keyring: Keyring, guest: Guest) -> None:
        kept = False
        try:
            peer = known(line, keyring, self.expects)
            line.who, guest.known = f"the {peer}", True
            ours = nonce()
            line.tell({"wire": WIRE, "ppc": __version__, "nonce": ours})
            found = not_refused(line.hear(), line)
            if "session" in found:
                kept = self._join(line, peer, found)
                return
            with self._hearing(guest):
                theirs = self._introduced(line, peer, found)
            fingerprints = (peer.fingerprint, keyring.own.fingerprint)  # the own one of this connection
            session = session_id((nonce_of(found, line), ours), fingerprints, theirs.plan)
            kept = self._wait(_Half(line, session, peer, theirs))
        except PpcError as error:
            with suppress(PpcError):
                line.tell(refusal(error))
            raise
        finally:
            if not kept:
                line.close()

    @contextmanager
    def _hearing(self, guest: Guest) -> Generator[None]:
        """What differs with a known party is an error for whoever accepts."""
        try:
            yield
        except PpcError as error:
            guest.told = True
            self._put(error)
            raise

    def _introduced(self, line: Line, peer: Certificate, found: dict[str, Any]) -> Hello:
        """The hello of a party with which all is well; its plan is ours."""
        same_version(found)
        theirs = understood(found, line, peer)
        nonce_of(found, line)
        hello = self._answer(peer, theirs)
        line.tell(hello.message())
        verdicts(line, problem_of(hello, theirs, peer, self.check))
        return theirs

    def _wait(self, half: _Half) -> bool:
        """The first line of a session waits for its second."""
        with self._lock:
            if len(self._halves) >= READY:
                raise fail("PPC650", f"There are {READY} sessions of which one line came.", hint="Try again soon.")
            self._halves[half.session] = half
            self._lock.notify_all()
        return True

    def _join(self, line: Line, peer: Certificate, found: dict[str, Any]) -> bool:
        """The second line of a session: of the same party, and each session has one."""
        half = self._half(found["session"], peer)
        if half is None:
            raise not_understood(line.who, "the second line of a session that waits for none")
        try:
            line.tell({"agreed": True})
        except PpcError:
            half.line.tls.close()
            raise
        self._put(Link(session=half.session, peer=peer, theirs=half.theirs, outgoing=line.tls, incoming=half.line.tls))
        return True

    def _half(self, session: object, peer: Certificate) -> _Half | None:
        """The waiting session of this id. Its first line may still be about to hear that the other side goes on."""

        def found() -> _Half | None:
            return next((half for half in self._halves.values() if half.session.hex() == session), None)

        with self._lock:
            half = self._lock.wait_for(found, timeout=HALF)
            if half is None or half.peer != peer:
                return None
            return self._halves.pop(half.session)


def _mistake(error: Exception) -> PpcError:
    why = f"This is a mistake of ppc: {type(error).__name__}: {error}."
    return fail("PPC669", why, hint="Please report it, with what the other side runs.")
