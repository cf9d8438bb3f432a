"""Noise on what a participant sends, drawn from coins that nobody can foresee.

Gaussian: the update is bounded in length by C; of coordinates chosen without looking at them, the values get noise of
deviation a·C. Sparse vector: Shokri and Shmatikov 2015, figure 10, with the constants of Dwork and Roth 2014, algorithm
3 (delta 0): coordinates are asked in a random order whether their noisy size passes a noisy threshold; those that do
are sent with fresh noise, until so many are sent. 8/9 of an upload's epsilon pay for the questions, 1/9 for the values.

The low digits of a float tell of the number below the noise (Mironov 2012): what is sent is rounded to a grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppc.coins import Coins
from ppc.ir.selective import Selective

GRID = 2.0**-12  # of the bound; far below any noise that is worth adding
QUESTIONS, VALUES = 8 / 9, 2 / 9

Chosen = tuple[NDArray[np.uint32], NDArray[np.float32]]


def gaussian(facts: Selective, values: NDArray[np.float32], coins: Coins) -> NDArray[np.float32]:
    """Values of a clipped update, at places that were drawn blindly."""
    assert facts.clip is not None
    bound = facts.clip.bound
    return _on_grid(values + coins.normal(0.0, facts.noise.amount * bound, len(values)), bound)


def sparse_vector(facts: Selective, update: NDArray[np.float32], coins: Coins) -> Chosen:
    """Those above the threshold, with noise on both; fewer than are uploaded, if few are."""
    assert facts.clip is not None
    bound, most = facts.clip.bound, facts.uploaded(len(update))
    order = coins.permutation(len(update))
    asked = scale(facts, most, QUESTIONS)
    heights = np.abs(update[order]) + coins.laplace(0.0, 2 * asked, len(order))
    levels = (facts.upload.above + coins.laplace(0.0, asked, most)).tolist()
    found: list[int] = []
    for place, height in zip(order.tolist(), heights.tolist(), strict=True):
        if height >= levels[len(found)]:
            found.append(place)
            if len(found) == most:
                break
    places = np.array(sorted(found), np.uint32)
    values = update[places] + coins.laplace(0.0, scale(facts, most, VALUES), len(places))
    return places, _on_grid(np.clip(values, -bound, bound), bound)


def scale(facts: Selective, most: int, share: float) -> float:
    """2c/ε times the sensitivity: a coordinate within ±C moves by 2C at most."""
    assert facts.clip is not None
    return 2 * most * 2 * facts.clip.bound / (share * facts.noise.amount)


def _on_grid(values: NDArray[np.float64], bound: float) -> NDArray[np.float32]:
    step = bound * GRID
    return (np.rint(values / step) * step).astype(np.float32)
