"""The checkpoint from which both parties go on: the newest step of which both have one, with the same mark.

Each tells the other the marks of those that it has. Two folders of which none belongs together, as when one of them was
exchanged or restored, are refused: shares of different steps or trainings are no shares of anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

from ppc.errors import PpcError, fail
from ppc.runtime.checkpoint.kept import Kept

_ROW = Struct("<Q16s")
MOST = 16  # that anybody tells of


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One checkpoint, as the other party is told of it."""

    step: int
    name: str


def mark_of(session: bytes, step: int) -> str:
    """The same at both parties, and of this step of this session only."""
    return sha256(b"ppc/v1|mark|" + session + step.to_bytes(8, "big")).hexdigest()[:32]


def marks(found: Sequence[Kept]) -> tuple[Mark, ...]:
    return tuple(Mark(kept.header.step, kept.header.mark) for kept in found)


def encoded(found: Sequence[Mark]) -> bytes:
    return b"".join(_ROW.pack(mark.step, bytes.fromhex(mark.name)) for mark in found)


def decoded(data: bytes) -> tuple[Mark, ...]:
    if len(data) % _ROW.size or len(data) > MOST * _ROW.size:
        raise fail("PPC669", "The other party sent something else than its checkpoints.", hint="Run the same ppc.")
    return tuple(Mark(step, name.hex()) for step, name in _ROW.iter_unpack(data))


def common(ours: Sequence[Mark], theirs: Sequence[Mark]) -> Mark | None:
    """From where both go on; None where the training has not begun at one of them."""
    shared = set(ours) & set(theirs)
    if shared:
        return max(shared)
    if all(mark.step == 0 for mark in (*ours, *theirs)):
        return None  # one of them ended before its first file was written, and no step was done
    raise _mixed(ours, theirs)


def _mixed(ours: Sequence[Mark], theirs: Sequence[Mark]) -> PpcError:
    return fail(
        "PPC573",
        f"The two parties have no checkpoint in common: {_steps(ours)} here, {_steps(theirs)} there.",
        hint="Give both the folders of one training, and of its latest run; or begin anew, in new folders.",
    )


def _steps(found: Sequence[Mark]) -> str:
    return "that of step " + " and ".join(f"{mark.step:,} ({mark.name[:8]}…)" for mark in found) if found else "none"
