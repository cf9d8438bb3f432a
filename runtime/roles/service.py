"""A server that keeps answering: one session for each client that comes, several at a time, and no more than `most`.

Sessions share the bundle and what the server brings, which nobody changes, and nothing else: each has its own channel,
party, secrets and counts. When it is told to stop, nobody new is let in, and what has begun is done to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from ppc.errors import PpcError
from ppc.runtime.certificates import Certificate
from ppc.runtime.roles.deal import LOOK, busy, no_threads
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.link import Link
from ppc.runtime.wire.listener import Listener

MOST = 32  # sessions at a time


@dataclass(kw_only=True)
class Service:
    """`carry_out` runs the session of a link; `say` hears how each ended."""

    hello: Hello
    carry_out: Callable[[Link], str]
    say: Callable[[str], None]
    most: int = MOST
    stop: Event = field(default_factory=Event)
    served: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        self._running: list[Thread] = []
        self._lock = Lock()

    def answer(self, _peer: Certificate, _theirs: Hello) -> Hello:
        """To a client that comes, before anything is computed for it."""
        if len(self._alive()) >= self.most:
            raise busy(self.most)
        return self.hello

    def serve(self, listener: Listener) -> None:
        """Until it is told to stop."""
        while not self.stop.is_set():
            found = listener.poll(LOOK)
            if isinstance(found, Link):
                self._begin(found)
            elif found is not None:
                self.say(f"a client was refused: {found}")
        listener.close()
        for thread in self._alive():
            thread.join()

    def _alive(self) -> list[Thread]:
        with self._lock:
            self._running = [thread for thread in self._running if thread.is_alive()]
            return list(self._running)

    def _begin(self, link: Link) -> None:
        if len(self._alive()) >= self.most:  # several may have been greeted at once
            link.close()
            return
        thread = Thread(target=self._session, args=(link,), name=f"session {link.session.hex()[:8]}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # of a system that has no more threads
            link.close()
            self.say(f"a client was sent away: {no_threads()}")
            return
        with self._lock:
            self._running.append(thread)

    def _session(self, link: Link) -> None:
        name = link.session.hex()[:8]
        try:
            said = self.carry_out(link)
        except PpcError as error:
            with self._lock:
                self.failed += 1
            self.say(f"session {name}: {error}")
        except Exception as error:  # one session's mistake, of ppc, ends no other's
            with self._lock:
                self.failed += 1
            self.say(f"session {name}: this is a mistake of ppc: {type(error).__name__}: {error}")
        else:
            with self._lock:
                self.served += 1
            self.say(f"session {name}: {said}")
        finally:
            link.close()
