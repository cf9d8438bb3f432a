"""Losses as integers that can be shared: so many digits behind the point, and none that the sum could not hold."""

from __future__ import annotations

import numpy as np

from ppc.errors import fail
from ppc.field import MERSENNE61
from ppc.sharing import centred

FRACTION = 20  # binary digits of a loss behind the point


def encoded_loss(loss: float, workers: int) -> int:
    """A loss as an integer, if the sum of so many as large can be told from a negative one."""
    if not np.isfinite(loss):
        raise fail("PPC681", "A worker's loss is no number.", hint="A smaller rate keeps a training from diverging.")
    scaled = round(loss * 2**FRACTION)
    if abs(scaled) * workers > MERSENNE61.largest:
        # Without its value: on Flower the server is told why a worker does not answer.
        raise fail("PPC681", "A worker's loss is too large to be added.", hint="Use a smaller rate.")
    return scaled


def decoded_loss(total: int) -> float:
    return centred(total) / 2**FRACTION
