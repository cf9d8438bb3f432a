"""The verb doctor: whether a run would come about here and with the other side; a check that fails has its code.

ppc doctor                                        this machine
ppc doctor BUNDLE --role server --listen PORT     and waits for the other side's doctor
ppc doctor BUNDLE --role client --peer HOST:PORT  and asks it
"""

from __future__ import annotations

import json
import platform
import socket
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from ppc import __version__
from ppc.cli.machine import cores, free_memory
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.bundle import Bundle
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.wire.hello import Hello
    from ppc.runtime.wire.link import Link

FAR = 60.0  # seconds between two clocks; certificates and files allow five minutes
FEW_DAYS = 14
PURPOSE = {"purpose": "doctor"}
Check = Callable[[], str]


@dataclass(kw_only=True)
class Report:
    """Every check with what it found; those behind one that failed may have nothing to look at."""

    as_json: bool
    rows: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    errors: list[PpcError] = field(default_factory=list[PpcError])

    def check(self, name: str, act: Check) -> bool:
        try:
            found, code, hint = act(), "", ""
        except PpcError as error:
            one = error.diagnostics[0]
            found, code, hint = " ".join([one.message, *(note.text for note in one.notes)]), one.code, one.hint
            self.errors.append(error)
        self.rows.append({"check": name, "found": found, "code": code, "hint": hint})
        if not self.as_json:
            sys.stdout.write(f"{'FAIL' if code else 'ok':<5} {name:<12} {found}{f' ({code})' if code else ''}\n")
            sys.stdout.write(f"{'':<18} {hint}\n" if hint else "")
            sys.stdout.flush()
        return not code


def doctor(arguments: Namespace) -> int:
    """Look at everything that can be looked at; the exit code of the gravest problem."""
    from ppc.cli import exit_code

    report = Report(as_json=arguments.json)
    _machine(report)
    if arguments.bundle is not None:
        _role(arguments, report)
    elif arguments.peer is not None:
        report.check("port", lambda: _port(arguments))
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": not report.errors, "checks": report.rows}, indent=2) + "\n")
    codes = [exit_code(error) for error in report.errors]
    return min(codes, default=0)


# ---- this machine ----


def _machine(report: Report) -> None:
    report.check("versions", lambda: f"ppc {__version__}, Python {platform.python_version()}, {platform.platform()}")
    report.check("processor", _processor)
    free = free_memory()
    report.check("memory", lambda: "not told by this system" if free is None else f"{free / 1e6:,.0f} MB free")


def _processor() -> str:
    from ppc.runtime.kernels import llvm
    from ppc.runtime.kernels.variants import able

    if not llvm.present():
        return f"{cores()} cores; without llvmlite, kernels are slow"
    name = next((variant.name for variant in able(platform.machine(), llvm.host_features())), "slow")
    return f"{cores()} cores, {llvm.host_name()}; kernels: {name}"


# ---- a role's things, and the other side ----


def _role(arguments: Namespace, report: Report) -> None:
    from ppc.cli.role_start import opened

    held: list[tuple[Bundle, Keyring]] = []

    def bundle() -> str:
        if arguments.role is None:
            raise fail("PPC546", "Which role this machine has is not said.", hint="`--role client` or `--role server`.")
        held.append(opened(arguments, arguments.bundle, arguments.role))
        one = held[0][0]
        return f"{one.manifest.model}, {one.role} `{one.party}`, batch {', '.join(map(str, one.batches))}, {one.hash}"

    if not report.check("bundle", bundle):
        return
    found, keyring = held[0]
    report.check("plan", lambda: _plan(found))
    report.check("certificate", lambda: _certificate(keyring))
    if arguments.peer is not None and report.check("port", lambda: _port(arguments)):
        _other_side(arguments, report, lambda: _dial(arguments, found, keyring))
    elif arguments.listen is not None:
        _other_side(arguments, report, lambda: _accept(arguments, found, keyring))


