"""A student learns from the labelled examples. What it does with them costs no privacy any more."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.collaborative.worker import Worker
from ppc.ir.collaborative import Collaborative
from ppc.learning import Network
from ppc.learning.network import Tensors


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
