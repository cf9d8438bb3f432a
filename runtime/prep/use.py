"""One use of one file: hold it, agree with the peer, burn it in the ledger, and only then decrypt.

    with shelf.claim(pair, …) as use:        nobody else on this machine has the pair
        send use.head(), use.agree(theirs)   nothing was used on either side, no ledger went back
        send use.half(), use.unlock(theirs)  in the ledger; the own halves are erased; the keys are there
        Party(…, use.seed, use.salt, supply=use.supply)

Of the key of a party's file the peer holds one half, gives it away once and erases it: a machine that is restored to an
earlier state cannot decrypt what it used before. Both machines restored together could; that is outside of the model.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from time import time
from types import TracebackType

from ppc.errors import InternalError, PpcError, fail
from ppc.runtime.keys import Seed
from ppc.runtime.party import Supply
from ppc.runtime.prep.ahead import Ahead
from ppc.runtime.prep.disk import reading, writing
from ppc.runtime.prep.header import commitment
from ppc.runtime.prep.heads import SEEN_BYTES, agree, decode_seen, encode_seen, head_of
from ppc.runtime.prep.ledger import Ledger, used_already
from ppc.runtime.prep.reading import HALF_ENDING, Prep
from ppc.runtime.prep.record import Seen
from ppc.runtime.prep.sealing import HALF_BYTES, Bytes, FileKey

SEED_SEGMENT = 0
BLOCK = 16  # segments that one line of the ledger burns; a run that ended is not taken up again, so none is lost
MESSAGE_BYTES = HALF_BYTES + SEEN_BYTES  # of what `half` gives out
_SLACK = 300  # seconds that the clocks of two machines may be apart


class Use:
    """A party's hold on a file. `seen` is what it knew of the peer's ledger before the peer wrote its head; `passes`
    are those of the run, in the order of their segments."""

    def __init__(
        self,
        prep: Prep,
        ledger: Ledger,
        *,
        session: bytes,
        peer: str,
        seen: Seen | None,
        passes: Iterable[tuple[str, int]],
    ) -> None:
        self.prep, self.ledger, self.session, self.peer = prep, ledger, session.hex(), peer
        self._places = {each: SEED_SEGMENT + place for place, each in enumerate(passes, 1)}
        self.pair = prep.header.pair
        self._seen, self._agreed = seen, False
        self._own = b""
        self._key: FileKey | None = None
        self._seed: Seed | None = None
        self._next = SEED_SEGMENT + 1
        self._burnt = SEED_SEGMENT  # the last segment that the ledger knows
        self._ahead: Ahead[Bytes] | None = None
        self._stack = ExitStack()
        self._stack.enter_context(ledger.hold(self.pair))
        try:
            self._head = self._checked_head()
        except BaseException:
            self._stack.close()
            raise

    def __repr__(self) -> str:
        return f"Use({self.pair[:8]}…)"

    def __enter__(self) -> Use:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the pair and of all keys."""
        self._read_on(None)
        self._own, self._key, self._seed = b"", None, None
        self._stack.close()

    # ---- before anything is used ----

    def _checked_head(self) -> bytes:
        next_ = self.ledger.next(self.pair)
        if next_:
            raise used_already(self.pair)
        if not in_time(self.prep):
            raise expired(self.prep)
        return head_of(self.prep, session=self.session, next_=next_, ledger=self.ledger.head()).encode()

    def head(self) -> bytes:
        """For the peer."""
        return self._head

    def agree(self, theirs: bytes) -> None:
        """Compare the peer's head with the own one."""
        agree(self._head, theirs, seen=self._seen)
        self._agreed = True

    # ---- from here on it is used ----

    def half(self) -> bytes:
        """For the peer, once: it is erased here before it is given out, and the ledger knew before that.

        Behind it stands how long the ledger is now, for the peer to remember: it can never go back behind this use.
        """
        if not self._agreed:
            raise InternalError("a pair is used on which the parties did not agree", place=self.pair)
        self.ledger.take(self.pair, SEED_SEGMENT, session=self.session, peer=self.peer)
        halves = self._erased()
        self._own = halves[:HALF_BYTES]
        return halves[HALF_BYTES:] + encode_seen(self.ledger.head())

    def _erased(self) -> bytes:
        """Both halves that this party keeps; they stand on its disk no more."""
        path, disk = self.prep.path.with_suffix(HALF_ENDING), self.ledger.disk
        if not path.exists():
            raise used_already(self.pair)
        with reading(path):
            number = disk.open(path, os.O_RDWR)
        try:
            with reading(path):
                halves = os.pread(number, 2 * HALF_BYTES + 1, 0)
            with writing(path):
                disk.write_at(number, bytes(2 * HALF_BYTES), 0)
                disk.sync(number)
                disk.remove(path)
                disk.sync_folder(path.parent)
        finally:
            os.close(number)
        if commitment("half", self.pair, halves[:HALF_BYTES]) != self.prep.header.own_half:
            raise used_already(self.pair) if not any(halves) else _wrong_half("this party's own half")
        return halves

    def unlock(self, theirs: bytes) -> None:
        """With the peer's half: decrypt the seed."""
        header, half = self.prep.header, theirs[:HALF_BYTES]
        if len(theirs) != MESSAGE_BYTES or commitment("half", self.pair, half) != header.peer_half:
            raise _wrong_half("the half that the other party sent")
        self.ledger.see(self.peer, decode_seen(theirs[HALF_BYTES:]))
        self._key = FileKey(self._own, half, pair=self.pair, party=header.party, artifact=header.artifact)
        self._own = b""
        secret = self.prep.unseal(SEED_SEGMENT, self._key).tobytes()
        if commitment("seed", self.pair, secret) != header.seed:
            raise fail("PPC550", f"The seed of `{self.prep.path.name}` is not the one named.", hint="Deal again.")
        self._seed = Seed(secret)

    # ---- what a party runs on ----

    @property
    def seed(self) -> Seed:
        if self._seed is None:
            raise InternalError("a pair is used that was not unlocked", place=self.pair)
        return self._seed

    @property
    def salt(self) -> bytes:
        """What the dealer's keys were derived with, in place of a session: the pair's number."""
        return bytes.fromhex(self.pair)

    @property
    def supply(self) -> Supply | None:
        """Party 1's corrections; party 0 needs none."""
        return self._corrections if self.prep.header.role == 1 else None

    def _corrections(self, section: str, iteration: int) -> Bytes:
        """Segments are used in their order. Those of steps that were done before, with another file, are left out and
        used up with the next one."""
        place = self._places.get((section, iteration), len(self.prep.segments))
        if self._key is None or not self._next <= place < len(self.prep.segments):
            raise InternalError("a pass that the file was not dealt for", place=self.pair)
        if self._ahead is None or place != self._next:
            self._read_on(self._opened(self._key, place))
        self._next = place + 1
        assert self._ahead is not None
        return next(self._ahead)

    def _read_on(self, segments: Iterator[Bytes] | None) -> None:
        """With these, a little before they are used; what was read ahead of others is not."""
        if self._ahead is not None:
            self._ahead.close()
        self._ahead = None if segments is None else Ahead(segments)

    def _opened(self, key: FileKey, first: int) -> Iterator[Bytes]:
        """From a segment on: each is in the ledger, and then decrypted."""
        for place in range(first, len(self.prep.segments)):
            if place > self._burnt:
                last = min(place + BLOCK, len(self.prep.segments)) - 1
                self.ledger.take(self.pair, last, session=self.session, peer=self.peer)
                self._burnt = last
            yield self.prep.unseal(place, key)


def in_time(prep: Prep) -> bool:
    return prep.header.created - _SLACK <= time() < prep.header.expires


def expired(prep: Prep) -> PpcError:
    early = time() < prep.header.expires
    how = "was made in this machine's future" if early else "may not be used any more"
    return fail("PPC554", f"`{prep.path.name}` {how}.", hint="Look at this machine's clock; deal again if it is right.")


def _wrong_half(which: str) -> PpcError:
    return fail(
        "PPC553",
        f"The key of the file does not come together: {which} is of another pair.",
        hint="Give both parties the folders that the dealer made together.",
    )
