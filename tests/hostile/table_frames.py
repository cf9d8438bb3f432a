"""Behaviours in the middle of a run: a party that says something else than its plan, at the first of its messages, at
one in the middle, or at the last. The same for a client and for a server."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.deeds import (
    as_many,
    before,
    beneath,
    changed,
    cut,
    element,
    first,
    flipped,
    grown,
    header,
    instead,
    left_out,
    longer,
    slowly,
    swapped,
    twice,
    without_last,
)
from tests.hostile.endings import GOODBYE, HALF_CLOSE, HANG_UP, RESET, STALL
from tests.hostile.mouth import Mouth
from tests.hostile.stage import Behaviour, Row

MESSAGE = r"the message of round \d+ of (setup|each|finish), iteration \d+"
PLAIN = bytes.fromhex("1703030020") + bytes(32)  # a record of TLS, with nothing in it that decrypts

# What is done, and how an honest party ends: with another message, without one in time, or with none any more.
OTHER = ("PPC651", f"than {MESSAGE}")
SILENT = ("PPC653", f"(?i){MESSAGE} did not come")
ENDED = ("PPC652", f"(broke off|ended its run) while (waiting for|sending) {MESSAGE}")
IMPOSSIBLE = ("PPC670", "")
OUT_OF_RANGE = ("PPC670", "outside of the range")
SHORT = ("PPC651|PPC653|PPC670", "")  # the other one may wait for it before anything follows

DEEDS = (
    Row("another round", "frame first", changed(header(round_=1)), *OTHER),
    Row("the round before", "frame last", changed(header(round_=-1)), *OTHER),
    Row("another iteration", "frame middle", changed(header(iteration=1)), *OTHER),
    Row("an iteration of four thousand million", "frame last", changed(header(iteration=2**32 - 9)), *OTHER),
    Row("another section", "frame middle", changed(header(section=2)), *OTHER),
    Row("a section that there is not", "frame first", changed(header(section=0xFFFF)), *OTHER),
    Row("a length of nothing", "frame middle", changed(header(length=0)), *OTHER),
    Row("a length one word too large", "frame last", changed(grown), *OTHER),
    Row("a length beyond all memory", "frame first", changed(header(length=2**63)), *OTHER),
    Row("a length of all ones", "frame middle", changed(header(length=2**64 - 1)), *OTHER),
    Row("a bit of the place flipped", "frame first", changed(flipped(33)), *OTHER),
    Row("a bit of the length flipped", "frame last", changed(flipped(64 + 5)), *OTHER),
    Row("ones for a message", "frame middle", changed(as_many(0xFF)), *OTHER),
    Row("zeros for a message", "frame last", changed(as_many(0)), *OTHER),
    Row("text for a message", "frame first", changed(instead(b'{"refused": "PPC999", "why": "because"}')), *OTHER),
    Row("one byte too few", "frame middle", changed(without_last(1)), *SHORT, quick=True),
    Row("one word too few", "frame second", changed(without_last(8)), *SHORT, quick=True),
    Row("one word too many", "frame first", changed(longer(8)), *OTHER),
    Row("a megabyte too much", "frame middle", changed(longer(1 << 20)), *OTHER),
    Row("the same message twice", "frame first", changed(twice), *OTHER),
    Row("a message left out", "frame middle", left_out, *SHORT, quick=True),
    Row("two messages exchanged", "frame middle", swapped, *SHORT, quick=True),
    Row("something before its turn", "frame first", changed(before(bytes(24))), *OTHER),
    Row("p itself", "mask first", element(0, lambda _, p: p), *IMPOSSIBLE),
    Row("the last element too large", "mask last", element(-1, lambda _, p: p + 1), *IMPOSSIBLE),
    Row("the largest word", "mask middle", element(1, lambda _, __: -1), *IMPOSSIBLE),
    Row("an element and p", "mask last", element(0, lambda old, p: p + old + 1), *IMPOSSIBLE),
    Row("the top bit flipped", "mask first", changed(flipped(-1)), *IMPOSSIBLE),
    Row("bytes under TLS", "frame first", beneath(PLAIN), *ENDED),
    Row("a message under TLS, later", "frame last", beneath(PLAIN), *ENDED),
    Row("hangs up before its first message", "frame first", HANG_UP, *ENDED),
    Row("hangs up between two rounds", "frame middle", HANG_UP, *ENDED),
    Row("hangs up before its last message", "frame last", HANG_UP, *ENDED),
    Row("says goodbye between two rounds", "frame middle", GOODBYE, *ENDED),
    Row("hangs up after half a header", "frame middle", first(cut(8), Mouth.hang_up), *ENDED),
    Row("hangs up after a header", "frame last", first(cut(16), Mouth.hang_up), *ENDED),
    Row("hangs up in the middle of a message", "frame first", first(without_last(5), Mouth.hang_up), *ENDED),
    Row("resets the line", "frame middle", RESET, *ENDED),
    Row("resets it in the middle of a message", "frame first", first(cut(20), Mouth.reset), *ENDED),
    Row("half closes", "frame first", HALF_CLOSE, *ENDED),
    Row("silent from the start", "frame first", STALL, *SILENT, quick=True),
    Row("silent between two rounds", "frame middle", STALL, *SILENT, quick=True),
    Row("silent before its last message", "frame last", STALL, *SILENT, quick=True),
    Row("silent after half a header", "frame middle", first(cut(8), Mouth.stall), *SILENT, quick=True),
    Row("silent after a header", "frame first", first(cut(16), Mouth.stall), *SILENT, quick=True),
    Row("silent one byte before the end", "frame last", first(without_last(1), Mouth.stall), *SILENT, quick=True),
    Row("byte by byte", "frame middle", slowly, *SILENT, quick=True),
)
MORE = ("PPC651", "More came from")
AT_END = (
    Row("a byte after the end", "end", changed(instead(b"\0")), *MORE),
    Row("a round more", "end", changed(instead(bytes(48))), *MORE),
    Row("no goodbye", "end", STALL, *("PPC653", "The end of the run did not come"), quick=True),
    Row("a reset at the end", "end", RESET, *("PPC652", "while waiting for the end of the run")),
    Row("bytes under TLS at the end", "end", beneath(PLAIN), *("PPC652", "while waiting for the end of the run")),
)


# What only a party that gets a result can see; and what nobody can: another input, another weight.
OF_SERVER = (
    Row(
        "another result", "reveal last", element(0, lambda old, p: (old + p // 2) % p), "PPC670", "outside of the range"
    ),
    Row("another weight", "mask first", element(0, lambda old, p: (old + 1) % p)),
)
OF_CLIENT = (Row("another input", "mask first", element(0, lambda old, p: (old + 1) % p)),)


def behaviours() -> Iterator[Behaviour]:
    for who, own in (("client", OF_CLIENT), ("server", OF_SERVER)):
        yield from (row.by(who) for row in (*DEEDS, *AT_END, *own))
