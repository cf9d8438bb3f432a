"""The verb party: one run of one party, or a server that keeps answering. `ppc run` starts the same process."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ppc.cli import answers, device_verb
from ppc.cli.machine import most_memory
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
from ppc.cli.telling import Far, Telling, as_facts, counts_table
from ppc.cli.training_options import check_left, turn_of, wishes_of
from ppc.cli.unused import DEVICE, check_unused
from ppc.errors import fail
from ppc.files import make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ppc.bundle import Bundle
    from ppc.data import Array
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.roles.brought import Brought
    from ppc.runtime.roles.course import Wishes
    from ppc.runtime.roles.dealt import Dealt
    from ppc.runtime.roles.meeting import Standing, Terms
    from ppc.runtime.roles.party import PartyRun
    from ppc.runtime.roles.request import Request, Stretch
    from ppc.runtime.wire.link import Link
    from ppc.runtime.wire.tls_channel import TlsChannel


DEALER = 2  # among the roles, behind client and server
REFUSED = "a client was refused and told why, the next one is waited for: {}"


def party(arguments: Namespace) -> int:
    """One run of one party, or the steps of a device."""
    from ppc.cli.prep_verbs import only_own

    if device_verb.is_package(arguments.bundle):
        return device_verb.device(arguments)
    check_unused(arguments, DEVICE, "A party of a bundle")
    telling = telling_of(arguments)
    with ending_on_signals(telling):
        bundle, keyring = opened(arguments, arguments.bundle, arguments.role)
        if not arguments.serve:
            answers.check_output(arguments.output, weights=bool(bundle.released(bundle.party)))
            check_left(arguments.leave, bundle, turn_of(arguments, bundle), release=arguments.release)
        only_own(arguments, bundle)
        brought = brought_by(arguments, bundle, telling)
        wishes = wishes_of(arguments, bundle, brought, telling.note)
        side = Side(arguments, bundle, keyring, brought, terms_of(arguments, bundle), wishes)
        if arguments.serve:
            return serve(side, telling)
        link, book = _met(side, telling)
        try:
            results, run = _run(side, link, book, telling)
        finally:
            link.close()
    _tell(arguments, telling, run, results)
    return 0


@dataclass(frozen=True)
class Side:
    """What this party has when it sets out: its command line, bundle, certificates, values and wishes."""

    arguments: Namespace
    bundle: Bundle
    keyring: Keyring
    brought: Brought
    terms: Terms
    wishes: Wishes | None

    @property
    def standing(self) -> Standing:
        from ppc.runtime.roles import meeting

        return meeting.standing(self.bundle, self.brought, self.terms, self.wishes)


def _met(side: Side, telling: Telling) -> tuple[Link, Book]:
    """The link to the other party, and the addresses."""
    from ppc.runtime.roles import meeting

    arguments, terms, standing = side.arguments, side.terms, side.standing
    if side.bundle.role == "client":
        book = addresses(arguments, ("peer", *needed(terms)), terms)
        telling.detail(f"dialling the server at {shown(book['peer'])}")
        return meeting.meet_server(standing, side.keyring, book["peer"], terms), book
    book = {} if arguments.embedded else addresses(arguments, needed(terms), terms)
    with_port = (HERE, 0) if arguments.embedded else arguments.listen or (EVERYWHERE, meeting.SERVER_PORT)
    listener = meeting.listen(standing, side.keyring, with_port, terms)
    try:
        telling.event("listening", port=listener.port)
        telling.say(f"{side.bundle.party} listens for its client at {shown((with_port[0], listener.port))}")
        book = started_book() if arguments.embedded else book
        if arguments.embedded:  # nobody else will come
            return listener.accept(terms.patience), book
        link = listener.first(terms.patience, lambda error: telling.say(REFUSED.format(error)))
        return from_elsewhere(link, book, terms), book
    finally:
        listener.close()


def needed(terms: Terms) -> tuple[str, ...]:
    """Whose address a party needs beside its peer's."""
    return ("dealer",) if terms.dealer == "live" else ()


def _run(side: Side, link: Link, book: Book, telling: Telling) -> tuple[dict[str, Array], PartyRun]:
    """From two connected parties to the result."""
    from ppc.runtime.roles import request
    from ppc.runtime.roles.party import PartyRun
    from ppc.runtime.roles.trace import Trace
    from ppc.runtime.wire.tls_channel import TlsChannel

    arguments, bundle, brought = side.arguments, side.bundle, side.brought
    examples = request.agreed_examples(bundle, brought.examples, link.theirs)
    course = side.wishes.course(link.session, link.theirs, examples) if side.wishes else None
    asked = course.request if course else request.Request(examples=examples)
    stretches = request.stretches(bundle, asked)
    fits(stretches, bundle.parties.index(bundle.party))
    channel = TlsChannel(link, idle=side.terms.idle)
    telling.detail(f"session {link.session.hex()} with the {link.peer}: {examples:,} examples")
    dealt = _dealt(side, channel, book, asked)
    try:
        run = PartyRun(
            bundle=bundle,
            channel=channel,
            dealt=dealt,
            session=link.session,
            brought=brought,
            examples=examples,
            run=stretches,
            course=course,
            threads=arguments.threads,
            trace=Trace() if arguments.trace or arguments.traced else None,
        )
        with telling.progress(f"{bundle.party}", lambda: far(run), steps=bundle.training):
            results = run.carry_out()
        channel.finish()
        return results, run
    finally:
        dealt.close()
        channel.close()


