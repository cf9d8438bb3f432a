"""The verbs of runs and what they take: run, party, deal, doctor."""

from __future__ import annotations

import argparse
from pathlib import Path

from ppc.cli import deal_verb, device_verb, doctor_verb, party_verb, run_verb
from ppc.cli.options import (
    Verbs,
    days,
    input_of,
    json_of,
    level_of,
    loud_of,
    positive,
    program_of,
    seconds,
    shares_of,
    signals_of,
    sizes,
    test_of,
    verb_of,
    weights_of,
)
from ppc.cli.training_options import training_of


def add(verbs: Verbs) -> None:
    _run(verbs)
    _party(verbs)
    _deal(verbs)
    _doctor(verbs)


def _run(verbs: Verbs) -> None:
    verb = verb_of(verbs, "run", run_verb.run, "run a model on this machine, all roles of it")
    program_of(verb, train=False)
    verb.add_argument(
        "--mode",
        choices=("clear", "twin", "joint"),
        help="joint: client, server and dealer as processes here; twin: the same numbers without shares; clear: numpy "
        "(joint, where the program has a joint block)",
    )
    verb.add_argument("--batch", dest="batches", type=sizes, default=(), metavar="N,N…", help="examples at a time")
    level_of(verb)
    weights_of(verb)
    shares_of(verb)
    signals_of(verb)
    input_of(verb, none="without it, drawn within the program's bounds, for a demonstration")
    verb.add_argument(
        "-o", dest="output", type=Path, metavar="FILE", help="write the result here: .npz, or .csv for a table"
    )
    verb.add_argument("--trace", type=Path, metavar="FILE.json", help="when what was done, for Perfetto")
    verb.add_argument("--threads", type=positive, default=1, metavar="N", help="of each role, for computing (1)")
    loud_of(verb)
    json_of(verb)


def _role(verb: argparse.ArgumentParser) -> None:
    """What all processes of a run on several machines take."""
    verb.add_argument("--certificates", type=Path, metavar="FOLDER", help="of `ppc cert` (~/.config/ppc/certificates)")
    verb.add_argument("--threads", type=positive, default=1, metavar="N", help="for computing (1)")
    verb.add_argument("--trace", type=Path, metavar="FILE.json", help="when what was done, for Perfetto")
    loud_of(verb)
    json_of(verb)
    # of `ppc run`, which starts these verbs: words in and out are events, and spans go into a file for it
    verb.add_argument("--embedded", action="store_true", help=argparse.SUPPRESS)
    verb.add_argument("--traced", type=Path, help=argparse.SUPPRESS)


def _waiting(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--patience", type=seconds, default=60.0, metavar="S", help="until the others are started (60)")
    verb.add_argument("--idle", type=seconds, default=30.0, metavar="S", help="without a byte of a message (30)")
    verb.add_argument("--insecure-local", action="store_true", help="for a test: others may be on this machine")


def _address(text: str, *, dealer: bool = False) -> tuple[str, int]:
    from ppc.runtime.roles.meeting import DEALER_PORT, SERVER_PORT, address

    try:
        return address(text, port=DEALER_PORT if dealer else SERVER_PORT)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _dealers(text: str) -> tuple[str, int]:
    return _address(text, dealer=True)


def _party(verbs: Verbs) -> None:
    verb = verb_of(verbs, "party", party_verb.party, "run one party of a bundle, with the others on their machines")
    verb.add_argument("role", metavar="client | server | device | NAME", help="which party this is")
    verb.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="the folder that `ppc compile -o` wrote, or a package of samples"
    )
    verb.add_argument("--peer", type=_address, metavar="HOST:PORT", help="for the client: where the server listens")
    verb.add_argument(
        "--listen", type=_address, metavar="HOST:PORT", help="for the server: where it listens (port 7440)"
    )
    verb.add_argument("--dealer", type=_dealers, metavar="HOST:PORT", help="where the dealer listens")
    verb.add_argument("--serve", action="store_true", help="for the server: keep answering clients; -o is a folder")
    verb.add_argument("--most", type=positive, default=32, metavar="N", help="with --serve: sessions at a time (32)")
    verb.add_argument("--prep", type=Path, metavar="FOLDER", help="files of `ppc deal --count`, in place of --dealer")
    verb.add_argument("--trust", action="append", metavar="NAME", help="with --prep: the dealer's name, as it says it")
    verb.add_argument("--ledger", type=Path, metavar="FOLDER", help="of what was used (~/.local/state/ppc)")
    input_of(verb)
    weights_of(verb)
    shares_of(verb)
    signals_of(verb)
    verb.add_argument(
        "-o", dest="output", type=Path, metavar="FILE", help=".npz or .csv with the results; of a model .safetensors"
    )
    test_of(verb)
    training_of(verb)
    verb.add_argument("--leave", type=Path, metavar="FILE.shares", help="this party's part of a model kept shared")
    device_verb.options(verb)
    _waiting(verb)
    _role(verb)


