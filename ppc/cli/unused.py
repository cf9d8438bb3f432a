"""Options that a verb takes for something else: refused where they would change nothing."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from ppc.errors import fail

CLEAR: Mapping[str, object] = {"--start": "fresh", "--holdout": 0.2, "--stop-after": 0, "--signals": None}
MANY: Mapping[str, object] = {
    "--be": None,
    "--peer": None,
    "--aggregator": None,
    "--listen": None,
    "--certificates": None,
    "--patience": 60.0,
    "--each": None,
    "--public": None,
    "--labels": None,
}
PAIRS: Mapping[str, object] = {
    "--release": False,
    "--turn": None,
    "--order": None,
    "-O": 2,
    "--trace": None,
    "--threads": 1,
}
BUNDLES: Mapping[str, object] = {
    "--peer": None,
    "--listen": None,
    "--dealer": None,
    "--serve": False,
    "--most": 32,
    "--prep": None,
    "--trust": None,
    "--ledger": None,
    "--input": None,
    "--examples": None,
    "--weights": None,
    "--seed": None,
    "--shares": None,
    "--signals": None,
    "--test": None,
    "--checkpoint": None,
    "--every": 100,
    "--resume": False,
    "--release": False,
    "--turn": None,
    "--order": None,
    "--leave": None,
    "--patience": 60.0,
    "--idle": 30.0,
    "--insecure-local": False,
    "--certificates": None,
    "--threads": 1,
    "--trace": None,
}
DISTILLED: Mapping[str, object] = {"--key": None, "--bare": False, "--sheet": None}
DEVICE: Mapping[str, object] = {"--program": None, "--model": None, "--key": None, "--data": None}
NAMES = {"-O": "level", "--as": "as_"}  # of those that are not called as they are kept


def check_unused(
    arguments: Namespace, unused: Mapping[str, object], what: str, hints: Mapping[str, str] | None = None
) -> None:
    """`unused` are options with what they are if nobody names them; `hints` say what to do in place of some."""
    said = hints or {}
    for option, default in unused.items():
        name = NAMES.get(option, option.strip("-").replace("-", "_"))
        if getattr(arguments, name) != default:
            raise fail("PPC599", f"{what} has no use for `{option}`.", hint=said.get(option, f"Leave `{option}` out."))
