"""The verb party: one run of one party, or a server that keeps answering. `ppc run` starts the same process."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ppc.cli import answers
from ppc.cli.role_start import (
    EVERYWHERE,
    HERE,
    Book,
    addresses,
    brought_by,
    ending_on_signals,
    from_elsewhere,
    opened,
    shown,
    started_book,
    stopping,
    telling_of,
    terms_of,
)
from ppc.cli.telling import Telling, as_facts, counts_table
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.bundle import Bundle
    from ppc.data import Array
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.roles.dealt import Dealt
    from ppc.runtime.roles.meeting import Terms
    from ppc.runtime.roles.party import PartyRun
    from ppc.runtime.roles.request import Stretch
    from ppc.runtime.wire.link import Link
    from ppc.runtime.wire.tls_channel import TlsChannel


def party(arguments: Namespace) -> int:
    """One run of one party."""
    telling = telling_of(arguments)
    if not arguments.serve:
        answers.check_output(arguments.output)
    with ending_on_signals(telling):
        bundle, keyring = opened(arguments, arguments.bundle, arguments.role)
        terms = terms_of(arguments)
        brought = brought_by(arguments, bundle, telling)
        if arguments.serve:
            return serve(arguments, bundle, keyring, brought, terms, telling)
        link, book = _met(arguments, bundle, keyring, brought.examples, terms, telling)
        try:
            results, run = _run(arguments, bundle, keyring, link, book, brought, terms, telling)
        finally:
            link.close()
    _tell(arguments, telling, run, results)
    return 0


def _met(
    arguments: Namespace, bundle: Bundle, keyring: Keyring, examples: int | None, terms: Terms, telling: Telling
) -> tuple[Link, Book]:
    """The link to the other party, and the addresses."""
    from ppc.runtime.roles import meeting

    if bundle.role == "client":
        book = addresses(arguments, ("peer",) if terms.files else ("peer", "dealer"), terms)
        telling.detail(f"dialling the server at {shown(book['peer'])}")
        return meeting.meet_server(bundle, keyring, book["peer"], examples, terms), book
    book = {} if arguments.embedded else addresses(arguments, () if terms.files else ("dealer",), terms)
    with_port = (HERE, 0) if arguments.embedded else arguments.listen or (EVERYWHERE, meeting.SERVER_PORT)
    listener = meeting.listen(bundle, keyring, with_port, examples, terms)
    try:
        telling.event("listening", port=listener.port)
        telling.say(f"{bundle.party} listens for its client at {shown((with_port[0], listener.port))}")
        book = started_book() if arguments.embedded else book
        return from_elsewhere(listener.accept(terms.patience), book, terms), book
    finally:
        listener.close()


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


def _tell(arguments: Namespace, telling: Telling, run: PartyRun, results: dict[str, Array]) -> None:
    """The answer, and what it took."""
    if arguments.output is not None and results:
        answers.save(arguments.output, results)
    if run.trace is not None:
        write_trace(arguments, run.bundle.role, {run.bundle.party: run.trace.spans})
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


def write_trace(arguments: Namespace, role: str, spans: dict[str, list[Any]]) -> None:
    """Chrome's format where a person asked for it; else the bare spans, for the process that started this one."""
    from ppc.bundle import ROLES
    from ppc.files import write_whole
    from ppc.runtime.roles.trace import events

    if arguments.trace is not None:
        number = ROLES.index(role)  # so that the files of several roles can be put together
        made = [event for name, found in spans.items() for event in events(f"{name} ({role})", number, found)]
        write_whole(arguments.trace, json.dumps({"traceEvents": made, "displayTimeUnit": "ms"}).encode())
    elif arguments.traced is not None:
        write_whole(arguments.traced, json.dumps(spans).encode())


def serve(arguments: Namespace, bundle: Bundle, keyring: Keyring, brought: Any, terms: Terms, telling: Telling) -> int:
    """A server for many clients, until it is told to end."""
    from ppc.runtime.roles import meeting
    from ppc.runtime.roles.request import hello_of
    from ppc.runtime.roles.service import Service
    from ppc.runtime.wire.listener import Listener

    if bundle.role != "server":
        raise fail("PPC665", f"The {bundle.role} dials; only the server serves.", hint="`ppc party server … --serve`")
    book = addresses(arguments, () if terms.files else ("dealer",), terms)
    quiet = Telling(quiet=True)

    def session(link: Link) -> str:
        from_elsewhere(link, book, terms)
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
    telling.say(f"{bundle.party} serves at {shown((here[0], listener.port))}, {service.most} sessions at a time")
    with stopping(service.stop.set):
        service.serve(listener)
    telling.say(f"{service.served} sessions were served, {service.failed} failed")
    return 0


def _keep(arguments: Namespace, link: Link, results: dict[str, Array]) -> None:
    """What a session gives to the server, in a file of its own."""
    if arguments.output is not None and results:
        arguments.output.mkdir(parents=True, exist_ok=True)
        answers.save(arguments.output / f"{link.session.hex()}.npz", results)
