"""How well a model does with its signal at each cut: trained as its train block says, as `ppc train` would.

Without an old model one is trained first, so that layers in front of each cut can stay as it has them.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ppc.cli import model_verbs, train_clear
from ppc.cli.split_policies import signalled, uncut
from ppc.compiler import compile_program
from ppc.retraining import Old, Signals, Subject
from ppc.retraining.training import train


def accuracies(arguments: Namespace, layers: Sequence[int]) -> dict[int, float]:
    """Of answers taken back by their signals, on examples held out, by cut."""
    asked = Namespace(
        **{
            **vars(arguments),
            "program": Path(arguments.subject),
            "order": None,
            "holdout": 0.2,
            "stop_after": 0,
            "start": "old",
            "quiet": True,
        }
    )
    old, trained = _old(asked), dict[int, float]()
    return {layer: _accuracy(asked, layer, old, trained) for layer in layers}


def _old(asked: Namespace) -> Old:
    """The one that is named, or one that is trained without a signal."""
    compiled = compile_program(asked.program, model=asked.model, as_=asked.as_, change=uncut)
    found = train_clear.old_of(asked, compiled)
    if found is not None:
        return replace(found, start=True)
    subject, recipe = Subject(model_verbs.typed_graph(compiled)), train_clear.recipe_of(asked)
    done = train(subject, train_clear.lesson_of(asked, subject), recipe)
    return Old({name: tensor.numpy() for name, tensor in done.weights.items()}, start=True)


def _accuracy(asked: Namespace, layer: int, old: Old, trained: dict[int, float]) -> float:
    """Of a cut; `trained` are the accuracies by the layer that the signal joins, on which alone they depend."""
    change = partial(signalled, layer=layer)
    compiled = compile_program(asked.program, model=asked.model, as_=asked.as_, change=change)
    graph = model_verbs.typed_graph(compiled)
    subject = Subject(graph, old)
    if subject.joined not in trained:
        signals = Signals.of(graph, train_clear.pictures_of(asked, graph))
        done = train(subject, train_clear.lesson_of(asked, subject), train_clear.recipe_of(asked), signals=signals)
        trained[subject.joined] = done.accuracy
    return trained[subject.joined]
