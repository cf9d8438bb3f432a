"""How the processes of a run find each other: the client dials the server, then both dial the dealer.

A dealer or a peer on the party's own machine is refused, unless the caller allows it.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, replace

from ppc.bundle import Bundle
from ppc.errors import PpcError, fail
from ppc.runtime.certificates import Certificate
from ppc.runtime.checkpoint.left import same_model
from ppc.runtime.keyring import Keyring
from ppc.runtime.roles.brought import Brought
from ppc.runtime.roles.course import Wishes
from ppc.runtime.roles.dealt import LiveDealt
from ppc.runtime.roles.public import public_weights
from ppc.runtime.roles.request import LOOKING, Dealer, Request, agreed_examples, hello_of, told_to_dealer
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.lines import IDLE
from ppc.runtime.wire.link import Address, Check, Link, dial
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.refusals import of_handshake, unreachable
from ppc.runtime.wire.tls import HANDSHAKE

SERVER_PORT, DEALER_PORT = 7440, 7441
SHARES = "shares"  # the mark of those that a party brings
NOBODYS = {socket.AF_INET: "192.0.0.8", socket.AF_INET6: "100::1"}  # no machine's (RFC 7600, RFC 6666)
PATIENCE = 60.0  # seconds in which the other side may be started


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a process allows itself: how long to wait, and whether all may be one machine."""

    patience: float = PATIENCE
    idle: float = IDLE
    handshake: float = HANDSHAKE
    insecure_local: bool = False
    dealer: Dealer = "live"


def address(text: str, *, port: int = SERVER_PORT) -> Address:
    """`host`, `host:port`, `[v6]` or `[v6]:port`."""
    host, number = text, str(port)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        number = rest.removeprefix(":") or number
    elif text.count(":") == 1:
        host, _, number = text.partition(":")
    if not host or not number.isdigit() or not 0 <= int(number) <= 65_535:
        raise ValueError(f"`{text}` is no address: write HOST:PORT, as in 192.0.2.7:{port}")
    return host, int(number)


def same_machine(host: str) -> bool:
    """Whether a name leads to this machine: what would be sent there leaves from the same address, or one can listen
    at it (an interface's second address is left from its first)."""
    for family, _, _, _, found in _resolved(host):
        here = str(found[0])
        if _always_here(here) or _leaves_from(family, here) or _listens_at(family, here):
            return True
    return False


def _always_here(host: str) -> bool:
    """Loopback, and what stands for every address of a machine: whoever dials that reaches his own."""
    found = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    return found.is_loopback or found.is_unspecified


def _resolved(host: str) -> list[tuple[socket.AddressFamily, int, int, str, tuple[object, ...]]]:
    try:
        return list(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM))
    except OSError as error:
        raise unreachable((host, 0), error) from None


def _listens_at(family: socket.AddressFamily, host: str) -> bool:
    """No proof where the system binds anything (`ip_nonlocal_bind`): then it binds an address that nobody has, too."""
    return _binds(family, host) and not _binds(family, NOBODYS[family])


def _binds(family: socket.AddressFamily, host: str) -> bool:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True


def _leaves_from(family: socket.AddressFamily, host: str) -> bool:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))  # names a route, and sends nothing
        except OSError:
            return False
        return str(probe.getsockname()[0]) == host


def not_here(role: str, host: str, terms: Terms) -> None:
    """Refuse to go on with a role that is on this machine."""
    if not terms.insecure_local and same_machine(host):
        raise on_this_machine(role, host)


def three_machines(dealer: str, peer: str, terms: Terms) -> None:
    """Refuse a dealer on the other party's machine: its owner would have both halves of everything."""
    if terms.insecure_local:
        return
    theirs = {str(row[4][0]) for row in _resolved(peer)}
    if theirs & {str(row[4][0]) for row in _resolved(dealer)}:
        raise fail(
            "PPC659",
            f"The dealer at {dealer} is the other party's machine: nothing would be hidden from whoever owns it.",
            hint="Take a dealer of a third owner, or for a test add `--insecure-local`.",
        )


def on_this_machine(role: str, host: str) -> PpcError:
    return fail(
        "PPC659",
        f"The {role} at {host} is this machine: nothing would be hidden from whoever owns it.",
        hint="Name another machine, or for a test add `--insecure-local`.",
    )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a party says of itself to the other one, and what it asks of it."""

    hello: Hello
    check: Check


def standing(bundle: Bundle, brought: Brought, terms: Terms, wishes: Wishes | None = None) -> Standing:
    """Of a request; with `wishes`, of a training. A request that cannot be run is refused in the handshake."""
    agreed, told = (wishes.agreed(), wishes.told()) if wishes else ({}, {})
    agreed = {**agreed, **public_weights(bundle, brought)}
    told, examples = {**told, SHARES: brought.mark.encode()}, brought.examples

    def check(_peer: Certificate, theirs: Hello) -> None:
        agreed_examples(bundle, examples, theirs)
        same_model(brought.mark, theirs.told.get(SHARES, b"").decode("ascii", "replace"))
        if wishes is not None:
            wishes.check(theirs)

    return Standing(hello=hello_of(bundle, examples, dealer=terms.dealer, agreed=agreed, told=told), check=check)


def meet_server(standing: Standing, keyring: Keyring, server: Address, terms: Terms) -> Link:
    """The client's way to its peer."""
    not_here("server", server[0], terms)
    hello, check = standing.hello, standing.check
    return dial(
        server,
        keyring,
        hello,
        expects=("server",),
        check=check,
        handshake=terms.handshake,
        patience=terms.patience,
    )


def listen(standing: Standing, keyring: Keyring, here: Address, terms: Terms) -> Listener:
    """The server's place, where its client comes to."""
    hello, check = standing.hello, standing.check
    return Listener(here, keyring, hello, expects=("client",), check=check, handshake=terms.handshake)


def host_of(link: Link) -> str:
    """The other side's address; a line that was reset meanwhile has none any more."""
    try:
        return str(link.outgoing.getpeername()[0])
    except OSError as error:
        link.close()
        raise of_handshake(error, f"the {link.peer}") from None


def from_elsewhere(link: Link, terms: Terms) -> Link:
    """Who came, if it came from another machine."""
    host = host_of(link)
    if not terms.insecure_local and same_machine(host):
        link.close()
        raise on_this_machine(link.peer.role, host)
    return link


def look_for_dealer(bundle: Bundle, keyring: Keyring, dealer: Address, terms: Terms) -> None:
    """Whether it is there and has the same plans; nothing is dealt for."""
    hello = hello_of(bundle, None, told={LOOKING: b"\1"})
    hello = replace(hello, role=keyring.own.role, party=keyring.own.party)
    dial(dealer, keyring, hello, expects=("dealer",), handshake=terms.handshake, patience=terms.patience).close()


def meet_dealer(
    bundle: Bundle,
    keyring: Keyring,
    dealer: Address,
    session: bytes,
    request: Request,
    terms: Terms,
    brought: Brought,
) -> LiveDealt:
    """For one session: the seed is here when this returns."""
    not_here("dealer", dealer[0], terms)
    agreed, told = public_weights(bundle, brought), told_to_dealer(request, session)
    hello = hello_of(bundle, request.examples, agreed=agreed, told=told)
    hello = replace(hello, role=keyring.own.role, party=keyring.own.party)  # as which it came to its peer, too
    link = dial(dealer, keyring, hello, expects=("dealer",), handshake=terms.handshake, patience=terms.patience)
    return LiveDealt(link, first=bundle.party == bundle.parties[0], idle=max(terms.idle, terms.patience))
