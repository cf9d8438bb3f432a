"""The bound holds: what fixed point makes of numbers within bounds is never further from float than it says."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc.bill.deviation import RULES, Operands, deviation, unit
from ppc.plan.steps import Step
from ppc.plan.wires import Wire
from tests.bill.plans import TRAINING, dense, plan

Reals = NDArray[np.float64]
RANDOM = np.random.default_rng(20)


def bound(op: str, attrs: dict[str, object], result: Wire, *operands: tuple[Wire, float]) -> float:
    step = Step(name="z", op=op, attrs=attrs, wire=result)  # pyright: ignore[reportArgumentType]
    return RULES[op](Operands(step, [wire for wire, _ in operands], [error for _, error in operands]))


def shared(scale: int, magnitude: float, *shape: int) -> Wire:
    reach = int(magnitude * 2**scale)
    return Wire(form="shared", shape=shape, scale=scale, low=-reach, high=reach)


def rounded(values: Reals, scale: int) -> Reals:
    return np.rint(values * 2.0**scale)


def test_a_dense_layer_by_hand() -> None:
    """Three products of |x| <= 1 and |w| <= 2, each with half a unit of 2^-8, then a truncation to 2^-8."""
    half = 2.0**-9

    assert deviation(dense())["t"] == pytest.approx(3 * (1 * half + 2 * half + half * half) + 2.0**-8)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_products_and_truncations_stay_within(sign: float) -> None:
    """At the ends of the bounds and in between, and however the coins of the truncation fall."""
    for magnitude in (1.0, 0.7, 0.01):
        x = np.clip(sign * magnitude + RANDOM.uniform(-0.3, 0.3, (50, 3)), -1, 1)
        w = np.clip(2 * magnitude + RANDOM.uniform(-1, 1, (2, 3)), -2, 2)
        exact = rounded(x, 8) @ rounded(w, 8).T
        made = np.floor(exact / 256) + (RANDOM.uniform(size=exact.shape) < (exact % 256) / 256)

        assert np.max(np.abs(made / 256 - x @ w.T)) <= deviation(dense())["t"]


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_polynomials(degree: int) -> None:
    scale, fraction = 10, 8
    coefficients = RANDOM.uniform(-1, 1, degree + 1)
    whole = [round(c * 2**fraction) << ((degree - power) * scale) for power, c in enumerate(coefficients)]
    x = RANDOM.uniform(-3, 3, 1000)
    integers = rounded(x, scale)
    made = sum(c * integers**power for power, c in enumerate(whole)) / 2.0 ** (degree * scale + fraction)
    wanted = sum(c * x**power for power, c in enumerate(coefficients))
    attrs: dict[str, object] = {"coefficients": tuple(whole), "scale": fraction}
    found = bound("polynomial", attrs, shared(degree * scale + fraction, 99, 1000), (shared(10, 3, 1000), 2.0**-11))

    assert np.max(np.abs(made - wanted)) <= found < 0.1


def test_relu_adds_nothing() -> None:
    bit, x = Wire(form="bit", shape=(5,), scale=0, low=0, high=1), shared(16, 4, 5)

    assert bound("select", {"slopes": (1,), "knots": (0,)}, shared(16, 4, 5), (bit, 0.0), (x, 0.25)) == 0.25


def test_a_curve_is_as_steep_as_its_steepest_piece() -> None:
    """Slopes 1, then 1 - 3 = -2, then 0; at a scale of their own, their rounding counts."""
    bit, x = Wire(form="bit", shape=(3, 5), scale=0, low=0, high=1), shared(16, 4, 5)
    attrs: dict[str, object] = {"slopes": (256, -768, 512), "knots": (-65536, 0, 65536), "scale": 8}
    found = bound("select", attrs, shared(24, 8, 5), (bit, 0.0), (x, 0.25))

    assert found == pytest.approx(2 * 0.25 + 2.0**-9 * (4 + 1))


@pytest.mark.parametrize(
    ("op", "attrs", "scale", "expected"),
    [
        ("times", {"factor": 8, "lift": 3}, 11, 0.5),
        ("times", {"factor": -3}, 8, 1.5),
        ("times", {"factor": 3, "lift": 2}, 10, 0.375 + 2.0**-3 * 4),
        ("rescale", {"to": 10}, 10, 0.125),
        ("truncate", {"shift": 4}, 4, 0.5 + 2.0**-4),
        ("reveal", {"to": "client", "drowned": 3}, 8, 0.5 + 2.0**-5),
        ("reveal", {"to": "client"}, 8, 0.5),
        ("sum_rows", {}, 8, 0.5 * 6),
        ("sum_to_channel", {}, 8, 0.5 * 2),
    ],
)
def test_one_operand(op: str, attrs: dict[str, object], scale: int, expected: float) -> None:
    assert bound(op, attrs, shared(scale, 4, 2, 6), (shared(8, 4, 2, 6), 0.5)) == pytest.approx(expected)


def test_what_a_party_computes_alone() -> None:
    """A gradient of the loss cannot differ by more than the width of what it can be."""
    found = deviation(TRAINING)

    assert found["loss.gradient"] <= 1.0
    assert found["loss"] == pytest.approx(2 * found["dense1.to_hospital"])


def test_a_function_without_a_rule_is_not_bounded() -> None:
    strange = plan(
        """
        x = given() {"what": "data"} : clear[4] within 0.0..1.0 at client ; round 0 x input 3:1-3:9
        i = encode(x) {"rounding": "nearest", "scale": 8} : clear[4] @8 in 0..256 at client ; round 0 x input 3:1-3:9
        r = decode(i) : clear[4] within 0.0..1.0 at client ; round 0 x input 3:1-3:9
        z = compute(r) {"op": "argmax"} : clear[4] at client ; round 0 x forward 3:1-3:9
        """
    )

    assert deviation(strange)["z"] == inf


def test_every_value_has_a_bound() -> None:
    found = deviation(TRAINING)

    assert {step.name for step in TRAINING.steps()} <= found.keys()
    assert all(0 <= error < inf for error in found.values())


def test_carried_values_start_exact() -> None:
    carry = TRAINING.section("each").carries[0]

    assert deviation(TRAINING)[carry.name] == unit(TRAINING.wires[carry.first]) / 2
