"""Preprocessing in files: `ppc deal --count`, `ppc deal status`, and where a party finds its own."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppc.cli.party_verb import DEALER, fits
from ppc.cli.telling import Far, Telling
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.bundle import Bundle
    from ppc.runtime.prep.ledger import Ledger
    from ppc.runtime.prep.shelf import Shelf
    from ppc.runtime.roles.brought import Brought
    from ppc.runtime.roles.request import Stretch

STATUS = "status"
ROLES = ("client", "server")
FOLDER = "prep"  # where files go, if nothing else is said


def default_ledger() -> Path:
    """One for each user of a machine: what was used, whichever folder it lay in."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ppc"


def default_key() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "ppc" / "dealer.key"


def _ledger(arguments: Namespace) -> Ledger:
    from ppc.runtime.prep.ledger import Ledger

    return Ledger(arguments.ledger or default_ledger())


# ---- a party's ----


def shelf_of(arguments: Namespace, bundle: Bundle, brought: Brought) -> Callable[[Stretch], Shelf]:
    """A party's files, by stretch. The folder may be its own, or the one around it."""
    from ppc.runtime.prep.shelf import Shelf
    from ppc.runtime.roles.public import public_weights, together

    home = _home(arguments, bundle)
    if not arguments.trust:
        hint = "`--trust NAME`, with the name that `ppc deal --count` printed, compared with the dealer."
        raise fail("PPC552", "Whose files are trusted is not said.", hint=hint)
    ledger = _ledger(arguments)

    def shelf(stretch: Stretch) -> Shelf:
        return Shelf(
            home,
            ledger,
            stretch.plan,
            bundle.party,
            dealers=arguments.trust,
            iterations=stretch.whole,
            public=together(public_weights(bundle, brought)),
        )

    return shelf


def only_own(arguments: Namespace, bundle: Bundle) -> None:
    """Refuse files beside which the other party's lie: whoever has both halves of everything can open it."""
    from ppc.runtime.prep.reading import HALF_ENDING

    if arguments.prep is None or arguments.insecure_local or arguments.embedded:
        return
    (other,) = {*ROLES} - {bundle.role}
    theirs = _home(arguments, bundle).resolve().parent / other
    if any(theirs.glob(f"*{HALF_ENDING}")):
        raise fail(
            "PPC659",
            f"The files of the {other} are on this machine too, in `{theirs}`: nothing would be hidden from its owner.",
            hint="Give each party its own folder and nobody else's, or for a test add `--insecure-local`.",
        )


def _home(arguments: Namespace, bundle: Bundle) -> Path:
    own: Path = arguments.prep / bundle.role
    return own if own.is_dir() else arguments.prep


# ---- the dealer's ----


def deal_files(arguments: Namespace, telling: Telling) -> int:
    """Files for so many runs, of so many examples each."""
    from ppc.bundle import locate, read
    from ppc.cli.brought_files import brought
    from ppc.cli.role_start import with_measure
    from ppc.passes.checks.verdict import accepted
    from ppc.runtime.prep.signing import load_or_make
    from ppc.runtime.prep.writing import run_bytes
    from ppc.runtime.roles.request import Request, stretches

    folder: Path = arguments.output or Path(FOLDER)
    bundle = with_measure(read(locate(arguments.bundle[0], "dealer"), accepted, role="dealer"))
    asked = Request(examples=arguments.examples or max(bundle.batches), tests=arguments.tests or 0)
    run = tuple({stretch.number: stretch for stretch in stretches(bundle, asked)}.values())  # a training is one pair
    fits(run, DEALER)
    weights = brought(bundle, inputs=None, weights=arguments.weights, seed=arguments.seed, say=telling.detail)
    key = load_or_make(arguments.key or default_key())
    done = [0]
    total = arguments.count * sum(run_bytes(stretch.plan, stretch.whole) for stretch in run)
    with telling.progress("dealt", lambda: Far(done=done[0], total=total)):
        pairs = _dealt(arguments, folder, bundle, run, key, weights, done)
    if arguments.json:
        facts = {"ok": True, "dealer": key.name, "pairs": pairs, "bytes": done[0], "written": str(folder)}
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sys.stdout.write(f"{arguments.count} runs in {len(pairs)} pairs, {done[0]:,} bytes, in {folder}\n")
        sys.stdout.write(f"dealer {key.name}\n")
        telling.say("Give client/ to the client and server/ to the server, each to nobody else, and keep no copy.")
    return 0


def _dealt(
    arguments: Namespace,
    folder: Path,
    bundle: Bundle,
    run: tuple[Stretch, ...],
    key: Any,
    weights: Brought,
    done: list[int],
) -> list[str]:
    from ppc.runtime.prep.writing import deal_to_files
    from ppc.runtime.roles.brought import given
    from ppc.runtime.roles.public import public_weights, together

    def wrote(size: int) -> None:
        done[0] += size

    deal = partial(
        deal_to_files,
        key=key,
        days=arguments.days,
        public_hash=together(public_weights(bundle, weights)),
        threads=arguments.threads,
        progress=wrote,
    )
    found: list[str] = []
    for stretch in run:
        public = given(stretch, "", weights)
        found += deal(stretch.plan, folder, arguments.count, iterations=stretch.whole, public=public)
    return found


def status_folder(arguments: Namespace) -> Path | None:
    """The folder of `ppc deal status FOLDER`."""
    first, *rest = arguments.bundle
    if str(first) == STATUS and len(rest) == 1:
        return rest[0]
    if rest:
        raise fail(
            "PPC540", "One bundle is dealt for at a time.", hint="`ppc deal BUNDLE`, or `ppc deal status FOLDER`."
        )
    arguments.bundle = [first]
    return None


def status(arguments: Namespace) -> int:
    """How many runs are left in a party's folder, or in the dealer's, and what to do."""
    from ppc.runtime.prep import status as statuses

    folder: Path = arguments.folder
    if not folder.is_dir():
        raise fail("PPC501", f"`{folder}` is no folder.", hint="Name the folder that the dealer gave you.")
    homes = [folder / role for role in ROLES if (folder / role).is_dir()] or [folder]
    ledger = _ledger(arguments)
    freed = sum(statuses.sweep(home, ledger) for home in homes) if arguments.sweep else 0
    found = {str(home): statuses.status(home, ledger) for home in homes}
    if arguments.json:
        rows = {name: {**vars(one), "advice": one.advice()} for name, one in found.items()}
        sys.stdout.write(json.dumps({"ok": True, "swept": freed, "folders": rows}, indent=2) + "\n")
        return 0
    if arguments.sweep:
        sys.stdout.write(
            f"deleted {freed:,} bytes of what was used or has expired\n" if freed else "nothing to delete\n"
        )
    for name, one in found.items():
        sys.stdout.write("\n".join(_lines(name, one)) + "\n")
    return 0


def _lines(name: str, one: Any) -> list[str]:
    from datetime import UTC, datetime

    until = "" if one.expires is None else f", the first expires {datetime.fromtimestamp(one.expires, UTC):%Y-%m-%d}"
    lines = [f"{name}: {one.left} left{until}; {one.used} used, {one.expired} expired, {one.unfinished} unfinished"]
    lines += [f"  {count} of {plan}" for plan, count in one.by_plan]
    room = "" if one.room is None else f": room for {one.room:,} more"
    lines += [f"  {one.bytes:,} bytes here, {one.free:,} free on this disk{room}"]
    lines += [f"  damaged: {damaged}" for damaged in one.damaged]
    return [*lines, f"  {one.advice()}"]
