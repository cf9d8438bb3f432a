"""How a role's process starts and ends: its bundle, its certificates, the addresses of the others, and signals."""

from __future__ import annotations

import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any

from ppc.cli.cert_verbs import default_folder
from ppc.cli.telling import Telling
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from pathlib import Path

    from ppc.bundle import Bundle
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.roles.meeting import Terms
    from ppc.runtime.wire.link import Address, Link

Book = dict[str, "Address"]
HERE = "127.0.0.1"
EVERYWHERE = ""  # every address of this machine


def telling_of(arguments: Namespace) -> Telling:
    return Telling(events=arguments.embedded, quiet=arguments.quiet or arguments.json, verbose=arguments.verbose)


@contextmanager
def ending_on_signals(telling: Telling) -> Generator[None]:
    """SIGTERM ends a role as the keyboard does: connections are closed, so that the others end too."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except PpcError as error:
        if not telling.events:
            raise
        telling.failed(error)
        raise SystemExit(_code(error)) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _code(error: PpcError) -> int:
    from ppc.cli import exit_code

    return exit_code(error)


@contextmanager
def stopping(stop: Callable[[], None]) -> Generator[None]:
    """The first signal ends a service in order: what has begun is done to its end. A second one ends it at once."""

    def first(_number: int, _frame: object) -> None:
        for number in signals:
            signal.signal(number, _interrupt)
        stop()

    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, first) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def started_book() -> Book:
    """The addresses that `ppc run` found; when its end of the pipe closes, this process ends."""
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt
    found: dict[str, int] = json.loads(line)
    end_with_starter()
    return {role: (HERE, port) for role, port in found.items()}


def end_with_starter() -> None:
    def watch() -> None:
        with suppress(OSError, ValueError):
            while sys.stdin.readline():
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, daemon=True).start()


def opened(arguments: Namespace, folder: Path, role: str) -> tuple[Bundle, Keyring]:
    """A role's bundle and its certificates, which must be of the same role and party."""
    from ppc.bundle import locate, read
    from ppc.passes.checks.verdict import accepted
    from ppc.runtime import heap
    from ppc.runtime.keyring import open_folder

    heap.keep()
    bundle = with_measure(read(locate(folder, role), accepted, role=role))
    keyring = open_folder(arguments.certificates or default_folder())
    own = keyring.own
    if (own.role, own.party) != (bundle.role, bundle.party):
        raise fail(
            "PPC665",
            f"The bundle is that of the {bundle.role} `{bundle.party}`; the certificate here is that of the {own}.",
            hint=f"`ppc cert new {bundle.party} --role {bundle.role} --folder FOLDER`, and `--certificates FOLDER`.",
        )
    return bundle, keyring


def with_measure(bundle: Bundle) -> Bundle:
    """A training's bundle with the one that counts its right answers, which lies beside it."""
    from ppc.bundle import read
    from ppc.passes.checks.verdict import accepted

    if not bundle.evaluated:
        return bundle
    home = bundle.folder.resolve().parent
    name = home.name.removesuffix(".train") + ".evaluate"
    measure = read(home.with_name(name) / bundle.role, accepted, role=bundle.role)
    return replace(bundle, measure=measure)


def terms_of(arguments: Namespace, bundle: Bundle) -> Terms:
    from ppc.runtime.roles.meeting import Terms

    local = arguments.insecure_local or arguments.embedded
    dealer = "none" if not bundle.dealt else "live" if arguments.prep is None else "files"
    return Terms(patience=arguments.patience, idle=arguments.idle, insecure_local=local, dealer=dealer)


def brought_by(arguments: Namespace, bundle: Bundle, telling: Telling) -> Any:
    from ppc.cli.brought_files import brought

    return brought(
        bundle,
        inputs=arguments.input,
        weights=arguments.weights,
        seed=arguments.seed,
        shares=getattr(arguments, "shares", None),
        turn=getattr(arguments, "turn", None) or 0,
        say=telling.note,
        first=arguments.examples,
        signals=arguments.signals,
    )


def shown(found: Address) -> str:
    return f"{found[0] or 'port '}{':' if found[0] else ''}{found[1]}"


def addresses(arguments: Namespace, needed: Sequence[str], terms: Terms) -> Book:
    """Every address that is needed; that none of them is this machine is known before anything is sent."""
    from ppc.runtime.roles import meeting

    if arguments.embedded:
        return started_book()
    found: Book = {}
    for role in needed:
        named: Address | None = getattr(arguments, role)
        if named is None:
            raise fail("PPC657", f"The address of the {role} is missing.", hint=f"Name it: `--{role} HOST:PORT`.")
        meeting.not_here(role, named[0], terms)
        found[role] = named
    if len(found) == 2:
        meeting.three_machines(found["dealer"][0], found["peer"][0], terms)
    return found


def from_elsewhere(link: Link, book: Book, terms: Terms) -> Link:
    """Who came, if it is neither this machine nor the dealer's."""
    from ppc.runtime.roles import meeting

    meeting.from_elsewhere(link, terms)
    if "dealer" in book:
        meeting.three_machines(book["dealer"][0], meeting.host_of(link), terms)
    return link
