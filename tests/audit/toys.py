"""The toy of `examples/toy.pnn`, well trained: 36 numbers, two classes, a net of 36-64-64-64-2 with a complement."""

from __future__ import annotations

from functools import cache

import torch

from bench.split_toy import facts
from ppc.audit.splits import Victim
from ppc.compiled import Compiled
from ppc.compiler import compile_program
from ppc.ir.graph import Graph
from ppc.learning.network import Tensors
from ppc.retraining import Lesson, Recipe, Signals, Subject, train
from tests.sources import CHECKOUT

PROGRAM = (CHECKOUT / "examples" / "toy.pnn").read_text("utf-8")


def compiled(layer: int, as_: str = "toy", batch: int = 1) -> Compiled:
    return compile_program(
        PROGRAM.replace(
            "split at 1\n    complement at 1\n    server clear",
            f"split at {layer}\n    complement at 1\n    server clear",
        ),
        as_=as_,
        batch=batch,
    )


def typed(layer: int, as_: str = "toy") -> Graph:
    found = compiled(layer, as_)
    names = [step.name for step in found.steps]
    return found.steps[names.index("prepare-inference") - 1].graph


@cache
def weights() -> Tensors:
    """Of the model with its complement; where it is cut makes no difference to it."""
    graph = typed(1)
    images, labels = facts(3_000)
    recipe = Recipe(rate=0.05, batch=64, epochs=8, momentum=0.9, seed=1)
    return train(Subject(graph), Lesson.of(images, labels), recipe, signals=Signals.of(graph)).weights


def victim(layer: int, count: int = 1_000) -> Victim:
    images, labels = facts(count, seed=8)
    graph = typed(layer)
    return Victim(graph, weights(), torch.from_numpy(images), torch.from_numpy(labels), (f"relu{layer}",))
