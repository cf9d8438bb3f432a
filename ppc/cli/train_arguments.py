"""What the verb train takes: what all trainers share, and behind it what each of them adds."""

from __future__ import annotations

from pathlib import Path

from ppc.cli import train_verb
from ppc.cli.options import Verbs, json_of, loud_of, program_of, test_of, verb_of, weights_of


def add(verbs: Verbs) -> None:
    verb = verb_of(verbs, "train", train_verb.train, "train a model as its train block says")
    program_of(verb, train=False)
    verb.add_argument("--data", type=Path, metavar="DATA", help="labelled examples: a .npz, or a set of images")
    test_of(verb)
    weights_of(verb)
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE", help="the trained weights, as .safetensors")
    loud_of(verb)
    json_of(verb)
    for trainer in train_verb.TRAINERS.values():
        if trainer.options is not None:
            trainer.options(verb)
