"""The verb deal: a dealer that is there while parties run; files of `--count` and `deal status` are in prep_verbs."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ppc.cli.machine import most_memory
from ppc.cli.party_verb import DEALER, fits, write_trace
from ppc.cli.role_start import (
    EVERYWHERE,
    HERE,
    brought_by,
    end_with_starter,
    ending_on_signals,
    opened,
    shown,
    stopping,
    telling_of,
)
from ppc.cli.telling import Far, Telling

if TYPE_CHECKING:
    from ppc.runtime.keyring import Keyring


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
            brought=brought_by(arguments, bundle, telling),
            say=telling.say,
            fits=lambda run: fits(run, DEALER),
            most=arguments.most,
            threads=arguments.threads,
            idle=arguments.idle,
            once=arguments.once or arguments.embedded,
            trace=Trace() if arguments.trace or arguments.traced else None,
        )
        _serve(arguments, service, keyring, telling)
    if service.trace is not None:
        write_trace(arguments, "dealer", {"dealer": service.trace.spans})
    telling.event("done", sent=service.sent, held=service.held, memory=most_memory())
    telling.say(f"{service.served} sessions were dealt for, {service.sent:,} bytes")
    return 0


def _serve(arguments: Namespace, service: Any, keyring: Keyring, telling: Telling) -> None:
    from ppc.runtime.roles.meeting import DEALER_PORT
    from ppc.runtime.wire.listener import Listener

    here = (HERE, 0) if arguments.embedded else arguments.listen or (EVERYWHERE, DEALER_PORT)
    listener = Listener(here, keyring, service.answer, expects=("client", "server"), say=telling.say)
    telling.event("listening", port=listener.port)
    telling.say(f"the dealer listens at {shown((here[0], listener.port))} for {' and '.join(service.bundle.parties)}")
    if arguments.embedded:
        end_with_starter()
    with stopping(service.stop.set), telling.progress("dealt", lambda: Far(done=service.sent, total=service.total)):
        service.serve(listener)
    if service.once and service.failed:
        raise service.failed[-1]