def _plan(bundle: Bundle) -> str:
    """Every plan checked; memory of the largest beside what is free."""
    from ppc.bill.memory import peak

    index = 2 if bundle.role == "dealer" else bundle.parties.index(bundle.party)
    plans = [bundle.plan(batch) for batch in bundle.batches]
    needed = max(peak(plan, section).roles[index] for plan in plans for section in plan.sections)
    free = free_memory()
    if free is not None and needed > free:
        raise fail(
            "PPC658",
            f"The largest batch needs {needed / 1e6:,.0f} MB; {free / 1e6:,.0f} MB are free.",
            hint="Compile with a smaller `--batch`, for all roles.",
        )
    return f"{len(plans)} checked; the largest batch needs {needed / 1e6:,.1f} MB"


def _certificate(keyring: Keyring) -> str:
    own = keyring.own
    if not own.good():
        raise fail("PPC663", "This party's own certificate is out of its time.", hint="`ppc cert renew`")
    pinned = ", ".join(str(peer) for peer in keyring.peers) or "nobody"
    soon = "; renew it soon" if own.days_left() < FEW_DAYS else ""
    return f"{own}, {own.days_left()} days left{soon}; pinned: {pinned}"


def _port(arguments: Namespace) -> str:
    from ppc.runtime.wire.refusals import unreachable

    start = monotonic()
    try:
        with socket.create_connection(arguments.peer, timeout=10.0) as found:
            there = found.getpeername()
    except OSError as error:
        raise unreachable(arguments.peer, error) from None
    return f"{there[0]}:{there[1]} answers after {(monotonic() - start) * 1e3:.1f} ms"


def _hello(bundle: Bundle) -> Hello:
    from ppc.runtime.roles.request import hello_of

    facts = {"processor": _processor(), "system": platform.platform()}
    return replace(hello_of(bundle, None), agreed=PURPOSE, told={"facts": json.dumps(facts).encode()})


def _dial(arguments: Namespace, bundle: Bundle, keyring: Keyring) -> Link:
    from ppc.runtime.wire.link import dial

    expects = tuple({"client", "server"} - {bundle.role})
    return dial(arguments.peer, keyring, _hello(bundle), expects=expects)


def _accept(arguments: Namespace, bundle: Bundle, keyring: Keyring) -> Link:
    from ppc.runtime.wire.listener import Listener

    expects = tuple({"client", "server"} - {bundle.role})
    listener = Listener(arguments.listen, keyring, _hello(bundle), expects=expects)
    if not arguments.json:
        sys.stdout.write(f"waits at port {listener.port} for the doctor of {' or '.join(expects)}\n")
        sys.stdout.flush()
    try:
        return listener.accept(arguments.patience)
    finally:
        listener.close()


def _other_side(arguments: Namespace, report: Report, meet: Callable[[], Link]) -> None:
    from ppc.runtime.roles import checkup
    from ppc.runtime.wire.tls_channel import TlsChannel

    held: list[Link] = []

    def met() -> str:
        held.append(meet())
        link = held[0]
        return f"{link.outgoing.version()} with the {link.peer}; versions, hash and role are the same"

    if not report.check("TLS", met):
        return
    link = held[0]
    worth: list[checkup.Worth] = []

    def measured() -> str:
        channel = TlsChannel(link)
        try:
            act = checkup.dialled if arguments.peer is not None else checkup.accepted
            worth.append(act(channel))
            channel.finish()
        finally:
            channel.close()
        return f"round trip {worth[0].rtt * 1e3:.2f} ms, {worth[0].bandwidth / 1e6:,.0f} MB/s each way at once"

    if report.check("network", measured) and worth[0].clock is not None:
        report.check("clock", lambda: _clock(worth[0].clock or 0.0))
    report.check("other side", lambda: _theirs(link.theirs.told.get("facts", b"")))


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
