"""The verbs of a role's own process: party, deal. `ppc run` starts the same ones, and talks with them in events."""

from __future__ import annotations

import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from ppc.cli import answers
from ppc.cli.cert_verbs import default_folder
from ppc.cli.telling import Telling, as_facts, counts_table
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from pathlib import Path

    from ppc.bundle import Bundle
    from ppc.data import Array
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.roles.dealt import Dealt
    from ppc.runtime.roles.meeting import Terms
    from ppc.runtime.roles.party import PartyRun
    from ppc.runtime.roles.request import Stretch
    from ppc.runtime.wire.link import Address, Link
    from ppc.runtime.wire.tls_channel import TlsChannel

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


# ---- what the process that started this one says ----


def started_book() -> Book:
    """The addresses that `ppc run` found; when its end of the pipe closes, this process ends."""
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt
    found: dict[str, int] = json.loads(line)
    _end_with_starter()
    return {role: (HERE, port) for role, port in found.items()}


def _end_with_starter() -> None:
    def watch() -> None:
        with suppress(OSError, ValueError):
            while sys.stdin.readline():
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, daemon=True).start()


# ---- a party ----


def party(arguments: Namespace) -> int:
    """One run of one party."""
    telling = telling_of(arguments)
    if not arguments.serve:
        answers.check_output(arguments.output)
    with ending_on_signals(telling):
        bundle, keyring = opened(arguments, arguments.bundle, arguments.role)
        terms = terms_of(arguments)
        brought = _brought(arguments, bundle, telling)
        if arguments.serve:
            return serve(arguments, bundle, keyring, brought, terms, telling)
        link, book = _met(arguments, bundle, keyring, brought.examples, terms, telling)
        try:
            results, run = _run(arguments, bundle, keyring, link, book, brought, terms, telling)
        finally:
            link.close()
    _tell(arguments, telling, run, results)
    return 0


def opened(arguments: Namespace, folder: Path, role: str) -> tuple[Bundle, Keyring]:
    """A role's bundle and its certificates, which must be of the same role and party."""
    from ppc.bundle import locate, read
    from ppc.passes.checks.verdict import accepted
    from ppc.runtime.keyring import open_folder

    bundle = read(locate(folder, role), accepted, role=role)
    keyring = open_folder(arguments.certificates or default_folder())
    own = keyring.own
    if (own.role, own.party) != (bundle.role, bundle.party):
        raise fail(
            "PPC665",
            f"The bundle is that of the {bundle.role} `{bundle.party}`; the certificate here is that of the {own}.",
            hint=f"`ppc cert new {bundle.party} --role {bundle.role} --folder FOLDER`, and `--certificates FOLDER`.",
        )
    return bundle, keyring


def terms_of(arguments: Namespace) -> Terms:
    from ppc.runtime.roles.meeting import Terms

    local = arguments.insecure_local or arguments.embedded
    files = arguments.prep is not None
    return Terms(patience=arguments.patience, idle=arguments.idle, insecure_local=local, files=files)


def _brought(arguments: Namespace, bundle: Bundle, telling: Telling) -> Any:
    from ppc.cli.brought_files import brought

    quiet = telling.quiet or telling.events
    return brought(bundle, inputs=arguments.input, weights=arguments.weights, seed=arguments.seed, quiet=quiet)


def _met(
    arguments: Namespace, bundle: Bundle, keyring: Keyring, examples: int | None, terms: Terms, telling: Telling
) -> tuple[Link, Book]:
    """The link to the other party, and the addresses."""
    from ppc.runtime.roles import meeting

    if bundle.role == "client":
        book = _book(arguments, ("peer",) if terms.files else ("peer", "dealer"), terms)
        telling.detail(f"dialling the server at {_address(book['peer'])}")
        return meeting.meet_server(bundle, keyring, book["peer"], examples, terms), book
    book = {} if arguments.embedded else _book(arguments, () if terms.files else ("dealer",), terms)
    with_port = (HERE, 0) if arguments.embedded else arguments.listen or (EVERYWHERE, meeting.SERVER_PORT)
    listener = meeting.listen(bundle, keyring, with_port, examples, terms)
    try:
        telling.event("listening", port=listener.port)
        telling.say(f"{bundle.party} listens for its client at {_address((with_port[0], listener.port))}")
        book = started_book() if arguments.embedded else book
        return _from_elsewhere(listener.accept(terms.patience), book, terms), book
    finally:
        listener.close()


def _address(found: Address) -> str:
    return f"{found[0] or 'port '}{':' if found[0] else ''}{found[1]}"


def _book(arguments: Namespace, needed: Sequence[str], terms: Terms) -> Book:
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


