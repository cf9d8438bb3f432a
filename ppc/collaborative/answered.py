"""Among whom a worker has answered for the loss of each of its batches, written down before anything of it is shared.

Of two sums with the same losses in them, one over all workers and one over all but one, the difference is the loss of
that one. So a loss goes into sums over one set of workers only: who goes on from a checkpoint, or is started again,
meets batches that it has answered for, and answers for each among the same workers as before, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ppc.errors import PpcError, fail
from ppc.files import append, make_folder, write_whole
from ppc.runtime.wire.words import value_of

LONGEST = 1 << 16  # of a line
Sets = dict[tuple[str, int], list[int]]


@dataclass
class Answered:
    """By training and batch, who took part; in the folder of checkpoints, and in memory where none is named."""

    path: Path | None = None
    found: Sets | None = field(default=None, init=False)

    @staticmethod
    def of(folder: Path | None, name: str) -> Answered:
        return Answered(folder / f"{name}.answered.txt" if folder else None)

    def among(self, training: str, batch: int, numbers: Sequence[int]) -> bool:
        """Whether this batch may be answered for among these workers."""
        if self.found is None:
            self.found = _read(self.path) if self.path and self.path.exists() else {}
        if (before := self.found.get((training, batch))) is None:
            self.found[training, batch] = list(numbers)
            self._write(training, batch, numbers)
            return True
        return before == list(numbers)

    def _write(self, training: str, batch: int, numbers: Sequence[int]) -> None:
        if self.path is not None:
            make_folder(self.path.parent)
            append(self.path, f'["{training}", {batch}, {list(numbers)}]\n'.encode())


def _read(path: Path) -> Sets:
    """Of a line that was not written to its end nothing was shared: it goes."""
    try:
        whole, ended, rest = path.read_bytes().rpartition(b"\n")
    except OSError:
        raise _damaged(path) from None
    if rest:
        write_whole(path, whole + ended, private=True)
    found: Sets = {}
    for line in whole.splitlines():
        match _value(line):
            case [str(training), int(batch), [*numbers]] if all(isinstance(one, int) for one in numbers):
                found[training, batch] = numbers
            case _:
                raise _damaged(path)
    return found


def _value(line: bytes) -> object:
    try:
        return value_of(line, LONGEST)
    except ValueError:
        return None


def _damaged(path: Path) -> PpcError:
    hint = "It says which losses were shared among whom: another training takes another folder."
    return fail("PPC684", f"`{path}` is damaged.", hint=hint)
