"""What two parties tell each other of a pair before either touches it, and how they agree.

A head says which pair, for what, how much of it was used, and how long the sender's ledger is. It has no secret.
Sent by the handshake of a connection; made and compared by `use`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ppc.errors import PpcError, fail
from ppc.runtime.prep.ledger import used_already
from ppc.runtime.prep.reading import Prep
from ppc.runtime.prep.record import Seen

_SEEN = Struct("<Q32s")
SEEN_BYTES = _SEEN.size
MOST_LINES = 10**15
_FORM = Struct("<8s16s32s32s16sIIIQ32s")
_MAGIC = b"ppchead1"
HEAD_BYTES = _FORM.size


@dataclass(frozen=True, kw_only=True)
class Head:
    """Of one party's file, and of its ledger."""

    pair: str
    artifact: str
    dealer: str
    session: str
    role: int
    iterations: int
    next: int  # the first segment that was not used
    ledger: Seen

    def encode(self) -> bytes:
        texts = [bytes.fromhex(text) for text in (self.pair, self.artifact, self.dealer, self.session)]
        numbers = (self.role, self.iterations, self.next, self.ledger.count)
        return _FORM.pack(_MAGIC, *texts, *numbers, bytes.fromhex(self.ledger.head))


def head_of(prep: Prep, *, session: str, next_: int, ledger: Seen) -> Head:
    header = prep.header
    return Head(
        pair=header.pair,
        artifact=header.artifact,
        dealer=header.dealer,
        session=session,
        role=header.role,
        iterations=header.iterations,
        next=next_,
        ledger=ledger,
    )


def decode_head(data: bytes) -> Head:
    """The head that these bytes are."""
    if len(data) != HEAD_BYTES or not data.startswith(_MAGIC):
        raise _differ("it sent something else than the head of a pair")
    _, *texts, role, iterations, next_, count, head = _FORM.unpack(data)
    pair, artifact, dealer, session = (text.hex() for text in texts)
    return Head(
        pair=pair,
        artifact=artifact,
        dealer=dealer,
        session=session,
        role=role,
        iterations=iterations,
        next=next_,
        ledger=Seen(count, head.hex()),
    )


def encode_seen(found: Seen) -> bytes:
    """A ledger's length and last hash."""
    return _SEEN.pack(found.count, bytes.fromhex(found.head))


def decode_seen(data: bytes) -> Seen:
    count, head = _SEEN.unpack(data)
    if count >= MOST_LINES:
        raise _differ("it names a ledger longer than any can be")
    return Seen(count, head.hex())


_SAME = {
    "pair": "the pair",
    "artifact": "the plan",
    "dealer": "the dealer",
    "session": "the session",
    "iterations": "the number of iterations",
}


def agree(ours: bytes, theirs: bytes, *, seen: Seen | None = None) -> Head:
    """The other party's head, if both may use the pair now. `seen` is what was known of its ledger before."""
    mine, found = decode_head(ours), decode_head(theirs)
    for name, words in _SAME.items():
        if getattr(mine, name) != getattr(found, name):
            raise _differ(f"{words} differs ({getattr(mine, name)!s:.16} here, {getattr(found, name)!s:.16} there)")
    if (mine.role, found.role) not in ((0, 1), (1, 0)):
        raise _differ("both parties have the same half of the pair")
    if seen is not None and not _follows(found.ledger, seen):
        raise fail(
            "PPC558",
            f"The other party's ledger had {seen.count} lines when it was seen last; now it has "
            f"{found.ledger.count}{'' if found.ledger.count < seen.count else ', of another history'}.",
            hint="Its disk was restored to an earlier state: delete its preprocessing files, renew its certificate, "
            "and deal again.",
        )
    if max(mine.next, found.next):
        raise used_already(mine.pair, "here" if mine.next else "by the other party")
    return found


def _follows(now: Seen, before: Seen) -> bool:
    return now.count > before.count or now == before


def _differ(how: str) -> PpcError:
    return fail(
        "PPC553",
        f"The other party's preprocessing does not belong to ours: {how}.",
        hint="Give both parties the folders that the dealer made together.",
    )
