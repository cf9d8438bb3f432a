"""Options that a verb takes for something else: refused where they would change nothing."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping

from ppc.errors import fail

CLEAR = ("--start", "--holdout", "--stop-after", "--signals")
DEALT = ("--dealer", "--insecure-local")  # of the joint comparison of votes
APART: tuple[str, ...] = ("--peer", "--aggregator", *DEALT, "--listen", "--certificates")  # of one role alone
VOTES = ("--public", "--labels")
MANY = ("--be", *APART, "--patience", "--each", *VOTES)
PAIRS = ("--release", "--turn", "-O", "--trace", "--threads")
ORDER = ("--order",)
DISTILLED = ("--key", "--bare", "--sheet")
DEVICE = ("--program", "--model", "--key", "--data")
BUNDLES = (
    "--peer",
    "--listen",
    "--dealer",
    "--serve",
    "--most",
    "--prep",
    "--trust",
    "--ledger",
    "--input",
    "--examples",
    "--weights",
    "--seed",
    "--shares",
    "--signals",
    "--test",
    "--checkpoint",
    "--every",
    "--resume",
    "--release",
    "--turn",
    "--order",
    "--leave",
    "--patience",
    "--idle",
    "--insecure-local",
    "--certificates",
    "--threads",
    "--trace",
)


def check_unused(
    arguments: Namespace, unused: Iterable[str], what: str, hints: Mapping[str, str] | None = None
) -> None:
    """By the words of the command line: an option may be named with what it is anyway. `hints` say what to do in place
    of some."""
    for option in unused:
        if any(named(word, option) for word in arguments.words):
            hint = (hints or {}).get(option, f"Leave `{option}` out.")
            raise fail("PPC599", f"{what} has no use for `{option}`.", hint=hint)


def named(word: str, option: str) -> bool:
    """As argparse reads it: the beginning of a long one is enough, and a short one may have its value in the word."""
    if not option.startswith("--"):
        return word.startswith(option)
    head, _, _ = word.partition("=")
    return len(head) > len("--") and option.startswith(head) and head.startswith("--")
