"""The verb for certificates: cert new, show, pin, renew, revoke."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.runtime.certificates import Certificate
    from ppc.runtime.keyring import Keyring


def cert(arguments: Namespace) -> int:
    """One action on a folder of certificates."""
    folder = arguments.folder or default_folder()
    {"new": _new, "show": _show, "pin": _pin, "renew": _renew, "revoke": _revoke}[arguments.action](arguments, folder)
    return 0


def default_folder() -> Path:
    """Where a party's certificates are if it names no folder."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "ppc" / "certificates"


def _new(arguments: Namespace, folder: Path) -> None:
    from ppc.runtime import keyring

    if arguments.what is None or arguments.role is None:
        raise fail(
            "PPC665",
            "A certificate is for a party of the program in one role.",
            hint="`ppc cert new hospital --role client`",
        )
    made = keyring.new(folder, arguments.what, arguments.role, days=arguments.days)
    _say(arguments, made, f"Give {made.certificate_file} to the other parties. The key stays here.")


def _show(arguments: Namespace, folder: Path) -> None:
    from ppc.runtime import keyring

    _say(arguments, keyring.open_folder(folder), "")


def _pin(arguments: Namespace, folder: Path) -> None:
    from ppc.runtime import keyring

    if arguments.what is None:
        raise fail("PPC660", "Which certificate?", hint="`ppc cert pin FILE`, with the file that the other party sent.")
    found = keyring.pin(folder, Path(arguments.what), arguments.fingerprint)
    said = "" if arguments.fingerprint else "Compare this fingerprint with its owner, by telephone for example: "
    _say(arguments, keyring.open_folder(folder), f"{said}{grouped(found.fingerprint)}")


def _renew(arguments: Namespace, folder: Path) -> None:
    from ppc.runtime import keyring

    made = keyring.renew(folder, days=arguments.days)
    _say(arguments, made, f"Give {made.certificate_file} to the other parties, who must pin it.")


def _revoke(arguments: Namespace, folder: Path) -> None:
    from ppc.runtime import keyring

    if arguments.what is None:
        raise fail("PPC660", "Which fingerprint?", hint="`ppc cert show` lists them.")
    _say(arguments, keyring.revoke(folder, arguments.what), "It is not accepted any more.")


# ---- what is printed ----


def _say(arguments: Namespace, keyring: Keyring, last: str) -> None:
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": True, **as_dictionary(keyring)}, indent=2) + "\n")
        return
    lines = [f"folder  {keyring.folder}", f"own     {_row(keyring.own, keyring)}"]
    lines += [f"pinned  {_row(peer, keyring)}" for peer in keyring.peers]
    known = {peer.fingerprint for peer in keyring.peers}
    lines += [f"revoked {grouped(fingerprint)}" for fingerprint in sorted(keyring.revoked - known)]
    sys.stdout.write("\n".join([*lines, *([last] if last else [])]) + "\n")


def as_dictionary(keyring: Keyring) -> dict[str, object]:
    """A folder as `--json` prints it."""
    return {
        "folder": str(keyring.folder),
        "own": _entry(keyring.own),
        "pinned": [_entry(peer) for peer in keyring.peers],
        "revoked": sorted(keyring.revoked),
    }


def _entry(found: Certificate) -> dict[str, object]:
    return {
        "party": found.party,
        "role": found.role,
        "fingerprint": found.fingerprint,
        "begins": found.begins.isoformat(),
        "ends": found.ends.isoformat(),
    }


def _row(found: Certificate, keyring: Keyring) -> str:
    if found.fingerprint in keyring.revoked:
        state = "revoked"
    else:
        state = f"until {found.ends:%Y-%m-%d}" if found.good() else "out of its time"
    return f"{found.role:<6} {found.party:<16} {state}\n        {grouped(found.fingerprint)}"


def grouped(fingerprint: str) -> str:
    """So that a person can read it out."""
    return " ".join(fingerprint[place : place + 8] for place in range(0, len(fingerprint), 8))
