"""What goes wrong on the way between two machines, in the words of ppc: errors of `ssl` and of sockets have codes."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from threading import Lock
from time import monotonic

from ppc.errors import PpcError, fail
from ppc.runtime.keyring import unpinned

EXPIRED, NOT_YET = 10, 9  # OpenSSL's X509_V_ERR_…
LONGEST_REASON = 400  # of what the other side says, as it is shown

# What OpenSSL calls an alert with which the other side refuses our certificate (RFC 8446, section 6).
REFUSED = {
    "UNKNOWN_CA": "it has not pinned our certificate",
    "CERTIFICATE_EXPIRED": "our certificate is out of its time, by its clock",
    "CERTIFICATE_REVOKED": "our certificate was revoked there",
    "CERTIFICATE_REQUIRED": "no certificate of ours arrived",
    "BAD_CERTIFICATE": "our certificate was not accepted",
    "CERTIFICATE_UNKNOWN": "our certificate was not accepted",
    "UNSUPPORTED_CERTIFICATE": "our certificate was not accepted",
    "ACCESS_DENIED": "we are not admitted",
}
SELDOM = 1.0  # seconds between two lines about strangers: a flood of them cannot fill a disk
HINT_TLS = "Look whether the port is ppc's, and whether something between the machines changes what it passes on."


class Seldom:
    """Passes on what is said, at most one line in so many seconds, and how many were left out before it."""

    def __init__(self, say: Callable[[str], None], every: float = SELDOM) -> None:
        self._say, self._every, self._left_out = say, every, 0
        self._next, self._lock = 0.0, Lock()

    def say(self, text: str) -> None:
        with self._lock:
            if monotonic() < self._next:
                self._left_out += 1
                return
            more = f" (and {self._left_out:,} more before)" if self._left_out else ""
            self._next, self._left_out = monotonic() + self._every, 0
        self._say(text + more)


def of_handshake(error: OSError, who: str) -> PpcError:
    """Why no connection came about."""
    if isinstance(error, TimeoutError):
        return late(who)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _of_tls(error.reason or "", who)
    return fail(
        "PPC652",
        f"The connection to {who} was closed before both sides knew each other.",
        hint="Read what the other side says; it may not have pinned this certificate, or be no ppc.",
    )


def late(who: str) -> PpcError:
    return fail(
        "PPC653",
        f"The greeting of {who} did not come in time.",
        hint="Look whether the other side is ppc, and how busy its machine is.",
    )


def _of_certificate(error: ssl.SSLCertVerificationError) -> PpcError:
    if error.verify_code not in (EXPIRED, NOT_YET):
        return unpinned()
    what = "has expired" if error.verify_code == EXPIRED else "is not valid yet"
    return fail(
        "PPC663",
        f"The certificate of the other side {what}.",
        hint="`ppc cert renew` there, and pin the new one here; or set the clocks right.",
    )


def _of_tls(reason: str, who: str) -> PpcError:
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return fail("PPC662", f"{_started(who)} showed no certificate.", hint="Is it ppc? Both sides show one.")
    for alert, meaning in REFUSED.items():
        if reason.endswith("ALERT_" + alert):
            return fail(
                "PPC667", f"{_started(who)} refused us: {meaning}.", hint="Compare fingerprints: `ppc cert show`."
            )
    words = reason.lower().replace("_", " ") or "no reason given"
    return fail("PPC666", f"{_started(who)} does not speak TLS 1.3 with us ({words}).", hint=HINT_TLS)


def of_told(reason: object, who: str) -> PpcError:
    """The other side's own words, which may hold anything."""
    text = re.sub(r"\s+", " ", reason) if isinstance(reason, str) else "it gave no reason"
    text = "".join(sign for sign in text if sign.isprintable())[:LONGEST_REASON].rstrip(".")
    return fail("PPC667", f"{_started(who)} refused: {text}.", hint="Its own message there says more.")


def not_understood(who: str, what: str) -> PpcError:
    return fail("PPC669", f"{_started(who)} sent {what}.", hint="Use the same version of ppc on both sides.")


def unreachable(address: tuple[str, int], error: OSError, *, listening: bool = False) -> PpcError:
    host, port = address
    doing = "be listened on" if listening else "be reached"
    reason = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
    return fail(
        "PPC657",
        f"{host}:{port} cannot {doing}: {reason}.",
        hint="Look at the address, whether the other side is started, and at the firewall.",
    )


def _started(who: str) -> str:
    return who[:1].upper() + who[1:]
