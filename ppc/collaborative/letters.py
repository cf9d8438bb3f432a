"""The kinds of letters of a collaborative training, and how long each may be.

`SHARE` passes between two workers, or from a worker to the second aggregator; `ADD`, `MISSING` and `READY` between this
one and the server; everything else between a worker and the server. An attempt is a number that the server never gives
twice: a share that comes late is of an earlier one, and is thrown away.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.ir.collaborative import LARGEST_SHARE
from ppc.runtime.wire.letters import HEAD
from ppc.runtime.wire.words import value_of
from ppc.sharing import ELEMENT_BYTES, MODULUS

PEERS = 1  # to a worker that has come: JSON, where the workers that came before it listen
BEGIN = 2  # to a worker that has come: the epochs that are over, u64
ROUND = 3  # to a worker: the loss of its next batch is wanted; attempt and who takes part
OPENED = 4  # to a worker: the sum of the losses
VOID = 5  # to a worker: nothing was opened
VOTE = 6  # to a worker: its noisy votes are wanted; attempt, who takes part, and how many examples
KEEP = 7  # to a worker: write a checkpoint of so many epochs, u64, and report
END = 8  # to a worker: the training is over
PARTIAL = 9  # to the server: the sum of the shares that this worker holds
FAILED = 10  # to the server: JSON, the workers whose shares did not come
REPORT = 11  # to the server: JSON, how good this worker's model is
SHARE = 12  # to another worker; of votes with `open winner`, to the second aggregator
ADD = 13  # to the second aggregator: the call that the shares of one vote belong to
MISSING = 14  # from it: JSON, the workers whose shares did not come; of none, it begins to compare
READY = 15  # to the second aggregator, before votes are taken; from it: why it could not compare them, if it could not

LONGEST = 1 << 16  # of JSON
LONGEST_SHARE = LARGEST_SHARE + (1 << 20)  # with who takes part
ATTEMPT = struct.Struct("<Q")
LENGTH = struct.Struct("<I")  # of the call that a share of votes answers
ASKED = struct.Struct("<QI")  # attempt, and examples to label


class Line(Protocol):
    """The server's end of what leads to a worker, on whatever engine."""

    sent: int
    taken: int

    def send(self, kind: int, text: bytes = b"") -> None: ...

    def allow(self, computing: float) -> None: ...

    def receive(self, longest: Mapping[int, int]) -> tuple[int, bytes]: ...

    def close(self) -> None: ...


def of_worker(workers: int) -> dict[int, int]:
    """What may come to a worker."""
    called = ASKED.size + 4 * workers
    return {PEERS: LONGEST, BEGIN: 8, ROUND: called, VOTE: called, OPENED: ELEMENT_BYTES, VOID: 0, KEEP: 8, END: 0}


def share_bytes(elements: int) -> int:
    """A share on the wire."""
    return HEAD.size + ATTEMPT.size + ELEMENT_BYTES * elements


def partial_bytes(elements: int) -> int:
    return HEAD.size + ELEMENT_BYTES * elements


def called(attempt: int, numbers: Sequence[int], examples: int = 0) -> bytes:
    return ASKED.pack(attempt, examples) + np.array(numbers, np.uint32).tobytes()


def call_of(text: bytes) -> tuple[int, int, list[int]]:
    """Attempt, examples, and who takes part; each once."""
    if len(text) < ASKED.size or (len(text) - ASKED.size) % 4:
        raise _unusable("a call that is none")
    attempt, examples = ASKED.unpack_from(text)
    numbers = [int(one) for one in np.frombuffer(text, np.uint32, offset=ASKED.size)]
    if numbers != sorted(set(numbers)):
        raise _unusable("a call in which a worker takes part twice")
    return attempt, examples, numbers


def vote_share(call: bytes, share: Words) -> bytes:
    """With the call that it answers, so that nobody is told another one."""
    return LENGTH.pack(len(call)) + call + np.ascontiguousarray(share).tobytes()


def vote_share_of(text: bytes, classes: int) -> tuple[bytes, Words]:
    """The call, and the share of the votes that it asks for."""
    start = LENGTH.size + (LENGTH.unpack_from(text)[0] if len(text) >= LENGTH.size else 0)
    call = text[LENGTH.size : start]
    _, examples, _ = call_of(call)
    return call, elements_of(text[start:], examples * classes)


def elements_of(text: bytes, count: int) -> Words:
    """So many elements of the field."""
    if len(text) != ELEMENT_BYTES * count:
        raise _unusable(f"{len(text):,} bytes, where {ELEMENT_BYTES * count:,} belong")
    found = np.frombuffer(text, np.uint64)
    if bool((found >= MODULUS).any()):
        raise _unusable("a number that is no element of the field")
    return found


def json_of(text: bytes) -> object:
    try:
        return value_of(text, LONGEST)
    except ValueError:
        raise _unusable("text that is no JSON") from None


def numbers_of(text: bytes) -> dict[str, float]:
    """A report: names and finite numbers."""
    found = json_of(text)
    if not isinstance(found, Mapping):
        raise _unusable("a report that is none")
    try:
        numbers = {str(name): float(value) for name, value in found.items()}
    except (TypeError, ValueError, OverflowError):
        raise _unusable("a report that is none") from None
    return {name: value for name, value in numbers.items() if np.isfinite(value)}


def _unusable(what: str) -> PpcError:
    return fail(
        "PPC687", f"The other side sent {what}.", hint="Start the same program with the same ppc on all machines."
    )
