"""The lines of a ledger, and the hash that binds each to all before it.

    ppc-ledger 1 ID
    HASH use PAIR SEGMENT SESSION PEER TIME      it is used from here on, and all before it
    HASH seen PEER COUNT HEAD TIME               how long the peer's ledger was, and its last hash

Numbers are decimal, names and hashes hexadecimal. Called by `ledger` only, who knows when a line is on the disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

MAGIC = "ppc-ledger 1 "
FIRST = re.compile(rf"{MAGIC}[0-9a-f]{{32}}")
_USE = re.compile(r"use ([0-9a-f]{32}) ([0-9]{1,9}) [0-9a-f]{32} [0-9a-f]{64} [0-9]{1,12}")
_SEEN = re.compile(r"seen ([0-9a-f]{64}) ([0-9]{1,15}) ([0-9a-f]{64}) [0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Seen:
    """A ledger's length in lines, and its last hash."""

    count: int
    head: str


class Book:
    """What all lines of a ledger say together."""

    def __init__(self) -> None:
        self.count, self.head = 0, ""
        self.next: dict[str, int] = {}  # by pair: the first segment that was not used yet
        self.seen: dict[str, Seen] = {}  # by the fingerprint of a peer's certificate

    def line(self, body: str) -> str:
        """The next line: a record behind the hash of all before it and itself."""
        return f"{self._chained(body)} {body}"

    def add(self, line: str) -> bool:
        """Take one more line in; false where it is none, or does not follow."""
        if not self.count:
            return self._begin(line)
        found, _, body = line.partition(" ")
        if found != self._chained(body) or not self.accepts(body):
            return False
        self._enter(body)
        self.count, self.head = self.count + 1, found
        return True

    def accepts(self, body: str) -> bool:
        """Whether `add` will take the next line, if this is its record."""
        use = _USE.fullmatch(body)
        return _SEEN.fullmatch(body) is not None or (use is not None and int(use[2]) >= self.next.get(use[1], 0))

    def _begin(self, line: str) -> bool:
        if FIRST.fullmatch(line) is None:
            return False
        self.count, self.head = 1, sha256(line.encode()).hexdigest()
        return True

    def _chained(self, body: str) -> str:
        return sha256(f"{self.head} {body}".encode()).hexdigest()

    def _enter(self, body: str) -> None:
        if (use := _USE.fullmatch(body)) is not None:
            self.next[use[1]] = int(use[2]) + 1
        if (seen := _SEEN.fullmatch(body)) is not None:
            self.seen[seen[1]] = Seen(int(seen[2]), seen[3])
