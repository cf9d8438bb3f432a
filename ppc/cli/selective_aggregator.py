"""The second aggregator of a selective training as a process, and the lines of the others to it."""

from __future__ import annotations

from argparse import Namespace
from threading import Event, Thread
from typing import TYPE_CHECKING

from ppc.cli.crowd_options import PORT
from ppc.cli.telling import Telling
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.ir.selective import Selective
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.wire.hello import Hello
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.link import Link
    from ppc.runtime.wire.listener import Listener
    from ppc.selective.aggregator import Aggregator

LOOK = 0.2  # seconds


def second_of(arguments: Namespace, facts: Selective, keyring: Keyring, hello: Hello) -> Letters | None:
    """A line to the second aggregator, where updates are shared."""
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.link import dial

    if facts.aggregate == "plain":
        return None
    if arguments.aggregator is None:
        message = "Where the second aggregator listens is not said."
        raise fail("PPC686", message, hint="Start it with `--be aggregator`, and name it: `--aggregator HOST:PORT`.")
    link = dial(arguments.aggregator, keyring, hello, expects=("aggregator",), patience=arguments.patience)
    return Letters(link, computing=3 * facts.wait)


def told_at_end(second: Letters | None) -> dict[str, int]:
    """What the second aggregator has taken."""
    from ppc.selective.pooled import ended

    return {} if second is None else {"up_second": ended(second)}


def aggregator(arguments: Namespace, telling: Telling) -> int:
    """Until the server has ended the training, or has left."""
    from ppc.cli.selective_roles import hello_of, keyring_of, understood
    from ppc.learning import Layout
    from ppc.runtime.wire.listener import Listener
    from ppc.selective.aggregator import Aggregator
    from ppc.selective.remembered import Memory

    facts, network = understood(arguments)
    if facts.aggregate == "plain":
        message = "This program has no second aggregator: the server adds the updates as they are."
        raise fail("PPC686", message, span=facts.span, hint="Add the line `aggregate additive`.")
    keyring = keyring_of(arguments)
    address = arguments.listen or (("127.0.0.1", 0) if arguments.embedded else ("", PORT))
    listener = Listener(address, keyring, hello_of(keyring, facts, network), expects=("participant", "server"))
    memory = Memory.of(arguments.checkpoint, "aggregator.sums")
    second, ended = Aggregator(facts, Layout.of(network).size, given=memory), Event()
    try:
        telling.event("listening", port=listener.port)
        telling.say(f"listens at port {listener.port} for the server and {facts.participants} participants")
        with_server = _server(listener, facts, second, arguments.patience)
        Thread(target=_welcome, args=(listener, facts, second, ended), daemon=True).start()
        second.serve(with_server)
    finally:
        ended.set()
        listener.close()
        second.close()
    telling.event("done", taken=second.taken)
    telling.say(f"{second.taken:,} bytes of shares taken; {second.sums:,} sums given out")
    return 0


def _server(listener: Listener, facts: Selective, second: Aggregator, patience: float) -> Letters:
    """The server's line; participants may come before it."""
    from ppc.runtime.wire.letters import Letters

    def refused(_: PpcError) -> None:
        """Who is refused was told why."""

    while True:
        link = listener.first(patience, refused)
        if link.peer.role == "server":
            return Letters(link)
        _joins(link, facts, second)


def _welcome(listener: Listener, facts: Selective, second: Aggregator, ended: Event) -> None:
    while not ended.is_set():
        link = listener.poll(LOOK)
        if link is None or isinstance(link, PpcError):
            continue
        if link.peer.role == "participant":
            _joins(link, facts, second)
        else:
            link.close()


def _joins(link: Link, facts: Selective, second: Aggregator) -> None:
    from ppc.cli.selective_roles import number_of
    from ppc.runtime.wire.letters import Letters

    number = number_of(link, facts)
    if number is None:
        link.close()
    else:
        second.welcome(number, Letters(link, computing=86_400.0))
