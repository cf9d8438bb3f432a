"""The verb calibrate: measures this machine, and keeps what was found for the times that `ppc explain` predicts."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli.machine import cores

if TYPE_CHECKING:
    from ppc.bill.machine import Machine

LABELS = {
    "calls": "a kernel's call",
    "products": "a product",
    "values": "a value read or written",
    "drawn": "a random element",
    "random_bytes": "a random byte",
    "digits": "a digit compared",
    "dealt_digits": "a digit dealt",
    "planes": "a word of bits",
    "reals": "a float read or written",
}


def calibrate(arguments: Namespace) -> int:
    """Measure, save, and say what was found."""
    from ppc.bill.machine import Machine, Prices, save
    from ppc.runtime.calibration import measured

    path: Path = arguments.output or default_file()
    count = cores()
    if not arguments.json:
        sys.stderr.write("measuring: best without other work on this machine\n")
    found = measured(count)
    prices = {words: Prices(**one) for words, one in found.prices.items()}
    what = f"{found.variant} kernels, {count} cores"
    machine = Machine(measured=what, cores=count, sent=found.sent, message=found.message, prices=prices)
    save(machine, path)
    sys.stdout.write(_facts(machine, path) if arguments.json else _text(machine, path))
    return 0


def default_file() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "ppc" / "machine.json"


def known(path: Path | None = None) -> Machine:
    """The machine of a file, else this one as it was measured; else an assumed one."""
    from ppc.bill.machine import ASSUMED, load

    if path is not None:
        return load(path)
    return load(default_file()) if default_file().exists() else ASSUMED


def _facts(machine: Machine, path: Path) -> str:
    return json.dumps({"ok": True, "written": str(path), **asdict(machine)}, indent=2) + "\n"


def _text(machine: Machine, path: Path) -> str:
    from ppc.bill.machine import WORDS
    from ppc.bill.tables import table

    heads = ("nanoseconds of", "61 bits", "127 bits")
    columns = [machine.prices[words] for words in WORDS]
    rows = [(label, *(f"{getattr(one, name) * 1e9:,.2f}" for one in columns)) for name, label in LABELS.items()]
    wire = f"a byte through TLS {machine.sent * 1e9:.2f} ns, a message {machine.message * 1e6:.0f} µs"
    return "\n".join([machine.measured, *table(heads, rows, words=1, indent=2), f"  {wire}", f"wrote {path}"]) + "\n"
