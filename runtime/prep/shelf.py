"""A party's folder of preprocessing files: which are left, and which one both parties take.

The client offers what it has, the server chooses the first that it has too and that nobody uses, the client takes the
same one. Called by the handshake of a run and by `ppc deal status`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

from ppc.errors import PpcError, fail
from ppc.plan.steps import Plan
from ppc.runtime.prep.disk import reading
from ppc.runtime.prep.heads import decode_head
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.reading import ENDING, Prep, open_prep, wanted
from ppc.runtime.prep.record import Seen
from ppc.runtime.prep.use import HALF_ENDING, Use, expired, in_time

MOST_OFFERED = 1024  # pairs: a handshake has at most 64 kB
_PAIR = 16
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The client's pairs, and what it knew of the server's ledger before it sent them."""

    data: bytes
    seen: Seen | None


class Shelf:
    """One party's files for one plan. `dealers` are the names of those that it trusts."""

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        plan: Plan,
        party: str,
        *,
        dealers: Collection[str],
        iterations: int = 1,
        public: str = "",
    ) -> None:
        self.folder, self.ledger, self.dealers = folder, ledger, dealers
        self.wanted = wanted(plan, party, iterations, public)

    def __repr__(self) -> str:
        return f"Shelf({str(self.folder)!r})"

    def pairs(self) -> Iterator[str]:
        """Those that look unused, whatever they are for."""
        used = self.ledger.used()
        found = (path for path in files(self.folder) if path.stem not in used and _NAME.fullmatch(path.stem))
        return (path.stem for path in found if path.with_suffix(HALF_ENDING).exists())

    def open(self, pair: str) -> Prep:
        """The file of a pair, if it is one for this plan and party."""
        prep = open_prep(self.folder / f"{pair}{ENDING}", dealers=self.dealers)
        if prep.header.pair != pair:
            raise fail("PPC553", f"`{prep.path.name}` has another pair in it.", hint="Copy it again from the dealer.")
        if (problem := self.wanted.problem(prep)) is not None:
            raise problem
        return prep

    def offer(self, peer: str) -> Offer:
        """What the client sends first: all from the first usable one on; the server looks at each that it takes."""
        seen = self.ledger.seen(peer)
        found = list(dropwhile(lambda pair: self._problem(pair) is not None, self.pairs()))
        if not found:
            raise self._nothing_left()
        return Offer(data=b"".join(bytes.fromhex(pair) for pair in found[:MOST_OFFERED]), seen=seen)

    def choose(self, offered: bytes, *, session: bytes, peer: str) -> Use:
        """What the server takes of a client's offer."""
        if not offered or len(offered) % _PAIR or len(offered) > MOST_OFFERED * _PAIR:
            raise fail("PPC553", "The other party sent something else than its pairs.", hint="Run the same ppc.")
        here, seen = set(self.pairs()), self.ledger.seen(peer)
        first: PpcError | None = None
        for start in range(0, len(offered), _PAIR):
            pair = offered[start : start + _PAIR].hex()
            if pair not in here:
                continue
            try:
                return self._use(pair, session, peer, seen)
            except PpcError as error:
                first = first or error
        raise first or self._nothing_left("in common with the other party")

    def claim(self, answer: bytes, offer: Offer, *, session: bytes, peer: str) -> Use:
        """The pair of the server's head, which must be one of those that were offered."""
        pair = decode_head(answer).pair
        if bytes.fromhex(pair) not in {offer.data[i : i + _PAIR] for i in range(0, len(offer.data), _PAIR)}:
            raise fail("PPC553", "The other party took a pair that was not offered.", hint="Run the same ppc.")
        return self._use(pair, session, peer, offer.seen)

    def _use(self, pair: str, session: bytes, peer: str, seen: Seen | None) -> Use:
        prep, passes = self.open(pair), self.wanted.passes()
        return Use(prep, self.ledger, session=session, peer=peer, seen=seen, passes=passes)

    def _problem(self, pair: str) -> PpcError | None:
        try:
            prep = self.open(pair)
        except PpcError as error:
            return error
        return None if in_time(prep) else expired(prep)

    def _nothing_left(self, how: str = "") -> PpcError:
        """Where there are files but none fits, the first one's reason says more than that."""
        reason = next((problem for pair in self.pairs() if (problem := self._problem(pair)) is not None), None)
        if reason is not None and not self._used_up():
            return reason
        how = how or ("for this plan" if reason else "")
        return fail(
            "PPC559",
            f"`{self.folder}` has no unused preprocessing {how}".rstrip() + ".",
            hint="Let the dealer make more with `ppc deal`, and give each party its folder.",
        )

    def _used_up(self) -> bool:
        """Whether there were files for this plan, and those that are left are all for others."""
        unused = {*self.pairs()}
        ours = {path.stem for path in files(self.folder) if self._is_ours(path)}
        return bool(ours) and not ours & unused

    def _is_ours(self, path: Path) -> bool:
        try:
            return open_prep(path, dealers=self.dealers).header.artifact == self.wanted.artifact
        except PpcError:
            return False


def files(folder: Path) -> list[Path]:
    """The preprocessing files of a folder, oldest first."""
    if not folder.exists():
        return []
    with reading(folder):
        found = [
            (path.stat().st_mtime_ns, path.name, path)
            for path in folder.iterdir()
            if path.suffix == ENDING and not path.name.startswith(".") and path.is_file() and not path.is_symlink()
        ]
    return [path for *_, path in sorted(found)]
