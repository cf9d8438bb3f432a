"""One party's part in the joint comparison: from its share of the noisy histograms to the winners, at the server alone.

The link is a fresh one for each vote, and with it the session that all secrets of the dealer belong to: nothing is used
twice, and nothing of a vote is compared with other workers' votes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppc.bundle import Bundle
from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.runtime.keyring import Keyring
from ppc.runtime.roles import meeting
from ppc.runtime.roles.brought import Brought
from ppc.runtime.roles.meeting import Terms
from ppc.runtime.roles.party import PartyRun
from ppc.runtime.roles.request import Counts, Request, stretches
from ppc.runtime.wire.link import Address, Link
from ppc.runtime.wire.tls_channel import TlsChannel

RESULT = "result"
TAKEN = "This vote counts as taken."


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a party has of it before any vote. `name` is what the plan calls the histogram."""

    bundle: Bundle
    name: str
    keyring: Keyring
    dealer: Address
    terms: Terms

    def look(self) -> None:
        """Whether the dealer is there, and deals for this comparison."""
        meeting.look_for_dealer(self.bundle, self.keyring, self.dealer, self.terms)

    def carry_out(self, reach: Callable[[], Link], share: Words) -> Compared:
        """Over the link to the other party, which is closed when it returns."""
        try:
            channel = TlsChannel(reach(), idle=self.terms.idle)
            try:
                return self._compared(channel, share)
            finally:
                channel.close()
        except PpcError as error:
            raise unopened(error) from None

    def _compared(self, channel: TlsChannel, share: Words) -> Compared:
        meeting.three_machines(self.dealer[0], meeting.host_of(channel.link), self.terms)
        brought, request = Brought(shares={self.name: share}), Request(examples=len(share))
        session = channel.link.session
        dealt = meeting.meet_dealer(self.bundle, self.keyring, self.dealer, session, request, self.terms, brought)
        try:
            run = PartyRun(
                bundle=self.bundle,
                channel=channel,
                dealt=dealt,
                session=session,
                brought=brought,
                examples=len(share),
                run=stretches(self.bundle, request),
            )
            results = run.carry_out()
            channel.finish()
        finally:
            dealt.close()
        return Compared(classes=_places(results, share), predicted=run.predicted, measured=run.measured)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The winners, where this party is told them, and what was carried."""

    classes: NDArray[np.int64]
    predicted: Counts
    measured: Counts


def _places(results: Mapping[str, NDArray[np.float64]], share: Words) -> NDArray[np.int64]:
    """Places of classes; a comparison that went wrong may open what is none."""
    found = np.rint(np.asarray(results.get(RESULT, ()))).astype(np.int64)
    if found.size and not (found.shape == share.shape[:1] and found.min() >= 0 and found.max() < share.shape[1]):
        message = "What was opened of the votes names no classes: somebody sent another number than the plan says."
        raise fail("PPC670", message, hint="Nothing of this vote is used. Ask who runs the other side.")
    return found


def unopened(error: PpcError) -> PpcError:
    """Why the winners of a vote are not known; its votes count, and are compared no other time."""
    first = error.diagnostics[0]
    message = f"The joint comparison of the votes failed, and no winner was opened: {first.message} ({first.code})"
    return fail("PPC686", message, hint=f"{TAKEN} {first.hint or 'Start all of them again.'}")
