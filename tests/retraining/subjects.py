"""A small net, an old model of it, and data that it can learn."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ppc.compiler import compile_program
from ppc.ir.graph import Graph
from ppc.retraining import Lesson, Old, Recipe, Subject, train

PROGRAM = """
party clinic, lab

model small(image: real[1, 6, 6] in 0..1) -> real[{classes}] {{
    conv2d(6, kernel=3, padding=same)
    batch_norm
    relu
    conv2d(6, kernel=3)
    relu
    dense(16)
    relu
    dropout(10%)
    dense({classes})
}}

private small {{
    image   from clinic
    weights from lab
    result  to   clinic
    {facts}
}}
"""
RECIPE = Recipe(rate=0.1, batch=16, epochs=3, momentum=0.9, weight_decay=1e-4, seed=5)


def graph(*facts: str, classes: int = 3, batch: int = 1) -> Graph:
    """The model as its weights file has it, under the given lines."""
    compiled = compile_program(PROGRAM.format(classes=classes, facts="\n".join(facts)), batch=batch)
    names = [step.name for step in compiled.steps]
    return compiled.steps[names.index("prepare-inference") - 1].graph


def lesson(count: int = 240, classes: int = 3) -> Lesson:
    """A bright row tells the class."""
    draws = np.random.default_rng(3)
    labels = draws.integers(classes, size=count)
    images = draws.uniform(0.0, 0.4, (count, 1, 6, 6))
    images[np.arange(count), 0, 2 * labels] += 0.5
    return Lesson.of(images, labels)


@cache
def old() -> Old:
    """A model without a signal, trained."""
    done = train(Subject(graph("split at 1", "server clear")), lesson(), RECIPE)
    return Old({name: tensor.numpy() for name, tensor in done.weights.items()})


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
