"""Exact sums of elements along axes: as products with ones. Called by linear steps; knows no step."""

from __future__ import annotations

from math import prod

import numpy as np

from ppc.field import Words, from_integers
from ppc.runtime.lazy import Local


def _ones(local: Local, *shape: int) -> Words:
    one = from_integers([1], local.field)
    return np.broadcast_to(one[0], local.field.shape(*shape)).copy()


def sum_to_channel(local: Local, x: Words) -> Words:
    """Over all axes but axis 1."""
    batch, channels, *rest = local.shape(x)
    if rest:
        sums = local.field.empty(batch, channels, 1)
        inner = prod(rest)
        local.bench.matmul(local.reshaped(x, (batch, channels, inner)), _ones(local, inner, 1), sums)
        x = local.reshaped(sums, (batch, channels))
    out = local.field.empty(1, channels)
    local.bench.matmul(_ones(local, 1, batch), x, out)
    return local.reshaped(out, (channels,))


def sum_rows(local: Local, x: Words) -> Words:
    """Over axis 1, which stays with size 1."""
    batch, width, *rest = local.shape(x)
    out = local.field.empty(batch, 1, prod(rest))
    local.bench.matmul(_ones(local, 1, width), local.reshaped(x, (batch, width, prod(rest))), out)
    return local.reshaped(out, (batch, 1, *rest))


def sum_all(local: Local, x: Words) -> Words:
    """Of all elements: a scalar."""
    count = prod(local.shape(x))
    out = local.field.empty(1, 1)
    local.bench.matmul(_ones(local, 1, count), local.reshaped(x, (count, 1)), out)
    return local.reshaped(out, ())
