"""A party's secrets from the dealer's files: for every stretch one pair, on which both parties agree before it is used.

    client                                  server
    the pairs that it has              ->
                                       <-   the head of the one that it takes
    its own head                       ->
    the half of the server's key      <->   the half of the client's key

What travels here is short; its length stands before it and is bounded. See ppc.runtime.prep for what it means.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ppc.errors import InternalError, fail
from ppc.plan.messages import HEADER
from ppc.runtime.channel import TALK, Header
from ppc.runtime.keys import Seed
from ppc.runtime.party import Supply
from ppc.runtime.prep.ahead import Ahead
from ppc.runtime.prep.heads import HEAD_BYTES
from ppc.runtime.prep.shelf import MOST_OFFERED, Shelf
from ppc.runtime.prep.use import MESSAGE_BYTES, Use
from ppc.runtime.roles.request import SEED_BYTES, TRAINING, Stretch
from ppc.runtime.wire.tls_channel import TlsChannel

MOST = MOST_OFFERED * 16


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
        shelf, salt = self.shelf(stretch), stretch.session(session)
        self._uses[stretch.number] = use = self._asked(shelf, salt) if self.first else self._chosen(shelf, salt)
        self._tell(use.half())
        use.unlock(self._hear(MESSAGE_BYTES))
        self.received += SEED_BYTES
        return use

    def _asked(self, shelf: Shelf, session: bytes) -> Use:
        peer = self.channel.link.peer.fingerprint
        offer = shelf.offer(peer)
        self._tell(offer.data)
        answer = self._hear(HEAD_BYTES)
        use = shelf.claim(answer, offer, session=session, peer=peer)
        self._tell(use.head())
        use.agree(answer)
        return use

    def _chosen(self, shelf: Shelf, session: bytes) -> Use:
        use = shelf.choose(self._hear(MOST), session=session, peer=self.channel.link.peer.fingerprint)
        self._tell(use.head())
        use.agree(self._hear(HEAD_BYTES))
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

    def _tell(self, data: bytes) -> None:
        words = np.zeros(-(-len(data) // 8), np.uint64)
        words.view(np.uint8)[: len(data)] = np.frombuffer(data, np.uint8)
        self.channel.send(np.array(Header("setup", TALK, 0, len(data)).words(), np.uint64))
        if words.size:
            whole = np.concatenate([np.array(Header("setup", TALK, 1, words.nbytes).words(), np.uint64), words])
            self.channel.send(whole)

    def _hear(self, most: int) -> bytes:
        first = Header("setup", TALK, 0, 0)
        place, length = (int(word) for word in self.channel.receive(HEADER, name=first.name))
        if place != first.words()[0] or length > most:
            raise fail(
                "PPC669",
                f"Something else came from {self.channel.who} than {first.name}.",
                hint="Run the same ppc on both sides.",
            )
        if not length:
            return b""
        size = -(-length // 8) * 8
        expected = Header("setup", TALK, 1, size)
        return expected.payload(self.channel.receive(HEADER + size, expected)).tobytes()[:length]
