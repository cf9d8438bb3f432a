"""Options that several verbs have, and what their values may be."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import nan
from pathlib import Path
from typing import TypeAlias

Run = Callable[[argparse.Namespace], int]
# argparse gives the thing that makes verbs no public name
Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]


def verb_of(verbs: Verbs, name: str, run: Run, help_: str) -> argparse.ArgumentParser:
    made = verbs.add_parser(name, help=help_, description=help_)
    made.set_defaults(run=run)
    return made


def json_of(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print for a machine")


def program_of(verb: argparse.ArgumentParser, *, train: bool = True) -> None:
    """The program, and which of its blocks to follow."""
    verb.add_argument("program", type=Path, metavar="MODEL.pnn")
    blocks_of(verb)
    if train:
        training_of(verb)


def blocks_of(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--model", metavar="NAME", help="the model to take, where the program has several")
    verb.add_argument("--as", dest="as_", metavar="NAME", help="the private block to follow")


def training_of(verb: argparse.ArgumentParser, *, several: bool = False) -> None:
    verb.add_argument("--train", action="store_true", help="take one training step in place of inference")
    if several:
        verb.add_argument("--batch", dest="batches", type=sizes, default=(), metavar="N,N…", help="examples at a time")
    else:
        verb.add_argument("--batch", type=positive, metavar="N", help="examples at a time")


def sizes(text: str) -> tuple[int, ...]:
    from ppc.bundle.manifest import MOST_BATCHES

    found = tuple(sorted({positive(part) for part in text.split(",")}))
    if len(found) > MOST_BATCHES:
        raise argparse.ArgumentTypeError(f"at most {MOST_BATCHES} sizes")
    return found


def positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be 1 to 1000000")
    return number


def natural(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be 0 to 1000000")
    return number


def seconds(text: str) -> float:
    """To wait: the system's clocks take no more than 24 days at a time."""
    return _between(text, 1_000_000, "seconds")


def days(text: str) -> float:
    return _between(text, 36_500, "days")


def _between(text: str, most: int, unit: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not 0 < number <= most:
        raise argparse.ArgumentTypeError(f"must be a number of {unit} above 0 and at most {most}")
    return number


def level_of(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-O", dest="level", type=int, choices=(0, 1, 2), default=2, help="how a plan is carried out (2)")


def input_of(verb: argparse.ArgumentParser, *, none: str = "") -> None:
    """`none` says what there is without it."""
    kinds = "a .npz with an array for each input, one .npy, or a set of images, as `ppc data show` takes it"
    verb.add_argument("--input", type=Path, metavar="DATA", help=f"{kinds}; {none}" if none else kinds)
    verb.add_argument("--examples", type=positive, metavar="N", help="no more than the first N of them")


def weights_of(verb: argparse.ArgumentParser) -> None:
    source = verb.add_mutually_exclusive_group()
    source.add_argument("--weights", type=Path, metavar="FILE", help=".safetensors, .npz, or a torch state_dict")
    source.add_argument("--seed", type=int, metavar="N", help="seeded weights of an untrained model")


def signals_of(verb: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:  # pyright: ignore[reportPrivateUsage]
    verb.add_argument("--signals", metavar="DATA", help="pictures that show the signal of `complement picture`")


def shares_of(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--shares", type=Path, metavar="FILE.shares", help="begin with weights that a training left so")


def test_of(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--test", type=Path, metavar="DATA", help="labelled examples on which a training is measured")


def loud_of(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-q", "--quiet", action="store_true", help="the result and nothing else")
    verb.add_argument("-v", "--verbose", action="store_true", help="what is done, step by step")
