"""Votes with `open winner`: the second aggregator and the dealer as processes, and the lines of the others to them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Generator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING

from ppc.cli.collaborative_task import Task, keyring_of, number_of, understood
from ppc.cli.crowd_options import DEALER_PORT, PORT
from ppc.cli.party_verb import DEALER, fits
from ppc.cli.role_start import stopping
from ppc.cli.telling import Telling
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.collaborative.compared import Comparison
    from ppc.collaborative.second import Second
    from ppc.collaborative.winners import Pair
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.roles.meeting import Terms
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.link import Link
    from ppc.runtime.wire.listener import Listener

DIALS = 10.0  # seconds more than a worker is waited for, in which the server comes to a comparison
LOOK = 0.2  # seconds between two looks at who has come
FOREVER = 2e6  # seconds in which a worker may have nothing to send: it trains; a socket waits 2^31 ms at most


# ---- what the others need ----


def line_to_second(arguments: Namespace, task: Task, keyring: Keyring) -> Letters | None:
    """A worker's, where winners are opened."""
    from ppc.runtime.wire.letters import Letters

    return Letters(_second(arguments, task, keyring)) if task.compares and arguments.public is not None else None


@contextmanager
def with_second(arguments: Namespace, task: Task, keyring: Keyring) -> Generator[Pair | None]:
    """The server's, where winners are opened: its line, and how both compare."""
    from ppc.collaborative.winners import Pair
    from ppc.runtime.wire.letters import Letters

    if not task.compares or arguments.public is None:
        yield None
        return
    comparison = _comparison(arguments, task, keyring, "server")
    line = Letters(_second(arguments, task, keyring))
    pair = Pair(
        line=line,
        compare=lambda share: comparison.carry_out(lambda: _second(arguments, task, keyring), share),
        look=comparison.look,
    )
    try:
        yield pair
    finally:
        pair.end()


def _second(arguments: Namespace, task: Task, keyring: Keyring) -> Link:
    from ppc.runtime.roles import meeting
    from ppc.runtime.wire.link import dial

    if arguments.aggregator is None:
        message = "Where the second aggregator listens is not said."
        raise fail("PPC686", message, hint="Start it with `--be aggregator`, and name it: `--aggregator HOST:PORT`.")
    meeting.not_here("aggregator", arguments.aggregator[0], _terms(arguments, task))
    hello = task.hello(keyring, None)
    return dial(arguments.aggregator, keyring, hello, expects=("aggregator",), patience=arguments.patience)


def _terms(arguments: Namespace, task: Task) -> Terms:
    """The dealer is there before anybody votes."""
    from ppc.runtime.roles.meeting import Terms

    return Terms(patience=task.facts.wait, insecure_local=arguments.insecure_local or arguments.embedded)


def _comparison(arguments: Namespace, task: Task, keyring: Keyring, role: str) -> Comparison:
    """What one of the two brings to it. That the dealer is another machine is known before anybody trains."""
    from ppc.collaborative.compared import Comparison
    from ppc.runtime.roles import meeting
    from ppc.winner_program import HISTOGRAM

    terms = _terms(arguments, task)
    if arguments.dealer is None:
        message = "Where the dealer of the joint comparison listens is not said."
        raise fail("PPC657", message, hint="Start it with `--be dealer`, and name it: `--dealer HOST:PORT`.")
    meeting.not_here("dealer", arguments.dealer[0], terms)
    return Comparison(bundle=task.bundle(role), name=HISTOGRAM, keyring=keyring, dealer=arguments.dealer, terms=terms)


def _asked(arguments: Namespace) -> Task:
    task = understood(arguments)
    if not task.compares:
        message = "This program has no second aggregator and no dealer: the server opens the noisy histogram."
        raise fail("PPC686", message, hint="Add the line `open winner` to the block `label … by pate`.")
    return task


# ---- the second aggregator ----


def aggregator(arguments: Namespace, telling: Telling) -> int:
    """Until the server has ended the training, or has left."""
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.listener import Listener

    task, keyring = _asked(arguments), keyring_of(arguments)
    links: Queue[Link] = Queue()
    second = _prepared(arguments, task, keyring, links)
    address = arguments.listen or (("127.0.0.1", 0) if arguments.embedded else ("", PORT))
    listener = Listener(address, keyring, task.hello(keyring, None), expects=("participant", "server"))
    ended = Event()
    try:
        telling.event("listening", port=listener.port)
        telling.say(f"listens at port {listener.port} for the server and {task.facts.workers} workers")
        Thread(target=_welcome, args=(listener, task, second, links, ended), daemon=True).start()
        second.serve(Letters(_next(links, arguments.patience), computing=FOREVER))
    finally:
        ended.set()
        listener.close()
        second.close()
    telling.event("done", taken=second.taken)
    telling.say(f"{second.taken:,} bytes of shares taken; {second.compared} votes compared")
    return 0


def _prepared(arguments: Namespace, task: Task, keyring: Keyring, links: Queue[Link]) -> Second:
    from ppc.collaborative.second import Second
    from ppc.collaborative.state import Spent

    assert task.pate is not None
    comparison = _comparison(arguments, task, keyring, "client")
    return Second(
        facts=task.facts,
        pate=task.pate,
        classes=task.classes,
        compare=lambda share: comparison.carry_out(lambda: _next(links, task.facts.wait + DIALS), share),
        look=comparison.look,
        spent=Spent.of(arguments.checkpoint, "aggregator"),
    )


def _next(links: Queue[Link], timeout: float) -> Link:
    """The server's next link."""
    try:
        return links.get(timeout=timeout)
    except Empty:
        message = f"No server came for {timeout:g} seconds."
        raise fail("PPC653", message, hint="Start it, with this machine's address: `--aggregator`.") from None


def _welcome(listener: Listener, task: Task, second: Second, links: Queue[Link], ended: Event) -> None:
    from ppc.runtime.wire.letters import Letters

    while not ended.is_set():
        link = listener.poll(LOOK)
        if link is None or isinstance(link, PpcError):
            continue
        if link.peer.role == "server":
            links.put(link)
        elif (number := number_of(link, task.facts)) is not None:
            second.welcome(number, Letters(link, computing=FOREVER))
        else:
            link.close()


# ---- the dealer ----


def dealer(arguments: Namespace, telling: Telling) -> int:
    """Until it is told to end: it knows the program and how many queries there are, and sees no vote."""
    from ppc.runtime.roles.brought import Brought
    from ppc.runtime.roles.deal import DealerService
    from ppc.runtime.wire.listener import Listener

    task, keyring = _asked(arguments), keyring_of(arguments)
    service = DealerService(
        bundle=task.bundle("dealer"),
        brought=Brought(),
        say=telling.say,
        roles=("aggregator", "server"),
        fits=lambda run: fits(run, DEALER),
    )
    address = arguments.listen or (("127.0.0.1", 0) if arguments.embedded else ("", DEALER_PORT))
    listener = Listener(address, keyring, service.answer, expects=service.roles, say=telling.say)
    telling.event("listening", port=listener.port)
    telling.say(f"the dealer listens at port {listener.port} for the server and the second aggregator")
    with stopping(service.stop.set):
        service.serve(listener)
    telling.event("done", sent=service.sent)
    telling.say(f"{service.served} comparisons were dealt for, {service.sent:,} bytes")
    return 0
