"""Updates as field elements: encoded, split between two aggregators, and put together as a sum alone.

A round's updates have one set of places. Where coordinates are drawn blindly (`upload 10% random`) the set is public,
the same for all, and a share has as many elements; where the choice tells of the data the share is dense, with zeros at
what was not chosen. Values are bounded by the program, so that no sum leaves the field (`Selective.overflows`).

    share   tag of the round 16 bytes, elements u64 each, little-endian
    total   tag, number of participants u32, their numbers u32 each, elements of the sum
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.field import Words
from ppc.ir.selective import FRACTION, Selective
from ppc.selective.message import HINT, Sparse
from ppc.sharing import MODULUS, signed

TAG = 16
COUNT = struct.Struct("<I")
PUBLIC = 0x5E1EC7  # separates the draws of public places from all other ones


def public_places(facts: Selective, parameters: int, version: int) -> NDArray[np.uint32]:
    """Where the values of this round lie: drawn from public coins, or everywhere."""
    if facts.dense:
        return np.arange(parameters, dtype=np.uint32)
    coins = np.random.default_rng((PUBLIC, version))
    drawn = coins.choice(parameters, facts.uploaded(parameters), replace=False, shuffle=False)
    return np.sort(drawn).astype(np.uint32)


def encoded(facts: Selective, values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Within the bound that the plan reckons with."""
    return np.rint(np.clip(values.astype(np.float64), -facts.most, facts.most) * 2**FRACTION).astype(np.int64)


def mean_update(facts: Selective, parameters: int, version: int, sums: NDArray[np.int64], count: int) -> Sparse:
    """What the server adds: the mean of the round's updates, where it is not zero."""
    if int(np.abs(sums).max(initial=0)) > count * np.ceil(facts.most * 2**FRACTION):
        raise fail(
            "PPC680", "The sum of a round is beyond the clip of all participants: somebody sent more.", hint=HINT
        )
    there = np.flatnonzero(sums)
    places = public_places(facts, parameters, version)[there]
    return Sparse(parameters, version, places, (sums[there] / 2**FRACTION / count).astype(np.float32))


# ---- messages ----


def share_bytes(elements: int) -> int:
    return TAG + 8 * elements


def total_bytes(participants: int, elements: int) -> int:
    return TAG + COUNT.size + 4 * participants + 8 * elements


def share_text(tag: bytes, share: Words) -> bytes:
    return tag + share.astype("<u8").tobytes()


def share_of(text: bytes, elements: int) -> tuple[bytes, Words]:
    """A stranger's share: so many elements of the field."""
    if len(text) != share_bytes(elements):
        raise fail("PPC680", f"A share of {len(text):,} bytes is not one of {elements:,} elements.", hint=HINT)
    return text[:TAG], _elements(text, elements, TAG)


def total_text(tag: bytes, who: Sequence[int], elements: Words) -> bytes:
    return tag + COUNT.pack(len(who)) + np.array(who, "<u4").tobytes() + elements.astype("<u8").tobytes()


def total_of(text: bytes, elements: int, most: int) -> tuple[bytes, tuple[int, ...], Words]:
    """Whose sum it is, and the sum; nobody's has no elements."""
    count = COUNT.unpack_from(text, TAG)[0] if len(text) >= TAG + COUNT.size else most + 1
    there = elements if count else 0
    if count > most or len(text) != total_bytes(count, there):
        raise fail("PPC680", f"A sum of {len(text):,} bytes is none of {elements:,} elements.", hint=HINT)
    who = np.frombuffer(text, "<u4", count, TAG + COUNT.size)
    return text[:TAG], tuple(int(one) for one in who), _elements(text, there, total_bytes(count, 0))


def numbers_of(text: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Whose shares are to be added."""
    if len(text) < TAG or (len(text) - TAG) % 4:
        raise fail("PPC680", f"A question of {len(text)} bytes names no participants.", hint=HINT)
    return text[:TAG], tuple(int(one) for one in np.frombuffer(text, "<u4", -1, TAG))


def _elements(text: bytes, count: int, start: int) -> Words:
    found = np.frombuffer(text, "<u8", count, start).astype(np.uint64)
    if count and int(found.max()) >= MODULUS:
        raise fail("PPC680", "A share holds numbers that are no elements of the field.", hint=HINT)
    return found


def opened(ours: Words, theirs: Words) -> NDArray[np.int64]:
    """The sum itself: both halves are needed."""
    return signed((ours + theirs) % np.uint64(MODULUS))
