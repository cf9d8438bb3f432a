"""What one must not forget of a training on shares: lines that are on disk before what they tell of is sent.

**An update goes under one tag only, and a tag is summed over one set only.** The updates of a training that is taken up
again are the same to the bit: from two sums, one with a participant and one without, its update could be worked out.
A participant remembers under which tag it has answered which exchange, the second aggregator over whom it has given
out which sum. Without a file the memory is gone with the process.

    line    what it is about, blank, what there is to remember of it
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ppc.errors import fail
from ppc.files import make_folder, write_whole
from ppc.selective.adding import TAG

KEY = 32
TWICE = (
    "From two sums its update could be worked out, and nothing was sent. Start it again when that sum is over; "
    "for a training that begins anew name another folder, and another seed."
)


@dataclass
class Memory:
    """`lines` are in the order in which they came; each is there once."""

    path: Path | None = None
    lines: dict[str, str] = field(default_factory=dict[str, str])

    @staticmethod
    def of(folder: Path | None, name: str, lines: Iterable[tuple[str, str]] = ()) -> Memory:
        """That of the folder, if one is named, with what is remembered anyway."""
        if folder is None:
            return Memory(lines=dict(lines))
        path = folder / name
        text = path.read_bytes() if path.exists() else b""
        whole, _, torn = text.rpartition(b"\n")
        if torn:  # written by a process that was ended before it sent anything
            write_whole(path, whole + b"\n" if whole else b"")
        return Memory(path, {**dict(lines), **_lines(path, whole)})

    def add(self, what: str, told: str) -> None:
        """Before anything of it is sent."""
        if self.lines.get(what) == told:
            return
        if self.path is not None:
            make_folder(self.path.parent)
            _append(self.path, f"{what} {told}\n".encode())
        self.lines[what] = told


def _lines(path: Path, text: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.decode("ascii", "replace").splitlines():
        what, blank, told = line.partition(" ")
        if not blank or not line.isprintable() or "\ufffd" in line:
            raise fail("PPC684", f"`{path}` is damaged.", hint="Without it nobody knows what was opened: begin anew.")
        found[what] = told
    return found


def _append(path: Path, line: bytes) -> None:
    try:
        with path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        message = f"`{path}` cannot be written: {error.strerror or error}."
        raise fail("PPC684", message, hint="Nothing was sent.") from None


# ---- a participant ----


def refused_twice(memory: Memory, exchange: int, tag: bytes) -> None:
    """One tag for an exchange, and one exchange for a tag."""
    known, told = memory.lines.get(str(exchange)), tag.hex()
    if known == told or (known is None and told not in memory.lines.values()):
        return
    message = f"The server asks for exchange {exchange} in a sum where this participant has answered otherwise before."
    raise fail("PPC687", message, hint=TWICE)


def last_exchange(memory: Memory) -> int:
    return max((int(one) for one in memory.lines if one.isdecimal()), default=0)


# ---- the server ----


@dataclass(frozen=True)
class Tags:
    """Of the sums of one training: the same after it was taken up again, of no other training."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(KEY), repr=False)
    resumed: bool = False

    @staticmethod
    def of(folder: Path | None, resumed: bool) -> Tags:
        """A training that begins draws its key; one that goes on has it beside its checkpoints."""
        path = None if folder is None else folder / "server.tags"
        if not resumed:
            made = Tags()
            if folder is not None and path is not None:
                make_folder(folder)
                write_whole(path, made.key.hex().encode(), private=True)
            return made
        try:
            key = bytes.fromhex(path.read_text("ascii").strip()) if path is not None else b""
        except (OSError, ValueError):
            key = b""
        if len(key) != KEY:
            hint = "Without its tags a sum could be opened again over others: begin anew, with another seed."
            raise fail("PPC684", "The file `server.tags` is not beside the server's checkpoint.", hint=hint)
        return Tags(key, resumed=True)

    @property
    def training(self) -> bytes:
        return self._named(b"training")

    def tag(self, number: int, sum_of_it: int) -> bytes:
        """Of a sum of a round, both from 0. A pseudorandom function: nobody else's tags come out the same."""
        return self._named(b"sum" + number.to_bytes(8, "little") + sum_of_it.to_bytes(8, "little"))

    def _named(self, what: bytes) -> bytes:
        return hmac.digest(self.key, b"ppc/selective/tags/v1|" + what, "sha256")[:TAG]
