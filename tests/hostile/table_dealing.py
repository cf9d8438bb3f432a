"""Behaviours about the dealer's numbers: of a dealer that is there, and of a party in the talk about files."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.deeds import (
    as_many,
    beneath,
    changed,
    cut,
    first,
    flipped,
    header,
    left_out,
    longer,
    saying,
    slowly,
    swapped,
    twice,
    with_certificate_of,
    without_last,
)
from tests.hostile.endings import HANG_UP, STALL
from tests.hostile.mouth import Mouth
from tests.hostile.stage import Behaviour, Row
from tests.hostile.table_frames import PLAIN
from tests.hostile.talk import claiming, head, other_half, other_words, own_word

SEED, PARCEL = "the parcel with this party's seed", r"the parcel for (setup|each), iteration \d+"


def _dealers() -> Iterator[Row]:
    yield Row("silent at the door", "accepted", STALL, "PPC65[23]", quick=True)
    yield Row("another certificate", "tls", with_certificate_of("impostor"), "PPC652|PPC653|PPC661", quick=True)
    yield Row("another plan", "hello", changed(saying(plan="0" * 64)), "PPC652|PPC653|PPC668", quick=True)
    yield Row("files", "hello", changed(saying(agreed={"dealer": "files"})), "PPC652|PPC653|PPC668", quick=True)
    yield Row("no seed for the client", "seed client", STALL, "PPC65[23]", quick=True)
    yield Row("no seed for the server", "seed server", STALL, "PPC65[23]", quick=True)
    yield Row("a seed of 31 bytes", "seed client", changed(lambda d: header(length=31)(d)[:-1]), "PPC65[12]")
    yield Row("a seed of 33 bytes", "seed server", changed(lambda d: header(length=33)(d) + b"\0"), "PPC65[12]")
    yield Row("a seed in another place", "seed server", changed(header(iteration=1)), "PPC65[12]")
    yield Row("half a seed", "seed server", first(cut(30), Mouth.hang_up), "PPC652")
    yield Row("more than a seed for the client", "seed client", changed(longer(64)), "")
    yield Row("leaves after the seeds", "parcel 0", HANG_UP, "PPC652")
    yield Row("leaves between two parcels", "parcel 2", HANG_UP, "PPC652")
    yield Row("silent between two parcels", "parcel 2", STALL, "PPC65[23]", quick=True)
    yield Row("half a parcel", "parcel 1", first(cut(100), Mouth.hang_up), "PPC652")
    yield Row("half a parcel, and silence", "parcel 1", first(cut(100), Mouth.stall), "PPC65[23]", quick=True)
    yield Row("a parcel byte by byte", "parcel 1", slowly, "PPC65[23]", quick=True)
    yield Row("a parcel's header only", "parcel 1", first(cut(16), Mouth.hang_up), "PPC652")
    yield Row("a parcel one byte short", "parcel 1", changed(without_last(1)), "PPC65[12]")
    yield Row("a parcel one byte long", "parcel 1", changed(longer(1)), "PPC65[12]")
    yield Row("a parcel that says another length", "parcel 2", changed(header(length=8)), "PPC65[12]")
    yield Row("a parcel beyond all memory", "parcel 1", changed(header(length=2**62)), "PPC65[12]")
    yield Row("a parcel of another iteration", "parcel 2", changed(header(iteration=1)), "PPC65[12]")
    yield Row("a parcel of another section", "parcel 1", changed(header(section=2)), "PPC65[12]")
    yield Row("a parcel twice", "parcel 1", changed(twice), "PPC65[12]")
    yield Row("a parcel left out", "parcel 1", left_out, "PPC65[12]")
    yield Row("two parcels exchanged", "parcel 1", swapped, "PPC65[12]")
    yield Row("bytes under TLS", "parcel 1", beneath(PLAIN), "PPC652")
    yield Row("ones for a parcel", "parcel 2", changed(as_many(0xFF)), "PPC65[12]")


# In the talk about files, by either party: before anything is used up, and after that.
UNUSED = (
    Row("a head of another kind", "head", changed(own_word(b"nonsense" * 23)), "PPC669", "preprocessing"),
    Row("a short head", "head", changed(own_word(b"ppchead1")), "PPC553"),
    Row("a head beyond all memory", "head", changed(claiming(2**62)), "PPC669"),
    Row("a head in another place", "head", changed(header(iteration=1)), "PPC669"),
    Row("another plan's pair", "head", changed(head(artifact="00" * 32)), "PPC553", "plan"),
    Row("another dealer's pair", "head", changed(head(dealer="11" * 32)), "PPC553", "dealer"),
    Row("another session", "head", changed(head(session="22" * 16)), "PPC553", "session"),
    Row("another pair", "head", changed(head(pair="33" * 16)), "PPC553", "pair"),
    Row("other iterations", "head", changed(head(iterations=7)), "PPC553", "iterations"),
    Row("the same half of the pair", "head", changed(other_half), "PPC553", "same half"),
    Row("a pair that it has used", "head", changed(head(next=1)), "PPC555"),
    Row("leaves instead of a head", "head", HANG_UP, "PPC652", "preprocessing"),
    Row("silent instead of a head", "head", STALL, "PPC653", "preprocessing", quick=True),
)
HALVES = (  # the server gives its half first
    Row("leaves instead of its half", "half", HANG_UP, "PPC652", "preprocessing"),
    Row("silent instead of its half", "half", STALL, "PPC653", "preprocessing", quick=True),
)
BURNT = (
    Row("a half of zeros", "half", changed(own_word(bytes(32 + 40))), "PPC553", "half"),
    Row("a half that is short", "half", changed(own_word(bytes(8))), "PPC553", "half"),
    Row("a bit of its half flipped", "half", changed(flipped(8 * 32 + 3)), "PPC553", "half"),
    Row("a ledger longer than any", "half", changed(other_words(32, b"\xff" * 8)), "PPC553", "ledger"),
    Row("leaves after its half", "frame first", HANG_UP, "PPC652"),
    Row("another message after its half", "frame first", changed(header(round_=3)), "PPC651"),
    Row("leaves before its last message", "frame last", HANG_UP, "PPC652"),
)
OFFERS = (
    Row("no pair at all", "offer", changed(own_word(b"")), "PPC553", "pairs"),
    Row("half a pair", "offer", changed(own_word(bytes(8))), "PPC553", "pairs"),
    Row("a pair that nobody has", "offer", changed(own_word(bytes(16))), "PPC559"),
    Row("two thousand pairs", "offer", changed(own_word(bytes(32_000))), "PPC669"),
    Row("an offer beyond all memory", "offer", changed(claiming(2**63 + 5)), "PPC669"),
    Row("leaves instead of an offer", "offer", HANG_UP, "PPC652", "preprocessing"),
    Row("plays without an offer", "offer", left_out, "PPC653", "preprocessing", quick=True),
)


def behaviours() -> Iterator[Behaviour]:
    yield from (row.by("dealer") for row in _dealers())
    for who, unused in (("client", (*OFFERS, *UNUSED)), ("server", UNUSED)):
        yield from (row.by(who, f"{who}, files", files=True, burnt=False) for row in unused)
        yield from (row.by(who, f"{who}, files", files=True, burnt=who == "client") for row in HALVES)
        yield from (row.by(who, f"{who}, files", files=True, burnt=True) for row in BURNT)
