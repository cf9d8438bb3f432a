"""What the trainers of many participants add to the verb train."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ppc.cli.options import seconds

PORT, DEALER_PORT = 7450, 7441
STARTING = 600.0  # seconds; a process that ends before it has begun is noticed at once


def many_of(verb: ArgumentParser) -> None:
    group = verb.add_argument_group("for a training of many participants")
    group.add_argument(
        "--be",
        metavar="server | aggregator | dealer | N",
        type=_role,
        help="one role here, with the others on their machines",
    )
    group.add_argument("--peer", type=_address, metavar="HOST:PORT", help="for a participant: where the server listens")
    group.add_argument("--aggregator", type=_address, metavar="HOST:PORT", help="where the second aggregator listens")
    group.add_argument("--dealer", type=_dealer, metavar="HOST:PORT", help="where the dealer of `open winner` listens")
    group.add_argument(
        "--listen",
        type=_address,
        metavar="HOST:PORT",
        help=f"for the server and the aggregator (port {PORT}), and the dealer ({DEALER_PORT})",
    )
    group.add_argument("--certificates", type=Path, metavar="FOLDER", help="of `ppc cert` (~/.config/ppc/certificates)")
    group.add_argument("--insecure-local", action="store_true", help="for a test: others may be on this machine")
    group.add_argument("--patience", type=seconds, default=60.0, metavar="S", help="until the others are started (60)")
    group.add_argument("--each", type=_count, metavar="N", help="examples of each participant, where all are here")
    group.add_argument("--public", type=Path, metavar="DATA", help="examples that the workers' votes label")
    group.add_argument(
        "--labels", type=Path, metavar="FILE", help="the labelled examples, as .npz, beside their privacy.json"
    )
    verb.add_argument("--share", type=_share, help=argparse.SUPPRESS)  # K/N: this participant's part of the examples
    verb.add_argument("--embedded", action="store_true", help=argparse.SUPPRESS)


def be_of(arguments: Namespace) -> list[str]:
    """The same options again, for the process of one role."""
    found = ["train", str(arguments.program), "--embedded", "--seed", str(arguments.seed or 0)]
    found += ["--patience", str(max(STARTING, arguments.patience))]
    for name in ("model", "data", "test", "weights", "each", "checkpoint", "public"):
        if (value := getattr(arguments, name)) is not None:
            found += [f"--{name}", str(value)]
    return [*found, "--resume"] if arguments.resume else found


def _role(text: str) -> str:
    if text in ("server", "aggregator", "dealer") or (text.isdecimal() and int(text) > 0):
        return text
    raise argparse.ArgumentTypeError("must be `server`, `aggregator`, `dealer`, or the number of a participant")


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError("must be a whole number of at least 1")


def _share(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    return int(number), int(of)


def _dealer(text: str) -> tuple[str, int]:
    return _address(text, DEALER_PORT)


def _address(text: str, port: int = PORT) -> tuple[str, int]:
    from ppc.runtime.roles.meeting import address

    try:
        return address(text, port=port)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
