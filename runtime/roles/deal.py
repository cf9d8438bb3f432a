"""The dealer's process: waits for both parties of a session, sends both a seed and the server its corrections.

It is told the hash of the plans, how many examples are run, and nothing else. Its memory stays small: a parcel is made
when the one before it is on its way, and a slow party slows it down.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from secrets import token_bytes
from threading import Event, Lock, Thread
from time import monotonic
from typing import TypeVar

import numpy as np

from ppc.bundle import Bundle
from ppc.errors import PpcError, fail
from ppc.runtime.certificates import Certificate
from ppc.runtime.dealer import Dealer
from ppc.runtime.keys import Seed
from ppc.runtime.roles.brought import Brought, given
from ppc.runtime.roles.public import public_weights
from ppc.runtime.roles.remembered import Remembered
from ppc.runtime.roles.request import (
    LOOKING,
    SEED_BYTES,
    SESSION,
    Request,
    Stretch,
    hello_of,
    predicted,
    stretches,
    told_request,
)
from ppc.runtime.roles.trace import Trace
from ppc.runtime.session import SESSION_BYTES
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.link import Link
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.supply import BUSY, SEED_PASS, ParcelSender

LOOK = 0.25  # seconds between two looks at whether the dealer should end
PATIENCE = 60.0  # seconds in which the second party of a session comes
MOST = 8  # sessions at a time
DRAIN = 60.0  # seconds in which a party takes something of what waits for it, while the dealer ends

_Made = TypeVar("_Made")
Say = Callable[[str], None]


@dataclass(kw_only=True)
class Session:
    """Two parties that wait for, or get, their numbers."""

    name: str
    request: Request
    links: dict[str, Link]
    since: float = field(default_factory=monotonic)

    senders: list[ParcelSender] = field(default_factory=list[ParcelSender])
    handing: bool = False  # the dealer waits until a party has taken something

    @property
    def taken(self) -> int:
        """Bytes that the parties took."""
        return sum(sender.written for sender in self.senders)

    @contextmanager
    def waiting(self) -> Generator[None]:
        self.handing = True
        try:
            yield
        finally:
            self.handing = False

    def close(self) -> None:
        for link in self.links.values():
            link.close()


@dataclass(kw_only=True)
class DealerService:
    """Deals for the sessions that come, `most` of them at a time; each has secrets of its own.

    `fits` raises a coded error where this machine has no room for a run.
    """

    bundle: Bundle
    brought: Brought
    say: Say
    roles: tuple[str, str] = ("client", "server")  # of the certificates of both parties, in the plan's order
    fits: Callable[[tuple[Stretch, ...]], None] = lambda _run: None
    most: int = MOST
    threads: int = 1
    idle: float = BUSY
    drain: float = DRAIN
    once: bool = False
    trace: Trace | None = None
    stop: Event = field(default_factory=Event)
    sent: int = 0
    total: int = 0
    held: int = 0  # bytes of parcels that were there at once, at most, in one session
    served: int = 0
    failed: list[PpcError] = field(default_factory=list[PpcError])

    def __post_init__(self) -> None:
        self._public = public_weights(self.bundle, self.brought)
        self._waiting: dict[str, Session] = {}
        self._used = Remembered()
        self._running: dict[Thread, Session] = {}
        self._lock = Lock()

    # ---- what is said to a party that comes ----

    def answer(self, _peer: Certificate, theirs: Hello) -> Hello:
        """The dealer's hello; a party whose session cannot be dealt for is told why."""
        if LOOKING in theirs.told:
            return hello_of(self.bundle, None, agreed=self._public)
        name = theirs.told.get(SESSION, b"")
        if len(name) != SESSION_BYTES:
            raise fail("PPC669", "A party came without a session.", hint="Use the same version of ppc on all sides.")
        request = told_request(theirs)
        self.fits(stretches(self.bundle, request))
        if name in self._used:
            raise fail("PPC668", "This session was dealt for already.", hint="Start both parties again.")
        if name.hex() not in self._waiting and len(self._waiting) + len(self._alive()) >= self.most:
            raise busy(self.most)
        return hello_of(self.bundle, request.examples, agreed=self._public)

    # ---- the service ----

    def serve(self, listener: Listener) -> None:
        """Until it is told to stop, or has dealt once; then what has begun is dealt to its end."""
        while not self.stop.is_set() and not (self.once and (self.served or self.failed)):
            found = listener.poll(LOOK)
            if isinstance(found, Link):
                self._arrived(found)
            elif found is not None:
                self._fails(found, "a party was refused")
            self._forget()
        listener.close()
        for session in self._waiting.values():  # whose second party will find nobody here
            session.close()
        watched = {thread: (session.taken, monotonic()) for thread, session in self._alive().items()}
        while alive := self._alive():
            for thread, session in alive.items():
                watched[thread] = self._watch(session, *watched[thread])
            next(iter(alive)).join(LOOK)

    def _watch(self, session: Session, taken: int, since: float) -> tuple[int, float]:
        """While the dealer ends: who takes nothing of what waits is waited for no longer than `drain`."""
        if session.taken != taken or not session.handing:
            return session.taken, monotonic()
        if monotonic() - since < min(self.idle, self.drain):
            return taken, since
        self.say(f"session {session.name[:8]}: a party takes nothing, and the dealer is to end")
        session.close()
        return taken, monotonic()

    def _alive(self) -> dict[Thread, Session]:
        with self._lock:
            self._running = {thread: session for thread, session in self._running.items() if thread.is_alive()}
            return dict(self._running)

    def _arrived(self, link: Link) -> None:
        if LOOKING in link.theirs.told:
            link.close()
            return
        told, request = link.theirs.told[SESSION], told_request(link.theirs)
        if told in self._used:  # both were greeted before it was dealt for
            link.close()
            return
        name = told.hex()
        session = self._waiting.setdefault(name, Session(name=name, request=request, links={}))
        if link.peer.role in session.links or session.request != request:
            link.close()
            return
        session.links[link.peer.role] = link
        if len(session.links) == 2:
            del self._waiting[name]
            self._used.add(told)
            thread = Thread(target=self._guarded, args=(session,), name=f"deal {name[:8]}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # of a system that has no more threads
                session.close()
                self._fails(no_threads(), name[:8])
                return
            with self._lock:
                self._running[thread] = session

    def _forget(self) -> None:
        for session in list(self._waiting.values()):
            if monotonic() - session.since > PATIENCE:
                del self._waiting[session.name]
                session.close()
                self._fails(_alone(session), session.name[:8])

    def _guarded(self, session: Session) -> None:
        try:
            self._deal(session)
        except PpcError as error:
            self._fails(error, session.name[:8])
        except Exception as error:  # one session's mistake, of ppc, ends no other's
            why = f"This is a mistake of ppc: {type(error).__name__}: {error}."
            self._fails(fail("PPC652", why, hint="Please report it with the program."), session.name[:8])
        else:
            self.served += 1
            self.say(f"session {session.name[:8]}: dealt for {session.request.examples:,} examples")
        finally:
            session.close()

    def _fails(self, error: PpcError, where: str) -> None:
        self.failed.append(error)
        del self.failed[:-32]
        self.say(f"{where}: {error}")

    def _deal(self, session: Session) -> None:
        run = stretches(self.bundle, session.request)
        with self._lock:
            self.total += sum(predicted(run).dealt)
        seeds = [bytearray(token_bytes(SEED_BYTES)) for _ in range(2)]
        session.senders = senders = [ParcelSender(session.links[role], idle=self.idle) for role in self.roles]
        try:
            with session.waiting():
                for sender, seed in zip(senders, seeds, strict=True):
                    sender.send(*SEED_PASS, np.frombuffer(bytes(seed), np.uint8))
                    self._moved(SEED_BYTES)
                senders[0].finish()
            pair = (Seed(bytes(seeds[0])), Seed(bytes(seeds[1])))
            dealers: dict[int, Dealer] = {}
            for stretch in run:
                salt = stretch.session(bytes.fromhex(session.name))
                dealer = dealers.get(stretch.number) or Dealer(stretch.plan, pair, salt, threads=self.threads)
                if not stretch.closes:
                    dealers[stretch.number] = dealer
                self._stretch(stretch, dealer, session)
            with session.waiting():
                senders[1].finish()
        finally:
            for seed in seeds:
                seed[:] = bytes(len(seed))
            for sender in senders:
                with suppress(PpcError):
                    sender.close()

    def _stretch(self, stretch: Stretch, dealer: Dealer, session: Session) -> None:
        public, sender = given(stretch, "", self.brought), session.senders[1]
        for section, turn in stretch.passes:
            place = f"{section} {turn}"
            parcel = self._timed("deal", place, partial(dealer.deal, section, turn, public(section, turn)))
            self.held = max(self.held, sender.held + parcel.nbytes)
            with session.waiting():
                self._timed("hand over", place, partial(sender.send, section, turn, parcel))
            self._moved(parcel.nbytes)

    def _timed(self, what: str, name: str, act: Callable[[], _Made]) -> _Made:
        return self.trace.around(what, name, act) if self.trace else act()

    def _moved(self, size: int) -> None:
        with self._lock:
            self.sent += size


def busy(most: int) -> PpcError:
    return fail(
        "PPC650", f"There are {most} sessions already, and no more are served at a time.", hint="Try again soon."
    )


def no_threads() -> PpcError:
    return fail("PPC650", "This machine has no more threads.", hint="Let it do less, or fewer sessions: `--most`.")


def _alone(session: Session) -> PpcError:
    there = ", ".join(session.links)
    return fail(
        "PPC653",
        f"Of session {session.name[:8]} only the {there} came within {PATIENCE:g} seconds.",
        hint="Give both parties this dealer's address.",
    )
