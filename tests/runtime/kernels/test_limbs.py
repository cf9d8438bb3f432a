"""Limb plans against Python's integers: every product, and no accumulator that could overflow."""

from __future__ import annotations

import random

import pytest

from ppc.field import Field
from ppc.runtime.kernels.limbs import Limb, Plan, plan
from tests.elements import ALL_FIELDS

MULTIPLIERS = ("ifma", "narrow", "wide")


def limb_value(value: int, limb: Limb, field: Field) -> int:
    total = 0
    for part in limb.slices:
        rotated = (value >> part.start | value << (field.bits - part.start)) & field.modulus
        total += rotated & ((1 << part.width) - 1)
    return total


def accumulate(chosen: Plan, field: Field, pairs: list[tuple[int, int]]) -> list[int]:
    totals = [0] * chosen.accumulators
    for left, right in pairs:
        a = [limb_value(left, limb, field) for limb in chosen.left]
        b = [limb_value(right, limb, field) for limb in chosen.right]
        for term in chosen.terms:
            product = a[term.left] * b[term.right]
            totals[term.accumulator] += {"low": product % 2**52, "high": product >> 52, "full": product}[term.part]
    return totals


def worth(chosen: Plan, totals: list[int]) -> int:
    return sum(
        (sum(totals[i] for i in part.plus) - sum(totals[i] for i in part.minus)) << part.weight for part in chosen.sums
    )


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
def test_a_plan_is_a_product(field: Field, multiplier: str) -> None:
    chosen = plan(field, multiplier)
    generator = random.Random(1)
    special = [0, 1, field.modulus - 1, field.modulus >> 1]
    for _ in range(300):
        pair = (generator.choice([*special, generator.randrange(field.modulus)]), generator.randrange(field.modulus))
        assert worth(chosen, accumulate(chosen, field, [pair])) % field.modulus == pair[0] * pair[1] % field.modulus


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
def test_the_accumulators_hold_the_promised_number_of_products(field: Field, multiplier: str) -> None:
    """The bound of a step is what limbs of all ones add; `steps` of them stay below the capacity."""
    chosen = plan(field, multiplier)
    worst = [limb.bound for limb in chosen.left], [limb.bound for limb in chosen.right]
    grown = [0] * chosen.accumulators
    for term in chosen.terms:
        product = worst[0][term.left] * worst[1][term.right]
        grown[term.accumulator] += {"low": min(product, 2**52 - 1), "high": product >> 52, "full": product}[term.part]
    assert tuple(grown) == chosen.growth
    assert all(step * chosen.steps < chosen.capacity for step in grown)
    for part in chosen.sums:
        bias = sum(grown[i] for i in part.minus)
        assert (sum(grown[i] for i in part.plus) + 2 * bias) * chosen.steps < chosen.capacity


@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
def test_limbs_fit_the_multipliers(field: Field) -> None:
    for multiplier, width in (("ifma", 52), ("narrow", 32), ("wide", 64)):
        chosen = plan(field, multiplier)
        assert all(limb.bound < 1 << width for limb in (*chosen.left, *chosen.right))
        for term in chosen.terms:
            product = chosen.left[term.left].bound * chosen.right[term.right].bound
            has_high = any(other.part == "high" and other.left == term.left and other.right == term.right
                           for other in chosen.terms)  # fmt: skip
            assert term.part != "low" or has_high or product < 1 << (52 if multiplier == "ifma" else 64)


def test_what_a_product_costs() -> None:
    """Five 52-bit multiply-adds for mersenne61 and twelve for mersenne127."""
    costs = {field.name: len(plan(field, "ifma").terms) for field in ALL_FIELDS}
    assert costs == {"mersenne13": 1, "mersenne31": 2, "mersenne61": 5, "mersenne127": 12}
