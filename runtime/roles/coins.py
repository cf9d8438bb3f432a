"""Coins that everybody may see: which values a dropout drops in an iteration.

They follow from the plan and the iteration alone, so both parties and the dealer draw the same without a message, and a
training that goes on from a checkpoint draws what it would have drawn. That they are known tells nothing of any value:
a mask is drawn before the numbers that it is laid on.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from ppc.plan.steps import Step
from ppc.runtime.kernels import CipherStream
from ppc.runtime.keys import KEY_BYTES

MASK = "mask"


def dropout_mask(step: Step, artifact: str, iteration: int) -> NDArray[np.float64]:
    """0 where a value is dropped and 1/(1 - rate) where it stays: the larger end of the bounds, as torch has it."""
    kept = step.wire.bounds.high if step.wire.bounds else 1.0
    words = np.empty(step.wire.size, np.uint64)
    purpose = f"ppc/v1|dropout|{artifact}|{step.name}|{iteration}"
    CipherStream(sha256(purpose.encode()).digest()[:KEY_BYTES]).fill(words)
    stays = np.ldexp((words >> np.uint64(11)).astype(np.float64), -53) * kept < 1.0
    return np.where(stays, kept, 0.0).reshape(step.wire.shape)