def _deal(verbs: Verbs) -> None:
    verb = verb_of(verbs, "deal", deal_verb.deal, "be the dealer: live, or into files; or `deal status`")
    verb.add_argument("bundle", type=Path, nargs="+", metavar="BUNDLE | status FOLDER", help="of `ppc compile -o`")
    verb.add_argument("--listen", type=_dealers, metavar="HOST:PORT", help="where it listens (everywhere, port 7441)")
    verb.add_argument("--once", action="store_true", help="end after one run")
    verb.add_argument("--most", type=positive, default=8, metavar="N", help="runs at a time (8)")
    idle = "in which a party takes nothing that waits for it (600; 60 once the dealer is told to end)"
    verb.add_argument("--idle", type=seconds, default=600.0, metavar="S", help=idle)
    verb.add_argument("--count", type=positive, metavar="N", help="make files for N runs, and do not listen")
    verb.add_argument("--examples", type=positive, metavar="N", help="of each run, for --count (one full batch)")
    verb.add_argument("--tests", type=positive, metavar="N", help="that a training is measured with, for --count")
    verb.add_argument("--days", type=days, default=30.0, metavar="N", help="until files expire (30)")
    verb.add_argument(
        "-o", dest="output", type=Path, metavar="FOLDER", help="for --count: gets client/ and server/ (prep)"
    )
    verb.add_argument("--key", type=Path, metavar="FILE", help="that signs files (~/.config/ppc/dealer.key)")
    verb.add_argument("--ledger", type=Path, metavar="FOLDER", help="for status: a party's (~/.local/state/ppc)")
    verb.add_argument("--sweep", action="store_true", help="for status: delete what was used or has expired")
    weights_of(verb)
    verb.set_defaults(input=None, signals=None)
    _role(verb)


def _doctor(verbs: Verbs) -> None:
    verb = verb_of(verbs, "doctor", doctor_verb.doctor, "look whether a run would come about, here and with the others")
    verb.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="the folder that `ppc compile -o` wrote")
    verb.add_argument("--role", metavar="client | server | NAME", help="which party this is")
    way = verb.add_mutually_exclusive_group()
    way.add_argument("--peer", type=_address, metavar="HOST:PORT", help="where the other side's doctor listens")
    way.add_argument("--listen", type=_address, metavar="HOST:PORT", help="be the doctor that is asked")
    verb.add_argument("--dealer", type=_dealers, metavar="HOST:PORT", help="where the dealer's doctor listens")
    verb.add_argument("--certificates", type=Path, metavar="FOLDER", help="of `ppc cert` (~/.config/ppc/certificates)")
    verb.add_argument("--patience", type=seconds, default=60.0, metavar="S", help="until the other one is started (60)")
    verb.add_argument("--insecure-local", action="store_true", help="for a test: others may be on this machine")
    json_of(verb)
