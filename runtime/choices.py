"""What an opened bit is good for, without another opening: choices, counts, numbers (PROTOCOL.md, section 5).

A bit is c = d ⊕ λ_d with [λ_d], so d = c + (1 - 2c)·λ_d is linear in what is shared. A value x is public numbers times
secrets h of the dealer, so that d·x needs [λ_d·h] only. Called by the party; opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from ppc.field import Words, from_integers
from ppc.plan.steps import Step
from ppc.runtime.desk import Desk
from ppc.runtime.kernels import Bit, Expression, constant, select
from ppc.runtime.lazy import Array, Lazy, Leaves, Shape
from ppc.runtime.sums import sum_all
from ppc.runtime.values import Bits, Masked, Truncated, Value


def _select(desk: Desk, step: Step) -> Array | None:
    """Σ_j slopes[j]·d_j·(x - knots[j]): sums over the thresholds first, of d and of d times each secret of x."""
    bits, x, shape = desk.bits(step.inputs[0]), desk.values[step.inputs[1]], step.wire.shape
    slopes, knots = step.integers("slopes"), step.integers("knots")
    secrets = _secrets(x)
    products = desk.hand.elements(step, "share", len(secrets), len(slopes), *shape)
    numbers = [Lazy(shape, _number(desk, bits, j)) for j in range(len(slopes))]
    bent = [slope * knot for slope, knot in zip(slopes, knots, strict=True)]
    taken = _weighted(desk, shape, numbers, slopes)
    moved = _weighted(desk, shape, numbers, bent) if any(bent) else None
    chosen = [
        _weighted(desk, shape, [Lazy(shape, _times(bits, j, h, row[j])) for j in range(len(slopes))], slopes)
        for h, row in zip(secrets, products, strict=True)
    ]

    def build(leaves: Leaves) -> Expression:
        made = _known(leaves, x) * leaves.element(taken) - leaves.element(chosen[0])
        if moved is not None:
            made = made - leaves.element(moved)
        if isinstance(x, Truncated):
            opened = leaves.element(x.opened) + x.offset
            made = made + desk.reached(opened, leaves.element(chosen[1]), x)
        return made

    return Lazy(shape, build)


def _secrets(x: Value) -> list[Array | None]:
    """This party's shares of what the dealer hides x with."""
    if isinstance(x, Truncated):
        return [x.upper, x.reached]
    assert isinstance(x, Masked)
    return [x.mask]


def _known(leaves: Leaves, x: Value) -> Expression:
    """The public part of x."""
    if isinstance(x, Truncated):
        return (leaves.element(x.opened) + x.offset >> x.shift) - (x.offset >> x.shift)
    assert isinstance(x, Masked)
    return leaves.element(x.opened)


def _number(desk: Desk, bits: Bits, threshold: int) -> Callable[[Leaves], Expression]:
    return lambda leaves: desk.number(leaves, bits, threshold)


def _times(bits: Bits, threshold: int, secret: Array | None, product: Words) -> Callable[[Leaves], Expression]:
    """[d·h] from c, [h] and [λ_d·h]."""

    def build(leaves: Leaves) -> Expression:
        hidden = leaves.element(product)
        whole = constant(0) if secret is None else leaves.element(secret)
        return _chosen(leaves.bit(bits.opened[threshold]), whole, hidden)

    return build


def _chosen(opened: Bit, whole: Expression, product: Expression) -> Expression:
    """c·x + (1 - 2c)·λ_d·x"""
    return select(opened, whole - product, product)


def _weighted(desk: Desk, shape: Shape, parts: Sequence[Lazy], weights: Sequence[int]) -> Array:
    """Σ weights[j]·parts[j]: of one part an expression, of several a product with a row of numbers."""
    if len(parts) == 1:
        (part,), weight = parts, weights[0]
        return part if weight == 1 else Lazy(shape, lambda leaves: part.build(leaves) * weight)
    local, size = desk.local, prod(shape)
    stored = local.field.empty(len(parts), size)
    for part, row in zip(parts, stored, strict=True):
        local.store(part, local.reshaped(row, shape))
    out = local.field.empty(1, size)
    local.bench.matmul(from_integers(np.array([list(weights)], dtype=object), local.field), stored, out)
    return local.reshaped(out, shape)


def _count(desk: Desk, step: Step) -> Array | None:
    """Σ_j slopes[j]·Σ d_j over all elements."""
    bits, shape, slopes = desk.bits(step.inputs[0]), desk.wire(step.inputs[0]).shape, step.integers("slopes")
    one = shape[1:] if len(slopes) > 1 else shape
    numbers = [Lazy(one, _number(desk, bits, j)) for j in range(len(slopes))]
    return sum_all(desk.local, desk.local.store(_weighted(desk, one, numbers, slopes)))


def _as_number(desk: Desk, step: Step) -> Array | None:
    """One threshold's bit, as 0 or 1."""
    return Lazy(step.wire.shape, _number(desk, desk.bits(step.inputs[0]), step.integer("threshold", 0)))


CHOICES: dict[str, Callable[[Desk, Step], Value]] = {
    "select": _select,
    "count": _count,
    "as_number": _as_number,
}
