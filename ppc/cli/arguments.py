"""The command line, verb by verb. What a verb does lives in the modules `…_verbs` beside this one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ppc import __version__
from ppc.cli import (
    audit_arguments,
    bill_verbs,
    bundle_verbs,
    calibrate_verb,
    cert_verbs,
    data_verb,
    diff_verb,
    key_verb,
    model_verbs,
    role_arguments,
    source_verbs,
    trace_verb,
    train_arguments,
)
from ppc.cli.options import (
    Verbs,
    blocks_of,
    json_of,
    level_of,
    positive,
    program_of,
    shares_of,
    signals_of,
    training_of,
    verb_of,
    weights_of,
)

if TYPE_CHECKING:
    from ppc.bill.network import Profile


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
    _calibrate(verbs)
    _diff(verbs)
    role_arguments.add(verbs)
    trace_verb.add(verbs)
    train_arguments.add(verbs)
    audit_arguments.add(verbs)
    _weights(verbs)
    _import(verbs)
    _data(verbs)
    _cert(verbs)
    key_verb.add(verbs)
    return top


def _check(verbs: Verbs) -> None:
    verb = verb_of(verbs, "check", source_verbs.check, "look for every mistake of a program")
    verb.add_argument("programs", type=Path, nargs="+", metavar="MODEL.pnn")
    json_of(verb)


def _fmt(verbs: Verbs) -> None:
    verb = verb_of(verbs, "fmt", source_verbs.fmt, "lay out programs in the one way; `-` reads and prints")
    verb.add_argument("programs", nargs="+", metavar="MODEL.pnn")
    verb.add_argument("--check", action="store_true", help="change nothing; exit 1 if something would change")


def _compile(verbs: Verbs) -> None:
    verb = verb_of(verbs, "compile", source_verbs.compile_, "compile a program and show any of its stages")
    program_of(verb, train=False)
    training_of(verb, several=True)
    verb.add_argument("--emit", choices=("ast", "graph", "dot", "plan"), help="what to print (graph)")
    verb.add_argument("--engine", choices=("flower",), help="an app of another engine, from a `train … by selective`")
    shares_of(verb)
    level_of(verb)
    verb.add_argument("--after", metavar="PASS", help="the graph or plan after this pass; `source` is before all")
    verb.add_argument("--print-after-all", action="store_true", help="print it after every pass")
    weights_of(verb)
    verb.add_argument("--time-passes", action="store_true", help="print how long each pass took, to stderr")
    verb.add_argument(
        "-o",
        dest="output",
        metavar="FILE | FOLDER/",
        help="write here; a name without ending is a folder and takes the bundles",
    )
    json_of(verb)


def _bundle(verbs: Verbs) -> None:
    verb = verb_of(verbs, "bundle", bundle_verbs.bundle, "show or verify the bundles that compile wrote")
    verb.add_argument("action", choices=("show", "verify"))
    verb.add_argument("folder", type=Path, metavar="FOLDER", help="of a program, or of one of its roles")
    json_of(verb)


def _graph(verbs: Verbs) -> None:
    verb = verb_of(verbs, "graph", source_verbs.graph, "draw a program: who computes what, and what is opened")
    program_of(verb)
    verb.add_argument("--after", metavar="PASS", help="draw the graph after this pass")
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE.svg", required=True, help="a .svg or .dot file")


def _explain(verbs: Verbs) -> None:
    verb = verb_of(verbs, "explain", bill_verbs.explain, "what a program costs and shows, or what an error code means")
    verb.add_argument("subject", nargs="?", metavar="MODEL.pnn | CODE", help="none lists the codes")
    blocks_of(verb)
    training_of(verb, several=True)
    level_of(verb)
    verb.add_argument("--net", type=_network, metavar="NET", help="lan, wan, here, or as in rtt=40ms,bw=100M")
    verb.add_argument("--machine", type=Path, metavar="FILE", help="of `ppc calibrate` (that of this machine)")
    verb.add_argument("--leak", action="store_true", help="what each party sees, in place of the costs")
    verb.add_argument("--check", type=Path, metavar="FILE", help="fail if more is revealed than this contract says")
    verb.add_argument("--save", type=Path, metavar="FILE", help="write the contract here")
    _every_cut(verb)
    json_of(verb)


def _every_cut(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("for --split all")
    group.add_argument("--split", choices=("all",), help="every place where the model can be cut, side by side")
    group.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw the cuts that no other one beats")
    group.add_argument("--weights", type=Path, metavar="FILE", help="of the model without a signal (drawn)")
    group.add_argument("--data", type=Path, metavar="DATA", help="train each cut on these, as the train block says")
    group.add_argument("--seed", type=int, metavar="N", help="of that training")
    signals_of(group)


def _calibrate(verbs: Verbs) -> None:
    verb = verb_of(verbs, "calibrate", calibrate_verb.calibrate, "measure this machine, for the times of explain")
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE", help="(~/.config/ppc/machine.json)")
    json_of(verb)


def _network(text: str) -> Profile:
    from ppc.bill.network import profile

    try:
        return profile(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _diff(verbs: Verbs) -> None:
    verb = verb_of(verbs, "diff", diff_verb.diff, "compare fixed point with float, value by value")
    program_of(verb)
    level_of(verb)
    verb.add_argument("--input", type=Path, metavar="FILE", help="a .npz with the inputs, or one .npy (drawn)")
    verb.add_argument("--weights", type=Path, metavar="FILE", help=".safetensors, .npz, or a torch state_dict (drawn)")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (0)")
    verb.add_argument("--tolerance", type=float, metavar="X", help="in place of the compiler's own bound")
    json_of(verb)


def _weights(verbs: Verbs) -> None:
    verb = verb_of(verbs, "weights", model_verbs.weights, "list, make, convert or fold a model's weights")
    verb.add_argument("action", choices=("list", "init", "export", "fold"))
    program_of(verb, train=False)
    verb.add_argument("file", type=Path, nargs="?", metavar="WEIGHTS", help="not for init; may be left out for list")
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE", help=".safetensors or .npz")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="for init")
    json_of(verb)


def _import(verbs: Verbs) -> None:
    verb = verb_of(verbs, "import", model_verbs.import_, "write a program from an ONNX file or a torch module")
    verb.add_argument("origin", metavar="MODEL.onnx | package.module:function")
    verb.add_argument("-o", dest="output", type=Path, metavar="MODEL.pnn", help="(the model's name, with .pnn)")
    verb.add_argument("--input", metavar="SHAPE", help="the input of a torch module, as in 1,28,28")
    verb.add_argument("--bounds", default="0..1", metavar="LOW..HIGH", help="between what the input lies (0..1)")
    json_of(verb)


def _data(verbs: Verbs) -> None:
    verb = verb_of(verbs, "data", data_verb.data, "show a set of images, or write it as a .npz")
    verb.add_argument("action", choices=("show", "make"))
    verb.add_argument("source", metavar="DATA", help="a file, a folder, or built in: digits28:60000,seed=1,part=train")
    verb.add_argument("--examples", type=positive, metavar="N", help="no more than the first N")
    verb.add_argument("--yuv", metavar="INPUT", help="for make: colours as normalised YUV, for this input")
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE.npz", help="for make")
    json_of(verb)


def _cert(verbs: Verbs) -> None:
    verb = verb_of(verbs, "cert", cert_verbs.cert, "make, show, pin, renew or revoke the certificates of parties")
    verb.add_argument("action", choices=("new", "show", "pin", "renew", "revoke"))
    verb.add_argument("what", nargs="?", metavar="PARTY | FILE | FINGERPRINT", help="for new, pin and revoke")
    verb.add_argument("--folder", type=Path, metavar="FOLDER", help="a party's folder (~/.config/ppc/certificates)")
    verb.add_argument("--role", choices=("client", "server", "dealer", "participant", "aggregator"), help="for new")
    verb.add_argument("--days", type=positive, default=365, metavar="N", help="how long it is good (365)")
    verb.add_argument("--fingerprint", metavar="HEX", help="for pin: only if the file has this one")
    json_of(verb)
