"""One party's part of a session over sockets, in this process: from a link to its result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppc.bundle import Bundle
from ppc.runtime.keyring import Keyring
from ppc.runtime.roles import meeting, request
from ppc.runtime.roles.brought import Array, Brought
from ppc.runtime.roles.meeting import Terms
from ppc.runtime.roles.party import PartyRun
from ppc.runtime.wire.link import Address, Link
from ppc.runtime.wire.tls_channel import TlsChannel

TERMS = Terms(patience=30.0, idle=30.0, handshake=30.0, insecure_local=True)


def session(bundle: Bundle, ring: Keyring, dealer: Address, link: Link, brought: Brought) -> dict[str, Array]:
    """What the party gets; what it sent was predicted."""
    examples = request.agreed_examples(bundle, brought.examples, link.theirs)
    asked = request.Request(examples=examples)
    channel = TlsChannel(link, idle=TERMS.idle)
    dealt = meeting.meet_dealer(bundle, ring, dealer, link.session, asked, TERMS, brought)
    try:
        run = PartyRun(
            bundle=bundle,
            channel=channel,
            dealt=dealt,
            session=link.session,
            brought=brought,
            examples=examples,
            run=request.stretches(bundle, asked),
        )
        results = run.carry_out()
        channel.finish()
        assert run.measured.sent == run.predicted.sent
        return results
    finally:
        dealt.close()
        channel.close()


@dataclass(frozen=True)
class Client:
    """Asks a server, with examples of its own each time."""

    bundle: Bundle
    ring: Keyring
    server: Address
    dealer: Address

    def ask(self, number: int) -> tuple[Array, Array]:
        """What it gets, and the examples of which it should be the answer."""
        rows = np.random.default_rng(number).uniform(0.0, 1.0, (2, 6))
        brought = Brought(rows={"row": rows})
        standing = meeting.standing(self.bundle, brought, TERMS)
        link = meeting.meet_server(standing, self.ring, self.server, TERMS)
        found = session(self.bundle, self.ring, self.dealer, link, brought)
        return found["result"], rows