def far(run: PartyRun) -> Far:
    """How far a run is; the steps of a training are counted with those that were done before."""
    before = run.course.request.start if run.course else 0
    steps = {"step": before + run.steps, "steps": before + run.all_steps} if run.course else {}
    return Far(done=run.moved, total=run.total, said=run.said, **steps)


def _dealt(side: Side, channel: TlsChannel, book: Book, asked: Request) -> Dealt:
    """Where this party's secrets come from: a dealer that is there, or its files."""
    from ppc.cli.prep_verbs import shelf_of
    from ppc.runtime.roles import meeting
    from ppc.runtime.roles.dealt import NoDealt
    from ppc.runtime.roles.shelved import ShelvedDealt

    bundle = side.bundle
    if side.terms.dealer == "none":
        return NoDealt()
    if side.terms.dealer == "live":
        session = channel.link.session
        return meeting.meet_dealer(bundle, side.keyring, book["dealer"], session, asked, side.terms, side.brought)
    return ShelvedDealt(channel, shelf_of(side.arguments, bundle, side.brought), first=bundle.role == "client")


def fits(stretches: Sequence[Stretch], index: int) -> None:
    """Whether this machine has room for the run, before anything of it is allocated."""
    from ppc.bill.memory import parcel, peak
    from ppc.cli.machine import free_memory

    plans = {id(one.plan): one.plan for one in stretches}.values()
    sections = [(plan, section) for plan in plans for section in plan.sections]
    needed = max(peak(*one).roles[index] + (parcel(*one) if index == DEALER else 0) for one in sections)
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
        keep(arguments.output, results, run.bundle)
    if arguments.leave is not None:
        run.leave(arguments.leave)
    if run.trace is not None:
        write_trace(arguments, run.bundle.role, {run.bundle.party: run.trace.spans})
    facts = {"predicted": as_facts(run.predicted), "measured": as_facts(run.measured)}
    took = {"seconds": [round(one, 5) for one in run.seconds], "memory": most_memory()}
    telling.event("done", results=sorted(results), examples=run.examples, session=run.session.hex(), **facts, **took)
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


def keep(path: Path, results: Mapping[str, Array], bundle: Bundle) -> None:
    """All results; or of a training the model, where the file's name says so."""
    from ppc.runtime.roles.public import released_model

    if path.suffix != ".safetensors":
        answers.save(path, results)
        return
    (size,) = bundle.batches
    if model := released_model(bundle.plan(size), results):
        answers.save_model(path, model)


def _summary(run: PartyRun) -> list[str]:
    lines = ["", *counts_table(run.bundle.parties, run.predicted, run.measured), ""]
    return [*lines, f"{run.bundle.party} learned", *(f"  {line}" for line in learned(run) or ["nothing"])]


def learned(run: PartyRun) -> list[str]:
    """With what the evaluations of a training open."""
    from ppc.leak.contract import contract, with_evaluation
    from ppc.leak.show import learned

    made = contract(run.run[0].plan)
    for plan in {id(one.plan): one.plan for one in run.run if one.measures}.values():
        made = with_evaluation(made, contract(plan))
    return learned(made, run.bundle.party)


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


def serve(side: Side, telling: Telling) -> int:
    """A server for many clients, until it is told to end."""
    from ppc.runtime.roles import meeting
    from ppc.runtime.roles.service import Service
    from ppc.runtime.wire.listener import Listener

    arguments, bundle, terms, standing = side.arguments, side.bundle, side.terms, side.standing
    if bundle.role != "server":
        raise fail("PPC665", f"The {bundle.role} dials; only the server serves.", hint="`ppc party server … --serve`")
    book = addresses(arguments, needed(terms), terms)
    quiet = Telling(quiet=True)

    def session(link: Link) -> str:
        from_elsewhere(link, book, terms)
        results, run = _run(side, link, book, quiet)
        _keep(arguments, link, results)
        return f"{run.examples:,} examples, {sum(run.measured.sent):,} bytes, {run.measured.rounds} rounds"

    service = Service(
        hello=standing.hello,
        carry_out=session,
        say=telling.say,
        most=arguments.most,
    )
    here = arguments.listen or (EVERYWHERE, meeting.SERVER_PORT)
    listener = Listener(here, side.keyring, service.answer, expects=("client",), check=standing.check, say=telling.say)
    telling.say(f"{bundle.party} serves at {shown((here[0], listener.port))}, {service.most} sessions at a time")
    with stopping(service.stop.set):
        service.serve(listener)
    telling.say(f"{service.served} sessions were served, {service.failed} failed")
    return 0


def _keep(arguments: Namespace, link: Link, results: dict[str, Array]) -> None:
    """What a session gives to the server, in a file of its own."""
    if arguments.output is not None and results:
        make_folder(arguments.output)
        answers.save(arguments.output / f"{link.session.hex()}.npz", results)
