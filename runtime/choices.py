"""What an opened bit is good for, without another opening: choices, counts, numbers (PROTOCOL.md, section 5).

A bit is c = d ⊕ λ_d with [λ_d], so d = c + (1 - 2c)·λ_d is linear in what is shared. A value x is public numbers times
secrets h of the dealer, so that d·x needs [λ_d·h] only. Called by the party; opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ppc.field import Words, from_integers
from ppc.plan.steps import Step
from ppc.runtime.desk import Desk
from ppc.runtime.kernels import Expression, constant, select
from ppc.runtime.lazy import Array, Lazy, Leaves, Shape
from ppc.runtime.sums import sum_all
from ppc.runtime.values import Bits, Masked, Truncated, Value

TOGETHER = 4  # thresholds in one pass: more would be one long kernel
Term = Callable[[Leaves], Expression]
Factor = tuple[int, Words]


def _select(desk: Desk, step: Step) -> Array | None:
    """Σ_j slopes[j]·d_j·(x - knots[j])."""
    bits, x, shape = desk.bits(step.inputs[0]), desk.values[step.inputs[1]], step.wire.shape
    secrets, slopes = _secrets(x), _factors(desk, step.integers("slopes"))
    products = desk.hand.elements(step, "share", len(secrets), len(slopes), *shape)
    knots = _factors(desk, step.integers("knots"))

    def chosen(j: int) -> Term:
        def build(leaves: Leaves) -> Expression:
            taken = _known(leaves, x)
            taken = taken - leaves.element(knots[j][1]) if knots[j][0] else taken
            made = taken * desk.number(leaves, bits, j) - _times(leaves, bits, j, secrets[0], products[0, j])
            if isinstance(x, Truncated):
                lost = _times(leaves, bits, j, secrets[1], products[1, j])
                made = made + desk.reached(leaves.element(x.opened) + x.offset, lost, x)
            return _weighted(leaves, made, slopes[j])

        return build

    return _summed(desk, shape, [chosen(j) for j in range(len(slopes))])


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


def _times(leaves: Leaves, bits: Bits, threshold: int, secret: Array | None, product: Words) -> Expression:
    """[d·h] from c, [h] and [λ_d·h]: c·h + (1 - 2c)·λ_d·h"""
    hidden = leaves.element(product)
    whole = constant(0) if secret is None else leaves.element(secret)
    return select(leaves.bit(bits.opened[threshold]), whole - hidden, hidden)


def _factors(desk: Desk, numbers: Sequence[int]) -> list[Factor]:
    """Public numbers as operands: with constants in it, the kernel of every curve would be one of its own."""
    return list(zip(numbers, from_integers(np.array([[n] for n in numbers], object), desk.local.field), strict=True))


def _weighted(leaves: Leaves, value: Expression, factor: Factor) -> Expression:
    number, operand = factor
    return value if number == 1 else value * leaves.element(operand)


def _summed(desk: Desk, shape: Shape, terms: Sequence[Term]) -> Array:
    """Σ of many terms, a few of them in each pass; the last pass is that of whoever reads the sum."""
    total: Array | None = None
    for start in range(0, len(terms), TOGETHER):
        total = _added(shape, None if total is None else desk.local.store(total), terms[start : start + TOGETHER])
    assert total is not None
    return total


def _added(shape: Shape, before: Words | None, terms: Sequence[Term]) -> Lazy:
    def build(leaves: Leaves) -> Expression:
        made = [term(leaves) for term in terms]
        first = made[0] if before is None else leaves.element(before) + made[0]
        return sum(made[1:], start=first)

    return Lazy(shape, build)


def _count(desk: Desk, step: Step) -> Array | None:
    """Σ_j slopes[j]·Σ d_j over all elements."""
    bits, shape = desk.bits(step.inputs[0]), desk.wire(step.inputs[0]).shape
    slopes = _factors(desk, step.integers("slopes"))

    def counted(j: int) -> Term:
        return lambda leaves: _weighted(leaves, desk.number(leaves, bits, j), slopes[j])

    one = shape[1:] if len(slopes) > 1 else shape
    return sum_all(desk.local, desk.local.store(_summed(desk, one, [counted(j) for j in range(len(slopes))])))


def _as_number(desk: Desk, step: Step) -> Array | None:
    """One threshold's bit, as 0 or 1."""
    bits, threshold = desk.bits(step.inputs[0]), step.integer("threshold", 0)
    return Lazy(step.wire.shape, lambda leaves: desk.number(leaves, bits, threshold))


CHOICES: dict[str, Callable[[Desk, Step], Value]] = {
    "select": _select,
    "count": _count,
    "as_number": _as_number,
}
