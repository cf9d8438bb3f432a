"""What the doctor asks of the other machines: the dealer's doctor first, then the peer's; each asks one visitor back.

The dealer's own doctor waits for both parties' in turn.
"""

from __future__ import annotations

import json
import platform
import socket
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from ppc.cli.doctor_report import Report, processor
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.bundle import Bundle
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.roles.checkup import Worth
    from ppc.runtime.wire.hello import Hello
    from ppc.runtime.wire.link import Address, Link
    from ppc.runtime.wire.listener import Listener

FAR = 60.0  # seconds between two clocks; certificates and files allow five minutes
PURPOSE = {"purpose": "doctor"}


def ports(arguments: Namespace, report: Report) -> None:
    """Without a bundle: whether anybody listens there."""
    for role, address in _named(arguments):
        report.check(_row(role, "port"), lambda address=address: _port(address))


def _named(arguments: Namespace) -> list[tuple[str, Address]]:
    pairs = (("dealer", arguments.dealer), ("peer", arguments.peer))
    return [(role, address) for role, address in pairs if address is not None]


def _row(role: str, check: str) -> str:
    return f"dealer {check}" if role == "dealer" else check


def _port(address: Address) -> str:
    from ppc.runtime.wire.refusals import unreachable

    start = monotonic()
    try:
        with socket.create_connection(address, timeout=10.0) as found:
            there = found.getpeername()
    except OSError as error:
        raise unreachable(address, error) from None
    return f"{there[0]}:{there[1]} answers after {(monotonic() - start) * 1e3:.1f} ms"


@dataclass(frozen=True, kw_only=True)
class Others:
    """One machine's meetings with the doctors of the others."""

    arguments: Namespace
    report: Report
    bundle: Bundle
    keyring: Keyring

    def meet(self) -> None:
        """Whoever was named is asked; whoever comes meanwhile or later is answered."""
        listener = None if self.arguments.listen is None else self._listens()
        try:
            for role, address in _named(self.arguments):
                self._asked(role, address)
            if listener is not None:
                for _ in listener.expects:
                    self._side("peer", partial(self._accepted, listener), asks=False)
        finally:
            if listener is not None:
                listener.close()

    def _asked(self, role: str, address: Address) -> None:
        if self.report.check(_row(role, "port"), lambda: self._reached(role, address)):
            self._side(role, lambda: self._dial(role, address), asks=True)

    def _reached(self, role: str, address: Address) -> str:
        """Before anything else: that it is not this machine."""
        from ppc.runtime.roles import meeting

        terms = meeting.Terms(insecure_local=self.arguments.insecure_local)
        meeting.not_here(role, address[0], terms)
        if role == "peer" and self.arguments.dealer is not None:
            meeting.three_machines(self.arguments.dealer[0], address[0], terms)
        return _port(address)

    def _expects(self, role: str) -> tuple[str, ...]:
        return ("dealer",) if role == "dealer" else tuple({"client", "server"} - {self.bundle.role})

    def _dial(self, role: str, address: Address) -> Link:
        from ppc.runtime.wire.link import dial

        return dial(address, self.keyring, self._hello(), expects=self._expects(role))

    def _listens(self) -> Listener:
        from ppc.runtime.wire.listener import Listener

        expects = sorted(self._expects("peer"))
        listener = Listener(self.arguments.listen, self.keyring, self._hello(), expects=expects)
        if not self.report.as_json:
            sys.stdout.write(f"waits at port {listener.port} for the doctor of the {' and of the '.join(expects)}\n")
            sys.stdout.flush()
        return listener

    def _accepted(self, listener: Listener) -> Link:
        from ppc.runtime.roles import meeting

        link = listener.accept(self.arguments.patience)
        return meeting.from_elsewhere(link, meeting.Terms(insecure_local=self.arguments.insecure_local))

    def _hello(self) -> Hello:
        from ppc.runtime.roles.request import hello_of

        facts = {"processor": processor(), "system": platform.platform()}
        return replace(hello_of(self.bundle, None), agreed=PURPOSE, told={"facts": json.dumps(facts).encode()})

    def _side(self, role: str, meet: Callable[[], Link], *, asks: bool) -> None:
        """From a greeting to what the connection is worth."""
        held: list[Link] = []
        worth: list[Worth] = []

        def met() -> str:
            held.append(meet())
            link = held[0]
            return f"{link.outgoing.version()} with the {link.peer}; versions, hash and role are the same"

        def measured() -> str:
            worth.append(_measured(held[0], asks=asks))
            return f"round trip {worth[0].rtt * 1e3:.2f} ms, {worth[0].bandwidth / 1e6:,.0f} MB/s each way at once"

        if not self.report.check(_row(role, "TLS"), met):
            return
        if self.report.check(_row(role, "network"), measured) and worth[0].clock is not None:
            self.report.check(_row(role, "clock"), lambda: _clock(worth[0].clock or 0.0))
        self.report.check(_row(role, "other side"), lambda: _theirs(held[0].theirs.told.get("facts", b"")))


def _measured(link: Link, *, asks: bool) -> Worth:
    from ppc.runtime.roles import checkup
    from ppc.runtime.wire.tls_channel import TlsChannel

    channel = TlsChannel(link)
    try:
        found = checkup.dialled(channel) if asks else checkup.accepted(channel)
        channel.finish()
    finally:
        channel.close()
    return found


def _clock(ahead: float) -> str:
    if abs(ahead) > FAR:
        raise fail(
            "PPC663",
            f"The clocks are {abs(ahead):,.0f} seconds apart; certificates and files would be out of their time.",
            hint="Set both by a time server.",
        )
    return f"the other one is {abs(ahead) * 1e3:,.1f} ms {'ahead' if ahead > 0 else 'behind'}"


def _theirs(told: bytes) -> str:
    from ppc.runtime.wire.words import from_json

    found: dict[str, Any] = from_json(told) or {}
    words = [str(found.get(name, "")) for name in ("processor", "system")]
    text = "; ".join(word for word in words if word)[:200]
    return "".join(sign if sign.isprintable() else " " for sign in text) or "tells nothing of itself"
