"""A toy: 36 numbers, two classes, a net of 36-64-64-64-2 with a complement, well trained."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ppc.audit.splits import Victim
from ppc.compiled import Compiled
from ppc.compiler import compile_program
from ppc.ir.graph import Graph
from ppc.learning.network import Tensors
from ppc.retraining import Lesson, Recipe, Signals, Subject, train

PROGRAM = """
party clinic, lab

model toy(facts: real[36] in 0..1) -> real[2] {
    dense(64)
    relu
    dense(64)
    relu
    dense(64)
    relu
    dense(2)
}

private toy {
    facts   from clinic
    weights from lab in -4..4
    result  to   clinic
    split at K
    complement at 1
    server clear
}

private toy as joined {
    facts   from clinic
    weights from lab in -4..4
    result  to   clinic
    complement at 1
    joint
}
"""


def facts(count: int, seed: int = 7) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two groups that overlap a little, along a direction that has a bend."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(2, size=count)
    hidden = draws.normal(size=(count, 12))
    hidden[:, 0] += 2.4 * (2 * labels - 1)
    mixing = np.random.default_rng(1).normal(size=(12, 36)) / 3.5
    values = hidden @ mixing + 0.15 * draws.normal(size=(count, 36))
    return np.clip(0.5 + 0.22 * values, 0.0, 1.0).astype(np.float32), labels


def compiled(layer: int, as_: str = "toy", batch: int = 1) -> Compiled:
    return compile_program(PROGRAM.replace("split at K", f"split at {layer}"), as_=as_, batch=batch)


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
