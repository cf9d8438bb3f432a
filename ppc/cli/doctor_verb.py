"""The verb doctor: whether a run would come about here and with the others; a check that fails has its code.

ppc doctor                                          this machine
ppc doctor BUNDLE --role dealer --listen PORT       and waits for both parties' doctors
ppc doctor BUNDLE --role server --listen PORT       and waits for the client's doctor
ppc doctor BUNDLE --role client --peer HOST:PORT    and asks the server's
                      … --dealer HOST:PORT          and the dealer's, before
"""

from __future__ import annotations

import json
import platform
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ppc import __version__
from ppc.cli.doctor_report import Report, processor
from ppc.cli.machine import free_memory
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.bundle import Bundle
    from ppc.runtime.keyring import Keyring

FEW_DAYS = 14


def doctor(arguments: Namespace) -> int:
    """Look at everything that can be looked at; the exit code of the gravest problem."""
    from ppc.cli import doctor_others, exit_code

    report = Report(as_json=arguments.json)
    _machine(report)
    if arguments.bundle is not None:
        _role(arguments, report)
    else:
        doctor_others.ports(arguments, report)
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": not report.errors, "checks": report.rows}, indent=2) + "\n")
    codes = [exit_code(error) for error in report.errors]
    return min(codes, default=0)


def _machine(report: Report) -> None:
    report.check("versions", lambda: f"ppc {__version__}, Python {platform.python_version()}, {platform.platform()}")
    report.check("processor", processor)
    free = free_memory()
    report.check("memory", lambda: "not told by this system" if free is None else f"{free / 1e6:,.0f} MB free")


def _role(arguments: Namespace, report: Report) -> None:
    """A role's own things, and with them the others."""
    from ppc.cli.doctor_others import Others
    from ppc.cli.role_start import opened

    held: list[tuple[Bundle, Keyring]] = []

    def bundle() -> str:
        if arguments.role is None:
            raise fail("PPC546", "Which role this machine has is not said.", hint="`--role client`, say.")
        held.append(opened(arguments, arguments.bundle, arguments.role))
        one = held[0][0]
        return f"{one.manifest.model}, {one.role} `{one.party}`, batch {', '.join(map(str, one.batches))}, {one.hash}"

    if not report.check("bundle", bundle):
        return
    found, keyring = held[0]
    report.check("plan", lambda: _plan(found))
    report.check("certificate", lambda: _certificate(keyring))
    Others(arguments=arguments, report=report, bundle=found, keyring=keyring).meet()


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
