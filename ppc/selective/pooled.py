"""A round on shares, at the server: everybody learns from the same vector, and the sum of all updates alone is opened.

The server is the first aggregator: it holds one share of each update and asks the second one for the sum of the
others. Who is missing at either is left out by both before anything is put together; of fewer than the program needs
nothing is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.runtime.wire.words import from_json
from ppc.selective import adding, letters
from ppc.selective.message import Sparse
from ppc.selective.rounds import Progress
from ppc.sharing import total

if TYPE_CHECKING:
    from ppc.selective.host import Host

LEFT = "The second aggregator is not there any more; nothing of this round was opened."
Total = tuple[tuple[int, ...], Words] | None


def pooled_round(host: Host, number: int, second: letters.Line) -> None:
    """As many sums as the participant with the most examples has exchanges."""
    each = host.exchanges
    for place in range(max(each[one] for one in host.lines)):
        if not all(host.spent(one) for one in host.lines):
            _sum(host, number, host.tags.tag(number, place), second)


def begun(host: Host, second: letters.Line) -> None:
    """The second aggregator knows over whom it has opened what, where the training goes on."""
    try:
        second.send(letters.BEGIN, host.tags.training + bytes([host.tags.resumed]))
        _, known = second.receive({letters.BEGIN: 1})
    except PpcError as error:
        raise fail("PPC686", LEFT, hint=f"Start it again, and the others. {error.diagnostics[0].message}") from None
    if known != b"\1":
        message = "The second aggregator does not know any more over whom it has given out sums of this training."
        hint = "Start it with the folder that it had: `--checkpoint FOLDER`. Or begin anew, with another seed."
        raise fail("PPC686", message, hint=hint)


def _sum(host: Host, number: int, tag: bytes, second: letters.Line) -> None:
    size = len(host.server.vector)
    download = host.server.download(host.facts.downloaded(size))
    shares = _shares(host, tag, download)
    host.enough(of=len(shares))
    found = _theirs(host, tag, tuple(sorted(shares)), second)
    if found is None:
        _skipped(host)
        return
    who, theirs = found
    for one in set(shares) - set(who):
        host.drop(one, fail("PPC680", "Its share did not come to the second aggregator.", hint="Look at its line."))
    host.enough(of=len(who))
    sums = adding.opened(total([shares[one] for one in who]), theirs)
    try:
        host.server.upload(adding.mean_update(host.facts, size, download.version, sums, len(who)))
    except PpcError as error:
        host.say(f"a round is not used: {error.diagnostics[0].message}")
    for one in who:
        host.told(
            Progress(
                round=number,
                participant=one,
                staleness=0,
                coordinates=host.facts.shared(size),
                bytes_up=adding.share_bytes(host.facts.shared(size)),
                bytes_down=adding.TAG + Sparse.predicted_bytes(len(download)),
            )
        )


def _skipped(host: Host) -> None:
    """Said once; nobody is dropped."""
    if not host.skipped:
        host.skipped = True
        host.say("sums that were opened before, over other participants, are not opened again: they are left out")


def _shares(host: Host, tag: bytes, download: Sparse) -> dict[int, Words]:
    """Everybody is told first, so that they learn at the same time."""
    told = [
        one
        for one in sorted(host.lines)
        if not host.spent(one) and _tried(host, one, lambda one=one: _told(host, one, tag, download))
    ]
    found: dict[int, Words] = {}
    for one in told:
        _tried(host, one, lambda one=one: found.update({one: _share(host, one, tag)}))
    return found


def _told(host: Host, one: int, tag: bytes, download: Sparse) -> None:
    host.uploads[one] += 1
    host.lines[one].send(letters.TURN, tag + download.encoded())


def _share(host: Host, one: int, tag: bytes) -> Words:
    size = host.facts.shared(len(host.server.vector))
    _, text = host.lines[one].receive({letters.SHARE: adding.share_bytes(size)})
    named, found = adding.share_of(text, size)
    if named != tag:
        raise fail("PPC680", "A share belongs to another round.", hint="Its update is not used.")
    return found


def _tried(host: Host, one: int, act: Callable[[], None]) -> bool:
    try:
        act()
    except PpcError as error:
        host.drop(one, error)
        return False
    return True


def _theirs(host: Host, tag: bytes, asked: tuple[int, ...], second: letters.Line) -> Total:
    """The other half of the sum, and over whom; None where it was given out before over others."""
    size, most = host.facts.shared(len(host.server.vector)), host.facts.participants
    try:
        second.send(letters.ADD, tag + np.array(asked, "<u4").tobytes())
        kind, text = second.receive({letters.TOTAL: adding.total_bytes(most, size), letters.GIVEN: adding.TAG})
        if kind == letters.GIVEN:
            return None
        named, who, found = adding.total_of(text, size, most)
    except PpcError as error:
        raise fail("PPC686", LEFT, hint=f"Start it again, and the others. {error.diagnostics[0].message}") from None
    if named != tag or not set(who) <= set(asked):
        message = "The second aggregator answered for another round, or for others than those that were asked for."
        raise fail("PPC686", message, hint="Nothing was opened. Compare the versions of ppc on both machines.")
    return who, found


def ended(second: letters.Line) -> int:
    """The bytes of shares that the second aggregator took."""
    second.send(letters.END)
    _, text = second.receive({letters.REPORT: letters.LONGEST_REPORT})
    try:
        return int((from_json(text) or {})["taken"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return 0
