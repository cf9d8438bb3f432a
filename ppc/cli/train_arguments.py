"""What the verb train takes: what all trainers share, and behind it what each of them adds."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ppc.cli import train_verb
from ppc.cli.options import Verbs, json_of, loud_of, program_of, test_of, verb_of, weights_of


class _Data(argparse.Action):
    """Named once, or for each of several data owners; one alone is what all other trainers take."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - as argparse calls it
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        namespace.data = values
        namespace.all_data = [*(getattr(namespace, "all_data", None) or []), values]


def add(verbs: Verbs) -> None:
    verb = verb_of(verbs, "train", train_verb.train, "train a model as its train block says")
    program_of(verb, train=False)
    data = "labelled examples: a .npz, or a set of images; of several data owners NAME=DATA for each"
    verb.add_argument("--data", type=Path, action=_Data, metavar="DATA", help=data)
    verb.set_defaults(all_data=None)
    test_of(verb)
    weights_of(verb)
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE", help="the trained weights, as .safetensors")
    loud_of(verb)
    json_of(verb)
    for trainer in train_verb.TRAINERS.values():
        if trainer.options is not None:
            trainer.options(verb)
