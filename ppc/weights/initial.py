"""Seeded weights for a model that has not been trained: as PyTorch draws them or as He has it, and the same on every
machine.

Each array has a generator of its own, seeded by the seed and the array's name: adding a layer leaves the others as
they were.
"""

from __future__ import annotations

import hashlib
from math import prod
from typing import Literal

import numpy as np

from ppc.ir.graph import Graph
from ppc.ir.types import Interval
from ppc.weights.expected import Array, Parameter, Weights, clipped, expected

Law = Literal["torch", "he"]
ROOM = 0.75  # of the bounds, where they are narrower than the law
CONSTANT_ROLES = {"scale": 1.0, "shift": 0.0, "mean": 0.0, "variance": 1.0}


def initial(graph: Graph, seed: int, law: Law = "torch") -> Weights:
    """float32 weights for a typed graph, within its declared bounds."""
    parameters = expected(graph)
    fans = {p.layer: prod(p.shape[1:]) for p in parameters if p.role == "weight"}
    return {
        p.name: clipped(_drawn(p, fans.get(p.layer, 1), seed, law), p.bounds, np.dtype(np.float32)) for p in parameters
    }


def _drawn(parameter: Parameter, fan_in: int, seed: int, law: Law) -> Array:
    """Kaiming-uniform with slope sqrt(5), PyTorch's default, is uniform within 1 / sqrt(fan_in); so is its bias.

    With it a layer with a ReLU hands on a sixth of the mean square of what it reads. He, Zhang, Ren and Sun (2015,
    section 2.2) keep it: uniform within sqrt(6 / fan_in), and no bias.
    """
    if parameter.role in CONSTANT_ROLES:
        return np.full(parameter.shape, CONSTANT_ROLES[parameter.role])
    limit = fan_in**-0.5
    if law == "he":
        limit *= 6**0.5 if parameter.role == "weight" else 0.0
    limit = _with_room(limit, parameter.bounds)
    return _generator(seed, parameter.name).uniform(-limit, limit, parameter.shape)


def _with_room(limit: float, bounds: Interval | None) -> float:
    """Within bounds that are narrower than the law, a quarter is left: what begins at its bound, the first step of a
    training on shares drives out of it."""
    if bounds is None or not bounds.low < 0.0 < bounds.high:
        return limit
    nearest = min(-bounds.low, bounds.high)
    return limit if limit <= nearest else ROOM * nearest


def _generator(seed: int, name: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest)))