def _from_elsewhere(link: Link, book: Book, terms: Terms) -> Link:
    """Who came, if it is neither this machine nor the dealer's."""
    from ppc.runtime.roles import meeting

    meeting.from_elsewhere(link, terms)
    if "dealer" in book:
        meeting.three_machines(book["dealer"][0], str(link.outgoing.getpeername()[0]), terms)
    return link


def _run(
    arguments: Namespace,
    bundle: Bundle,
    keyring: Keyring,
    link: Link,
    book: Book,
    brought: Any,
    terms: Terms,
    telling: Telling,
) -> tuple[dict[str, Array], PartyRun]:
    """From two connected parties to the result."""
    from ppc.runtime.roles import request
    from ppc.runtime.roles.party import PartyRun
    from ppc.runtime.roles.trace import Trace
    from ppc.runtime.wire.tls_channel import TlsChannel

    examples = request.agreed_examples(bundle, brought.examples, link.theirs)
    stretches = request.stretches(bundle, examples)
    fits(stretches, bundle.parties.index(bundle.party))
    channel = TlsChannel(link, idle=terms.idle)
    telling.detail(f"session {link.session.hex()} with the {link.peer}: {examples:,} examples")
    dealt = _dealt(arguments, bundle, keyring, channel, book, examples, terms)
    try:
        run = PartyRun(
            bundle=bundle,
            channel=channel,
            dealt=dealt,
            session=link.session,
            brought=brought,
            examples=examples,
            run=stretches,
            threads=arguments.threads,
            trace=Trace() if arguments.trace or arguments.traced else None,
        )
        with telling.progress(f"{bundle.party}", lambda: (run.moved, run.total)):
            results = run.carry_out()
        channel.finish()
        return results, run
    finally:
        dealt.close()
        channel.close()


def _dealt(
    arguments: Namespace,
    bundle: Bundle,
    keyring: Keyring,
    channel: TlsChannel,
    book: Book,
    examples: int,
    terms: Terms,
) -> Dealt:
    """Where this party's secrets come from: a dealer that is there, or its files."""
    from ppc.cli.prep_verbs import shelf_of
    from ppc.runtime.roles import meeting
    from ppc.runtime.roles.shelved import ShelvedDealt

    if not terms.files:
        return meeting.meet_dealer(bundle, keyring, book["dealer"], channel.link.session, examples, terms)
    return ShelvedDealt(channel, shelf_of(arguments, bundle), first=bundle.role == "client")


def fits(stretches: Sequence[Stretch], index: int) -> None:
    """Whether this machine has room for the run, before anything of it is allocated."""
    from ppc.bill.memory import peak
    from ppc.cli.machine import free_memory

    needed = max(peak(one.plan, section).roles[index] for one in stretches for section in one.plan.sections)
    free = free_memory()
    if free is not None and needed > free:
        raise fail(
            "PPC658",
            f"The run needs {needed / 1e6:,.0f} MB for its values; this machine has {free / 1e6:,.0f} MB free.",
            hint="Compile with a smaller `--batch`, for all roles.",
        )


def serve(arguments: Namespace, bundle: Bundle, keyring: Keyring, brought: Any, terms: Terms, telling: Telling) -> int:
    """A server for many clients, until it is told to end."""
    from ppc.runtime.roles import meeting
    from ppc.runtime.roles.request import hello_of
    from ppc.runtime.roles.service import Service
    from ppc.runtime.wire.listener import Listener

    if bundle.role != "server":
        raise fail("PPC665", f"The {bundle.role} dials; only the server serves.", hint="`ppc party server … --serve`")
    book = _book(arguments, () if terms.files else ("dealer",), terms)
    quiet = Telling(quiet=True)

    def session(link: Link) -> str:
        _from_elsewhere(link, book, terms)
        results, run = _run(arguments, bundle, keyring, link, book, brought, terms, quiet)
        _keep(arguments, link, results)
        return f"{run.examples:,} examples, {sum(run.measured.sent):,} bytes, {run.measured.rounds} rounds"

    service = Service(
        hello=hello_of(bundle, brought.examples, files=terms.files),
        carry_out=session,
        say=telling.say,
        most=arguments.most,
    )
    here = arguments.listen or (EVERYWHERE, meeting.SERVER_PORT)
    check = meeting.check_of(bundle, brought.examples)
    listener = Listener(here, keyring, service.answer, expects=("client",), check=check)
    telling.say(f"{bundle.party} serves at {_address((here[0], listener.port))}, {service.most} sessions at a time")
    with _stopping(service.stop.set):
        service.serve(listener)
    telling.say(f"{service.served} sessions were served, {service.failed} failed")
    return 0


