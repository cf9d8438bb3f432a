"""The command line, verb by verb. What a verb does lives in the modules `…_verbs` beside this one."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ppc import __version__
from ppc.cli import (
    bill_verbs,
    bundle_verbs,
    cert_verbs,
    diff_verb,
    doctor_verb,
    model_verbs,
    role_verbs,
    run_verb,
    source_verbs,
)

if TYPE_CHECKING:
    from ppc.bill.network import Profile

Run = Callable[[argparse.Namespace], int]
# argparse gives the thing that makes verbs no public name
Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="ppc", description="Compile private neural networks.")
    top.add_argument("--version", action="version", version=f"ppc {__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    _check(verbs)
    _fmt(verbs)
    _compile(verbs)
    _bundle(verbs)
    _graph(verbs)
    _explain(verbs)
    _diff(verbs)
    _run(verbs)
    _party(verbs)
    _deal(verbs)
    _doctor(verbs)
    _weights(verbs)
    _import(verbs)
    _cert(verbs)
    return top


def _verb(verbs: Verbs, name: str, run: Run, help_: str) -> argparse.ArgumentParser:
    made = verbs.add_parser(name, help=help_, description=help_)
    made.set_defaults(run=run)
    return made


def _json(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print for a machine")


def _program(verb: argparse.ArgumentParser, *, train: bool = True) -> None:
    """The program, and which of its blocks to follow."""
    verb.add_argument("program", type=Path, metavar="MODEL.pnn")
    _blocks(verb)
    if train:
        _training(verb)


def _blocks(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--model", metavar="NAME", help="the model to take, where the program has several")
    verb.add_argument("--as", dest="as_", metavar="NAME", help="the private block to follow")


def _training(verb: argparse.ArgumentParser, *, several: bool = False) -> None:
    verb.add_argument("--train", action="store_true", help="take one training step in place of inference")
    if several:
        verb.add_argument("--batch", dest="batches", type=_sizes, default=(), metavar="N,N…", help="examples at a time")
    else:
        verb.add_argument("--batch", type=_positive, metavar="N", help="examples at a time")


def _sizes(text: str) -> tuple[int, ...]:
    from ppc.bundle.manifest import MOST_BATCHES

    found = tuple(sorted({_positive(part) for part in text.split(",")}))
    if len(found) > MOST_BATCHES:
        raise argparse.ArgumentTypeError(f"at most {MOST_BATCHES} sizes")
    return found


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be 1 to 1000000")
    return number


def _level(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-O", dest="level", type=int, choices=(0, 1, 2), default=2, help="how a plan is carried out (2)")


def _check(verbs: Verbs) -> None:
    verb = _verb(verbs, "check", source_verbs.check, "look for every mistake of a program")
    verb.add_argument("programs", type=Path, nargs="+", metavar="MODEL.pnn")
    _json(verb)


def _fmt(verbs: Verbs) -> None:
    verb = _verb(verbs, "fmt", source_verbs.fmt, "lay out programs in the one way; `-` reads and prints")
    verb.add_argument("programs", nargs="+", metavar="MODEL.pnn")
    verb.add_argument("--check", action="store_true", help="change nothing; exit 1 if something would change")


def _compile(verbs: Verbs) -> None:
    verb = _verb(verbs, "compile", source_verbs.compile_, "compile a program and show any of its stages")
    _program(verb, train=False)
    _training(verb, several=True)
    verb.add_argument("--emit", choices=("ast", "graph", "dot", "plan"), help="what to print (graph)")
    _level(verb)
    verb.add_argument("--after", metavar="PASS", help="the graph or plan after this pass; `source` is before all")
    verb.add_argument("--print-after-all", action="store_true", help="print it after every pass")
    verb.add_argument("--time-passes", action="store_true", help="print how long each pass took, to stderr")
    verb.add_argument("-o", dest="output", metavar="FILE | FOLDER/", help="write here; a folder takes the bundles")
    _json(verb)


def _bundle(verbs: Verbs) -> None:
    verb = _verb(verbs, "bundle", bundle_verbs.bundle, "show or verify the bundles that compile wrote")
    verb.add_argument("action", choices=("show", "verify"))
    verb.add_argument("folder", type=Path, metavar="FOLDER", help="of a program, or of one of its roles")
    _json(verb)


def _graph(verbs: Verbs) -> None:
    verb = _verb(verbs, "graph", source_verbs.graph, "draw a program: who computes what, and what is opened")
    _program(verb)
    verb.add_argument("--after", metavar="PASS", help="draw the graph after this pass")
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE.svg", required=True, help="a .svg or .dot file")


def _explain(verbs: Verbs) -> None:
    verb = _verb(verbs, "explain", bill_verbs.explain, "what a program costs and shows, or what an error code means")
    verb.add_argument("subject", nargs="?", metavar="MODEL.pnn | CODE", help="none lists the codes")
    _blocks(verb)
    _training(verb, several=True)
    _level(verb)
    verb.add_argument("--net", type=_network, metavar="NET", help="lan, wan, or as in rtt=40ms,bw=100M")
    verb.add_argument("--leak", action="store_true", help="what each party sees, in place of the costs")
    verb.add_argument("--check", type=Path, metavar="FILE", help="fail if more is revealed than this contract says")
    verb.add_argument("--save", type=Path, metavar="FILE", help="write the contract here")
    _json(verb)


def _network(text: str) -> Profile:
    from ppc.bill.network import profile

    try:
        return profile(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run(verbs: Verbs) -> None:
    verb = _verb(verbs, "run", run_verb.run, "run a model on this machine, all roles of it")
    _program(verb, train=False)
    verb.add_argument(
        "--mode",
        choices=("clear", "twin", "joint"),
        help="joint: client, server and dealer as processes here; twin: the same numbers without shares; clear: numpy "
        "(joint, where the program has a joint block)",
    )
    verb.add_argument("--batch", dest="batches", type=_sizes, default=(), metavar="N,N…", help="examples at a time")
    _level(verb)
    _weights_of(verb, required=True)
    verb.add_argument("--input", type=Path, required=True, metavar="FILE", help="a .npz with the inputs, or one .npy")
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE.npz", help="write the result here")
    verb.add_argument("--trace", type=Path, metavar="FILE.json", help="when what was done, for Perfetto")
    verb.add_argument("--threads", type=_positive, default=1, metavar="N", help="of each role, for computing (1)")
    _loud(verb)
    _json(verb)


def _weights_of(verb: argparse.ArgumentParser, *, required: bool = False) -> None:
    source = verb.add_mutually_exclusive_group(required=required)
    source.add_argument("--weights", type=Path, metavar="FILE", help=".safetensors, .npz, or a torch state_dict")
    source.add_argument("--seed", type=int, metavar="N", help="seeded weights of an untrained model")


def _loud(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-q", "--quiet", action="store_true", help="the result and nothing else")
    verb.add_argument("-v", "--verbose", action="store_true", help="what is done, step by step")


def _role(verb: argparse.ArgumentParser) -> None:
    """What all processes of a run on several machines take."""
    verb.add_argument("--certificates", type=Path, metavar="FOLDER", help="of `ppc cert` (~/.config/ppc/certificates)")
    verb.add_argument("--threads", type=_positive, default=1, metavar="N", help="for computing (1)")
    verb.add_argument("--trace", type=Path, metavar="FILE.json", help="when what was done, for Perfetto")
    _loud(verb)
    _json(verb)
    # of `ppc run`, which starts these verbs: words in and out are events, and spans go into a file for it
    verb.add_argument("--embedded", action="store_true", help=argparse.SUPPRESS)
    verb.add_argument("--traced", type=Path, help=argparse.SUPPRESS)


def _waiting(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--patience", type=float, default=60.0, metavar="S", help="until the others are started (60)")
    verb.add_argument("--idle", type=float, default=30.0, metavar="S", help="without a byte of a message (30)")
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
    verb = _verb(verbs, "party", role_verbs.party, "run one party of a bundle, with the others on their machines")
    verb.add_argument("role", metavar="client | server | NAME", help="which party this is")
    verb.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder that `ppc compile -o` wrote")
    verb.add_argument("--peer", type=_address, metavar="HOST:PORT", help="for the client: where the server listens")
    verb.add_argument(
        "--listen", type=_address, metavar="HOST:PORT", help="for the server: where it listens (port 7440)"
    )
    verb.add_argument("--dealer", type=_dealers, metavar="HOST:PORT", help="where the dealer listens")
    verb.add_argument("--serve", action="store_true", help="for the server: keep answering clients; -o is a folder")
    verb.add_argument("--most", type=_positive, default=32, metavar="N", help="with --serve: sessions at a time (32)")
    verb.add_argument("--prep", type=Path, metavar="FOLDER", help="files of `ppc deal --count`, in place of --dealer")
    verb.add_argument("--trust", action="append", metavar="NAME", help="with --prep: the dealer's name, as it says it")
    verb.add_argument("--ledger", type=Path, metavar="FOLDER", help="of what was used (~/.local/state/ppc)")
    verb.add_argument("--input", type=Path, metavar="FILE", help="a .npz with this party's examples, or one .npy")
    _weights_of(verb)
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE.npz", help="write this party's results here")
    _waiting(verb)
    _role(verb)


def _deal(verbs: Verbs) -> None:
    verb = _verb(verbs, "deal", role_verbs.deal, "be the dealer: live, or into files; or `deal status`")
    verb.add_argument("bundle", type=Path, nargs="+", metavar="BUNDLE | status FOLDER", help="of `ppc compile -o`")
    verb.add_argument("--listen", type=_dealers, metavar="HOST:PORT", help="where it listens (everywhere, port 7441)")
    verb.add_argument("--once", action="store_true", help="end after one run")
    verb.add_argument("--most", type=_positive, default=8, metavar="N", help="runs at a time (8)")
    verb.add_argument("--count", type=_positive, metavar="N", help="make files for N runs, and do not listen")
    verb.add_argument("--examples", type=_positive, metavar="N", help="of each run, for --count (one full batch)")
    verb.add_argument("--days", type=float, default=30.0, metavar="N", help="until files expire (30)")
    verb.add_argument("-o", dest="output", type=Path, metavar="FOLDER", help="for --count: gets client/ and server/")
    verb.add_argument("--key", type=Path, metavar="FILE", help="that signs files (~/.config/ppc/dealer.key)")
    verb.add_argument("--ledger", type=Path, metavar="FOLDER", help="for status: a party's (~/.local/state/ppc)")
    verb.add_argument("--sweep", action="store_true", help="for status: delete what was used or has expired")
    _weights_of(verb)
    verb.set_defaults(input=None)
    _role(verb)


def _doctor(verbs: Verbs) -> None:
    verb = _verb(verbs, "doctor", doctor_verb.doctor, "look whether a run would come about, here and with a peer")
    verb.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="the folder that `ppc compile -o` wrote")
    verb.add_argument("--role", metavar="client | server | NAME", help="which party this is")
    way = verb.add_mutually_exclusive_group()
    way.add_argument("--peer", type=_address, metavar="HOST:PORT", help="where the other side's doctor listens")
    way.add_argument("--listen", type=_address, metavar="HOST:PORT", help="be the doctor that is asked")
    verb.add_argument("--certificates", type=Path, metavar="FOLDER", help="of `ppc cert` (~/.config/ppc/certificates)")
    verb.add_argument("--patience", type=float, default=60.0, metavar="S", help="until the other one is started (60)")
    _json(verb)


def _diff(verbs: Verbs) -> None:
    verb = _verb(verbs, "diff", diff_verb.diff, "compare fixed point with float, value by value")
    _program(verb)
    _level(verb)
    verb.add_argument("--input", type=Path, metavar="FILE", help="a .npz with the inputs, or one .npy (drawn)")
    verb.add_argument("--weights", type=Path, metavar="FILE", help=".safetensors, .npz, or a torch state_dict (drawn)")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (0)")
    verb.add_argument("--tolerance", type=float, metavar="X", help="in place of the compiler's own bound")
    _json(verb)


def _weights(verbs: Verbs) -> None:
    verb = _verb(verbs, "weights", model_verbs.weights, "list, make, convert or fold a model's weights")
    verb.add_argument("action", choices=("list", "init", "export", "fold"))
    _program(verb, train=False)
    verb.add_argument("file", type=Path, nargs="?", metavar="WEIGHTS", help="not for init; may be left out for list")
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE", help=".safetensors or .npz")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="for init")
    _json(verb)


def _import(verbs: Verbs) -> None:
    verb = _verb(verbs, "import", model_verbs.import_, "write a program from an ONNX file or a torch module")
    verb.add_argument("origin", metavar="MODEL.onnx | package.module:function")
    verb.add_argument("-o", dest="output", type=Path, metavar="MODEL.pnn", help="(the model's name, with .pnn)")
    verb.add_argument("--input", metavar="SHAPE", help="the input of a torch module, as in 1,28,28")
    verb.add_argument("--bounds", default="0..1", metavar="LOW..HIGH", help="between what the input lies (0..1)")
    _json(verb)


def _cert(verbs: Verbs) -> None:
    verb = _verb(verbs, "cert", cert_verbs.cert, "make, show, pin, renew or revoke the certificates of parties")
    verb.add_argument("action", choices=("new", "show", "pin", "renew", "revoke"))
    verb.add_argument("what", nargs="?", metavar="PARTY | FILE | FINGERPRINT", help="for new, pin and revoke")
    verb.add_argument("--folder", type=Path, metavar="FOLDER", help="a party's folder (~/.config/ppc/certificates)")
    verb.add_argument("--role", choices=("client", "server", "dealer"), help="for new")
    verb.add_argument("--days", type=_positive, default=365, metavar="N", help="how long it is good (365)")
    verb.add_argument("--fingerprint", metavar="HEX", help="for pin: only if the file has this one")
    _json(verb)
