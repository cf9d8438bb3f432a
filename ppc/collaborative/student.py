"""What votes are taken for: labels with what they cost, and a student that learns from them. What it does with them
costs no privacy any more."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.collaborative.host import Host
from ppc.collaborative.privacy import estimated, statement
from ppc.collaborative.worker import Worker
from ppc.ir.collaborative import Collaborative, Pate
from ppc.learning import Network
from ppc.learning.network import Tensors


def by_counts(pate: Pate, host: Host, asked: int, classes: int) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """The class that most workers name, with noise, of each example; and what that costs. Of equal counts the first."""
    counts, times = host.counts(pate, asked, classes)
    cost = statement(pate, asked, times, len(host.there))
    return counts.argmax(1), {**cost, "estimate_from_the_counts": estimated(pate, counts)}


def taught(
    facts: Collaborative, network: Network, images: Tensor, classes: NDArray[np.int64], first: Tensors, seed: int = 0
) -> Worker:
    """Like a worker that is alone: the same rate, batch and loss, and as many epochs, at the student's own weights."""
    student = Worker(0, facts, network, images, torch.from_numpy(classes), first, seed)
    for _ in range(facts.epochs * student.rounds):
        student.ahead()
        student.step(None)
    student.check_numbers()
    return student
