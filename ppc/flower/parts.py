"""Letters of a collaborative training on Flower. A letter takes seconds, so what needs no answer of its own goes with
the next one: a letter to a worker has parts, each of a kind of `ppc.collaborative.letters` or of those here.

    a round at the server                      at worker 2
    BUNDLE [OPENED, KEYS, ROUND]     →         the last step; a loss, split; a share is kept
                                     ←  SEALED shares for 1, 3, …, each sealed to its worker
    BUNDLE [RELAYED, from 1, 3, …]   →         opened and added
                                     ←  PARTIAL, or FAILED and whose shares are missing
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from ppc.collaborative import letters
from ppc.errors import PpcError, fail
from ppc.flower.sealing import OVERHEAD, RECORD
from ppc.sharing import ELEMENT_BYTES

BUNDLE = 102  # to a worker: parts
KEYS = 103  # a part: the key of everybody who takes part in the call that follows, in its order
RELAYED = 104  # a part: the sealed shares of the others, in their order
SEALED = 105  # to the server: a sealed share for each of the others, in their order

PART = struct.Struct("<BI")  # kind, length


def packed(parts: Sequence[tuple[int, bytes]]) -> bytes:
    return b"".join(PART.pack(kind, len(text)) + text for kind, text in parts)


def parts_of(text: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(text):
        if len(text) - place < PART.size:
            raise _unusable()
        kind, length = PART.unpack_from(text, place)
        place += PART.size + length
        if place > len(text):
            raise _unusable()
        yield kind, text[place - length : place]


def pieces(text: bytes, count: int, each: int) -> list[bytes]:
    """So many of the same length."""
    if len(text) != count * each:
        raise _unusable()
    return [text[place * each : (place + 1) * each] for place in range(count)]


def sealed_bytes(elements: int) -> int:
    """A share for one worker."""
    return ELEMENT_BYTES * elements + OVERHEAD


def loss_bytes(workers: int) -> int:
    """A round on all lines together: both letters to every worker, both answers, and the opened sum."""
    call = 1 + 2 * PART.size + RECORD * workers + letters.ASKED.size + 4 * workers
    shares = (workers - 1) * sealed_bytes(1)
    return workers * (call + (1 + shares) + (1 + PART.size + shares) + (1 + ELEMENT_BYTES) + PART.size + ELEMENT_BYTES)


def _unusable() -> PpcError:
    return fail("PPC687", "The server sent a letter that is none.", hint="Use one version of ppc.")
