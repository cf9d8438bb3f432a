"""A party's secrets from the dealer's files: for every stretch one pair, on which both parties agree before it is used.

    client                                  server
    the pairs that it has              ->
                                       <-   the head of the one that it takes
    its own head, if it agrees         ->
                                       <-   the half of the client's key, if it agrees
    the half of the server's key       ->

Each burns its pair when it knows that the other agrees: the server by the client's head, the client by the server's
half. Whoever refuses says so in place of its next message. What travels here is short; its length stands before it and
is bounded. See ppc.runtime.prep for what it means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import NDArray

from ppc.errors import InternalError, PpcError, fail
from ppc.plan.messages import HEADER
from ppc.runtime.channel import TALK, Header
from ppc.runtime.keys import Seed
from ppc.runtime.party import Supply
from ppc.runtime.prep.ahead import Ahead
from ppc.runtime.prep.heads import HEAD_BYTES
from ppc.runtime.prep.shelf import MOST_OFFERED, Shelf
from ppc.runtime.prep.use import MESSAGE_BYTES, Use
from ppc.runtime.roles.request import SEED_BYTES, TRAINING, Stretch
from ppc.runtime.wire.refusals import of_told
from ppc.runtime.wire.tls_channel import TlsChannel

MOST = MOST_OFFERED * 16
SAID, REFUSED = 0, 2  # the rounds of a message and of a refusal; what either says is in the next one
LONGEST = 1024  # bytes of a refusal
_FOLDERS = re.compile(r"`/[^`]*/([^`/]+)`")


class ShelvedDealt:
    """From files. `shelf` opens a party's shelf for a stretch; `first` is the client, who asks."""

    def __init__(self, channel: TlsChannel, shelf: Callable[[Stretch], Shelf], *, first: bool) -> None:
        self.channel, self.shelf, self.first, self.received = channel, shelf, first, 0
        self._uses: dict[int, Use] = {}  # by the number of the stretch; a training's is used again
        self._ahead: Ahead[NDArray[np.uint8]] | None = None

    def __repr__(self) -> str:
        return "ShelvedDealt(hidden)"

    def seeds(self, stretches: int) -> int:
        return stretches

    def stretch(self, stretch: Stretch, session: bytes) -> tuple[Seed, bytes, Supply | None]:
        self._stop()
        use = self._uses.get(stretch.number) or self._begun(stretch, session)
        for number in list(self._uses):
            if number not in (stretch.number, TRAINING):
                self._uses.pop(number).close()
        return use.seed, use.salt, self._counted(use.supply, stretch)

    def _begun(self, stretch: Stretch, session: bytes) -> Use:
        with self._saying_why():
            shelf = self.shelf(stretch)
        use = (self._asked if self.first else self._chosen)(stretch, shelf, stretch.session(session))
        self.received += SEED_BYTES
        return use

    def _asked(self, stretch: Stretch, shelf: Shelf, session: bytes) -> Use:
        peer = self.channel.link.peer.fingerprint
        with self._saying_why():
            offer = shelf.offer(peer)
        self._tell(offer.data)
        answer = self._hear(HEAD_BYTES)
        with self._saying_why():
            self._uses[stretch.number] = use = shelf.claim(answer, offer, session=session, peer=peer)
            use.agree(answer)
        self._tell(use.head())
        theirs = self._hear(MESSAGE_BYTES)
        with self._saying_why():
            ours = use.half()
            use.unlock(theirs)
        self._tell(ours)
        return use

    def _chosen(self, stretch: Stretch, shelf: Shelf, session: bytes) -> Use:
        offered, peer = self._hear(MOST), self.channel.link.peer.fingerprint
        with self._saying_why():
            self._uses[stretch.number] = use = shelf.choose(offered, session=session, peer=peer)
        self._tell(use.head())
        theirs = self._hear(HEAD_BYTES)
        with self._saying_why():
            use.agree(theirs)
            ours = use.half()
        self._tell(ours)
        use.unlock(self._hear(MESSAGE_BYTES))
        return use

    def _counted(self, supply: Supply | None, stretch: Stretch) -> Supply | None:
        """Read and decrypted while the party computes, a parcel ahead."""
        if supply is None:
            return None
        self._ahead = ahead = Ahead(supply(section, turn) for section, turn in stretch.passes)

        def counted(section: str, iteration: int) -> NDArray[np.uint8]:
            found = next(ahead, None)
            if found is None:
                raise InternalError("no parcel follows", place=f"{section} {iteration}")
            self.received += found.nbytes
            return found

        return counted

    def _stop(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
        self._ahead = None

    def close(self) -> None:
        self._stop()
        for use in self._uses.values():
            use.close()
        self._uses = {}

    # ---- short messages beside the plan's ----

    @contextmanager
    def _saying_why(self) -> Generator[None]:
        """The other party hears what is wrong here, while it waits for the next message: names of files, no folders."""
        try:
            yield
        except PpcError as error:
            with suppress(PpcError):
                self._tell(_FOLDERS.sub(r"`\1`", str(error)).encode()[:LONGEST], REFUSED)
            raise

    def _tell(self, data: bytes, kind: int = SAID) -> None:
        words = np.zeros(-(-len(data) // 8), np.uint64)
        words.view(np.uint8)[: len(data)] = np.frombuffer(data, np.uint8)
        self.channel.send(np.array(Header("setup", TALK, kind, len(data)).words(), np.uint64))
        if words.size:
            whole = np.concatenate([np.array(Header("setup", TALK, kind + 1, words.nbytes).words(), np.uint64), words])
            self.channel.send(whole)

    def _hear(self, most: int) -> bytes:
        first, refusal = (Header("setup", TALK, kind, 0) for kind in (SAID, REFUSED))
        place, length = (int(word) for word in self.channel.receive(HEADER, name=first.name))
        if place == refusal.words()[0] and length <= LONGEST:
            raise of_told(self._words(length, REFUSED).decode(errors="replace"), self.channel.who)
        if place != first.words()[0] or length > most:
            raise fail(
                "PPC669",
                f"Something else came from {self.channel.who} than {first.name}.",
                hint="Run the same ppc on both sides.",
            )
        return self._words(length, SAID)

    def _words(self, length: int, kind: int) -> bytes:
        if not length:
            return b""
        size = -(-length // 8) * 8
        expected = Header("setup", TALK, kind + 1, size)
        return expected.payload(self.channel.receive(HEADER + size, expected)).tobytes()[:length]
