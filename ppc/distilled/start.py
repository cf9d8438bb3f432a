"""First weights: what a key makes of a network, in whole numbers up to the last step, which is exact.

A weight is k · S with k a Gaussian draw and S = spread / √inputs, both whole numbers; inputs are what one result of the
layer is summed over. A bias has the law of its layer's weights; what a batch norm has begins as it does everywhere. The
whole number is the weight in units of 2^-26, and float32 is what it is rounded to: IEEE 754 leaves no choice there, so
that the bits are the same on every machine.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256
from math import isqrt, prod

import numpy as np

from ppc.distilled.gaussian import STEP_BITS, Whole, gaussian
from ppc.distilled.secret import Key
from ppc.distilled.target import Target
from ppc.weights import Array, Parameter, Weights, expected

UNIT_BITS = 26  # of a weight
_SCALE_BITS = 40  # of S
_SPREAD_BITS = 16
CONSTANT = {"scale": 1.0, "shift": 0.0, "mean": 0.0, "variance": 1.0}


def first_weights(key: Key, target: Target) -> Weights:
    """float32 weights of a network; each array has a stream of its own."""
    parameters = expected(target.typed(1))
    inputs = {parameter.layer: prod(parameter.shape[1:]) for parameter in parameters if parameter.role == "weight"}
    tag = target.architecture
    return {
        parameter.name: _drawn(key, f"weights|{tag}|{place}", parameter, inputs.get(parameter.layer, 1), target.spread)
        for place, parameter in enumerate(parameters)
    }


def _drawn(key: Key, purpose: str, parameter: Parameter, inputs: int, spread: float) -> Array:
    if parameter.role in CONSTANT:
        return np.full(parameter.shape, CONSTANT[parameter.role], np.float32)
    draws = gaussian(key.words(purpose, parameter.count))
    return as_weights(draws, inputs, spread).reshape(parameter.shape)


def as_weights(draws: Whole, inputs: int, spread: float) -> Array:
    """Draws times the deviation of a layer, rounded to float32 once."""
    size = round(spread * 2**_SPREAD_BITS)
    deviation = isqrt((size * size << 2 * (_SCALE_BITS - _SPREAD_BITS)) // inputs)
    whole = draws * np.int64(deviation) >> np.int64(_SCALE_BITS + STEP_BITS - UNIT_BITS)
    return np.ldexp(whole.astype(np.float64), -UNIT_BITS).astype(np.float32)


def fingerprint(weights: Iterable[Array]) -> str:
    """Of first weights, in the order of the network: what a package carries of them."""
    digest = sha256(b"ppc/distilled/v1|first weights")
    for values in weights:
        digest.update(f"|{values.shape}|".encode())
        digest.update(np.ascontiguousarray(values, "<f4").tobytes())
    return digest.hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two fingerprints agree."""
    return hmac.compare_digest(one, other)
