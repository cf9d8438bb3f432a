"""What the workers' noisy votes are worth: a student's accuracy beside the epsilon that its labels cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TypedDict

import numpy as np

from bench.collaborative_workers import PROGRAM, Setting, epochs
from ppc import compiler
from ppc.collaborative import Worker, certified, from_votes, label
from ppc.collaborative.student import taught
from ppc.ir.collaborative import Pate
from ppc.selective.members import labelled

WORKERS = (10, 25, 50, 100)
SIGMAS = (0.0, 2.0, 4.0, 8.0, 16.0, 32.0)
QUERIES, DELTA = 200, 1e-5
PUBLIC = f"digits28:{QUERIES},seed=3,part=test"
SETTING = Setting(
    side=28,
    data="digits28:10000,seed=1,part=train",
    test="digits28:2000,seed=2,part=test",
    epochs=15,
    batch=8,
    share=100,
)


class Row(TypedDict):
    """One student. Without noise both epsilons are infinite, which is None here."""

    workers: int
    each: int  # images of a worker
    sigma: float
    epsilon: float | None  # certified
    from_votes: float | None  # of the workers' own counts: not for publishing
    worker: float  # accuracy of the workers on the public images, their mean
    labels: float  # of the labels, how many are right
    student: float  # accuracy on the test images


def rows(workers: int, seed: int) -> Iterator[Row]:
    """The workers learn once, and label the same images with each noise."""
    facts = SETTING.facts(workers)
    group = SETTING.group(facts, seed)
    for _ in epochs(facts, group):
        pass
    for sigma in SIGMAS:
        yield _student(group, sigma, seed)


def pate(sigma: float) -> Pate:
    """The example's block, with the noise, queries and delta of the table."""
    found = next(iter(compiler.labels_of(PROGRAM)))
    return replace(found, amount=sigma, queries=QUERIES, delta=DELTA, budget=None)


def _student(group: list[Worker], sigma: float, seed: int) -> Row:
    facts, network, asked = group[0].facts, group[0].network, pate(sigma)
    images, truth = labelled(Path(PUBLIC), network)
    made = label(asked, group, images)
    votes = np.stack([worker.votes(images) for worker in group])
    student = taught(facts, network, images, made.classes, network.initial(seed + 500), seed)
    return Row(
        workers=len(group),
        each=SETTING.each(len(group)),
        sigma=sigma,
        epsilon=_finite(certified(asked)),
        from_votes=_finite(from_votes(asked, list(votes.sum(0)))),
        worker=float((votes.argmax(2) == truth.numpy()).mean()),
        labels=float((made.classes == truth.numpy()).mean()),
        student=student.accuracy(*SETTING.tests),
    )


def _finite(epsilon: float) -> float | None:
    return None if epsilon == inf else epsilon