def _keep(arguments: Namespace, link: Link, results: dict[str, Array]) -> None:
    """What a session gives to the server, in a file of its own."""
    if arguments.output is not None and results:
        arguments.output.mkdir(parents=True, exist_ok=True)
        answers.save(arguments.output / f"{link.session.hex()}.npz", results)


def _tell(arguments: Namespace, telling: Telling, run: PartyRun, results: dict[str, Array]) -> None:
    """The answer, and what it took."""
    if arguments.output is not None and results:
        answers.save(arguments.output, results)
    if run.trace is not None:
        write_trace(arguments, {run.bundle.party: run.trace.spans})
    facts = {"predicted": as_facts(run.predicted), "measured": as_facts(run.measured)}
    telling.event("done", results=sorted(results), examples=run.examples, session=run.session.hex(), **facts)
    if telling.events:
        return
    if arguments.json:
        found = {name: value.tolist() for name, value in results.items()} if arguments.output is None else {}
        head = {"ok": True, "party": run.bundle.party, "examples": run.examples, "session": run.session.hex()}
        sys.stdout.write(json.dumps({**head, "results": found, **facts, "learned": learned(run)}) + "\n")
        return
    if arguments.output is None:
        sys.stdout.write("".join(f"{line}\n" for line in answers.shown(results)))
    telling.say("\n".join(_summary(run)))


def _summary(run: PartyRun) -> list[str]:
    lines = ["", *counts_table(run.bundle.parties, run.predicted, run.measured), ""]
    return [*lines, f"{run.bundle.party} learned", *(f"  {line}" for line in learned(run) or ["nothing"])]


def learned(run: PartyRun) -> list[str]:
    from ppc.leak.contract import contract
    from ppc.leak.show import learned

    return learned(contract(run.run[0].plan), run.bundle.party)


def write_trace(arguments: Namespace, spans: dict[str, list[Any]]) -> None:
    """Chrome's format where a person asked for it; else the bare spans, for the process that started this one."""
    from ppc.files import write_whole
    from ppc.runtime.roles.trace import events

    if arguments.trace is not None:
        made = [event for number, (role, found) in enumerate(spans.items()) for event in events(role, number, found)]
        write_whole(arguments.trace, json.dumps({"traceEvents": made, "displayTimeUnit": "ms"}).encode())
    elif arguments.traced is not None:
        write_whole(arguments.traced, json.dumps(spans).encode())


# ---- the dealer ----


def deal(arguments: Namespace) -> int:
    """The dealer: waits for parties until it is told to end, or makes files, or says how many are left."""
    from ppc.cli import prep_verbs
    from ppc.runtime.roles.deal import DealerService
    from ppc.runtime.roles.trace import Trace

    arguments.folder = prep_verbs.status_folder(arguments)
    if arguments.folder is not None:
        return prep_verbs.status(arguments)
    telling = telling_of(arguments)
    if arguments.count is not None:
        return prep_verbs.deal_files(arguments, telling)
    with ending_on_signals(telling):
        bundle, keyring = opened(arguments, arguments.bundle[0], "dealer")
        service = DealerService(
            bundle=bundle,
            brought=_brought(arguments, bundle, telling),
            say=telling.say,
            most=arguments.most,
            threads=arguments.threads,
            once=arguments.once or arguments.embedded,
            trace=Trace() if arguments.trace or arguments.traced else None,
        )
        _serve(arguments, service, keyring, telling)
    if service.trace is not None:
        write_trace(arguments, {"dealer": service.trace.spans})
    telling.event("done", sent=service.sent)
    telling.say(f"{service.served} sessions were dealt for, {service.sent:,} bytes")
    return 0


def _serve(arguments: Namespace, service: Any, keyring: Keyring, telling: Telling) -> None:
    from ppc.runtime.roles.meeting import DEALER_PORT
    from ppc.runtime.wire.listener import Listener

    here = (HERE, 0) if arguments.embedded else arguments.listen or (EVERYWHERE, DEALER_PORT)
    listener = Listener(here, keyring, service.answer, expects=("client", "server"))
    telling.event("listening", port=listener.port)
    telling.say(
        f"the dealer listens at {_address((here[0], listener.port))} for {' and '.join(service.bundle.parties)}"
    )
    if arguments.embedded:
        _end_with_starter()
    with _stopping(service.stop.set), telling.progress("dealt", lambda: (service.sent, service.total)):
        service.serve(listener)
    if service.once and service.failed:
        raise service.failed[-1]


@contextmanager
def _stopping(stop: Callable[[], None]) -> Generator[None]:
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
