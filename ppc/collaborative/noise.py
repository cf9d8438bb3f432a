"""Noise that nobody knows alone: each worker adds a share of it to its votes before they are split.

Gaussian: K shares of variance s²/K each, rounded to integers, add up to variance s² + K/12, a little more than what is
accounted for (the sum of rounded Gaussians is not exactly a discrete Gaussian; the rounding is of the workers' own
counts, before anything is opened, and so only processes what is private already on a finer grid). A grid of 2^-16 votes
keeps that excess below 1e-8.
Laplace of scale b: the difference of two sums of K Gamma(1/K, b) variables (infinite divisibility; Goryczka and Xiong).
Coins come from the operating system; a worker that adds none leaves the others' noise, which is smaller by its share.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ppc.coins import SystemCoins
from ppc.ir.collaborative import GRID


def noise_share(
    kind: Literal["gaussian", "laplace"], amount: float, workers: int, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """One worker's part of the noise, on the grid."""
    coins = SystemCoins()
    if kind == "gaussian":
        drawn = coins.normal(0.0, amount / workers**0.5, shape)
    else:
        drawn = coins.gamma(1 / workers, amount, shape) - coins.gamma(1 / workers, amount, shape)
    return np.rint(drawn * 2**GRID).astype(np.int64)
