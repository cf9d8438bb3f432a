"""The server of a collaborative training, as a process: it opens sums, and labels the public examples."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ppc.cli.collaborative_task import Task, keyring_of, number_of, understood
from ppc.cli.crowd_options import PORT
from ppc.cli.telling import Telling
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.collaborative.host import Host, Newcomer
    from ppc.ir.collaborative import Collaborative
    from ppc.runtime.wire.listener import Listener
    from ppc.selective.members import Images

LOOK = 0.2  # seconds between two looks at who has come
MOST_EXAMPLES = 10_000_000


def server(arguments: Namespace, telling: Telling) -> int:
    """Until the last epoch is over and the examples are labelled, or too few workers are left."""
    from ppc.cli.collaborative_second import with_second
    from ppc.collaborative.host import Host
    from ppc.collaborative.state import Spent
    from ppc.collaborative.winners import ready
    from ppc.runtime.wire.listener import Listener

    task = understood(arguments)
    keyring, over = keyring_of(arguments), _over(arguments)
    network = task.network(task.pate.student if task.pate else task.facts.model)
    public = task.public(network)
    address = arguments.listen or (("127.0.0.1", 0) if arguments.embedded else ("", PORT))
    listener = Listener(address, keyring, task.hello(keyring, public), expects=("participant",))
    spent = Spent.of(arguments.checkpoint, "server")
    host = Host(task.facts, lambda: _arrived(listener, task.facts), telling.note, over=over, spent=spent)
    try:
        telling.event("listening", port=listener.port)
        telling.say(f"listens at port {listener.port} for {task.facts.workers} workers")
        _forecast(task, public, telling)  # after the port: who starts the server reads no note before it
        with with_second(arguments, task, keyring) as pair:
            _gather(host, arguments.patience)
            if pair is not None:
                ready(host, pair)  # before anybody trains for labels that cannot be
            host.enough()
            found = _train(arguments, telling, host)
            if public is not None:
                from ppc.cli.labelling import labels

                found |= labels(arguments, task, host, network, public, pair)
    finally:
        host.close()
        listener.close()
    telling.event("done", **found)
    telling.say(f"{found['rounds']:,} rounds, {found['bytes']:,} bytes")
    return 0


def _forecast(task: Task, public: Images | None, telling: Telling) -> None:
    """Before anybody trains: what the labels will be worth."""
    if task.pate is not None and public is not None:
        from ppc.collaborative.privacy import forecast

        for line in forecast(task.facts, task.pate, task.asked(public)):
            telling.note(line)


def _over(arguments: Namespace) -> int:
    """The epochs that are behind the training."""
    from ppc.collaborative.state import resumed_server

    if not arguments.resume:
        return 0
    if arguments.checkpoint is None:
        raise fail("PPC684", "From where the training goes on is not said.", hint="Name it: `--checkpoint FOLDER`.")
    return resumed_server(arguments.checkpoint)


def _train(arguments: Namespace, telling: Telling, host: Host) -> dict[str, Any]:
    from ppc.collaborative.state import keep_server
    from ppc.collaborative.tally import Tally, line

    tally = Tally()
    for sums in host.epochs():
        told = tally.over(host, sums)
        if arguments.checkpoint is not None:
            keep_server(arguments.checkpoint, host.over)
        telling.event("round", **told)
        telling.say(line(host.facts.epochs, told))
    return tally.facts_of(host)


def _arrived(listener: Listener, facts: Collaborative) -> Iterator[Newcomer]:
    """Those who came since; who is refused is not among them."""
    from ppc.collaborative.host import Newcomer
    from ppc.runtime.wire.letters import Letters

    while (link := listener.poll(0.001)) is not None:
        if isinstance(link, PpcError):
            continue
        number, port = number_of(link, facts), int.from_bytes(link.theirs.told.get("port", b"")[:2], "little")
        if number is None or not port:
            link.close()
            continue
        host = str(link.incoming.getpeername()[0])
        examples = int.from_bytes(link.theirs.told.get("examples", b"\1")[:8], "little")
        line = Letters(link, computing=facts.wait)
        yield Newcomer(number=number, line=line, place=(host, port), examples=max(1, min(examples, MOST_EXAMPLES)))


def _gather(host: Host, patience: float) -> None:
    """Everybody, or after some time those who are needed."""
    from time import monotonic, sleep

    limit = monotonic() + patience
    while len(host.there) < host.facts.workers and monotonic() <= limit:
        host.welcome()
        sleep(LOOK)
