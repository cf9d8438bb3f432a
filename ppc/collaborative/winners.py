"""Votes with `open winner`, at the server: it adds up its shares, the second aggregator the others, and both compare.

A vote is usable if the shares of all who were called are at both: with one missing its part of the noise would be, too.
Then nothing is opened, whoever is missing is dropped, and those who are left vote again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from ppc.collaborative import letters
from ppc.collaborative.compared import TAKEN, Compared
from ppc.collaborative.host import TOLD, Host
from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.ir.collaborative import Pate
from ppc.runtime.wire.letters import Letters


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The server and the second aggregator: the line between them, what they do over a fresh one, and a look whether
    the dealer is there, which raises where it is not."""

    line: Letters
    compare: Callable[[Words], Compared]
    look: Callable[[], None]

    def ready(self, wait: float) -> None:
        """Before a vote, which counts whatever comes of it: the second one is there, and both reach the dealer."""
        try:
            self.line.allow(wait)
            self.line.send(letters.READY)
            _, why = self.line.receive({letters.READY: letters.LONGEST})
            self.look()
        except PpcError as error:
            raise _not_ready(error.diagnostics[0].message) from None
        if why:
            raise _not_ready(f"The second aggregator says: {why.decode('utf-8', 'replace')}")

    def end(self) -> None:
        """The training is over; whether the second one hears it changes nothing here."""
        with suppress(PpcError):
            self.line.send(letters.END)
        self.line.close()


def winners(host: Host, pair: Pair, pate: Pate, asked: int, classes: int) -> tuple[Compared, int]:
    """The class that wins each query, and how often the workers had to vote."""
    return host.voted(
        pate, asked, lambda numbers: _winners(host, pair, numbers, asked, classes), lambda: ready(host, pair)
    )


def ready(host: Host, pair: Pair) -> None:
    """Whether votes could be compared now."""
    pair.ready(host.facts.wait + 2 * TOLD)


def _winners(host: Host, pair: Pair, numbers: Sequence[int], asked: int, classes: int) -> Compared | None:
    ours = host.opened(numbers, letters.VOTE, asked, asked * classes)  # the sum of shares, which is uniform
    if ours is None:
        return None
    missing = _missing(host, pair, letters.called(host.attempt, numbers, asked))
    for one in missing:
        host.drop(one, "its share did not come to the second aggregator")
    return None if missing else pair.compare(ours.reshape(asked, classes))


def _missing(host: Host, pair: Pair, call: bytes) -> list[int]:
    """Whose shares the second aggregator has not."""
    try:
        pair.line.allow(host.facts.wait + 2 * TOLD)
        pair.line.send(letters.ADD, call)
        _, text = pair.line.receive({letters.MISSING: letters.LONGEST})
        found = [int(one) for one in cast("Sequence[int]", letters.json_of(text))]
    except (TypeError, ValueError, OverflowError):
        raise _not_there("It named no workers.") from None
    except PpcError as error:
        raise _not_there(error.diagnostics[0].message) from None
    if not set(found) <= set(letters.call_of(call)[2]):
        raise _not_there("It named workers that were not called.")
    return found


def _not_there(why: str) -> PpcError:
    message = f"The second aggregator did not add up its shares of the votes, and nothing was opened: {why}"
    return fail("PPC686", message, hint=f"{TAKEN} Start all of them with `--resume`, if the program pays for another.")


def _not_ready(why: str) -> PpcError:
    message = f"Votes could not be compared now, and none was taken: {why}"
    return fail("PPC686", message, hint="Start whoever is missing again, and the others with `--resume`.")
