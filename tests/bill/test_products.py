"""Multiply-adds are counted as a loop that makes every one of them would."""

from __future__ import annotations

from itertools import product

import pytest

from ppc.bill.products import bilinear, products
from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire
from tests.bill.plans import dense, plan


def wire(*shape: int) -> Wire:
    return Wire(form="masked", shape=shape)


def test_a_convolution_makes_one_product_for_each_weight_of_each_window() -> None:
    """Padding is counted as if it were there: kernels read it."""
    step = Step(name="z", op="product", attrs={"map": "conv2d"}, wire=wire(2, 4, 5, 5))
    counted = sum(1 for _ in product(range(2), range(4), range(5), range(5), range(3), range(3), range(3)))

    assert bilinear(step, [wire(2, 3, 5, 5), wire(4, 3, 3, 3)]) == counted


def test_its_gradients_make_as_many() -> None:
    x, weight, gradient = wire(2, 3, 5, 5), wire(4, 3, 3, 3), wire(2, 4, 5, 5)
    forward = bilinear(Step(name="z", op="product", attrs={"map": "conv2d"}, wire=gradient), [x, weight])
    of_weight = Step(name="g", op="product", attrs={"map": "conv2d_grad_weight"}, wire=weight)
    of_input = Step(name="g", op="product", attrs={"map": "conv2d_grad_input"}, wire=x)

    assert bilinear(of_weight, [x, gradient]) == forward
    assert bilinear(of_input, [gradient, weight]) == forward


@pytest.mark.parametrize(("transposed", "x"), [(False, wire(4, 7)), (True, wire(7, 4))])
def test_matrices(transposed: bool, x: Wire) -> None:
    step = Step(
        name="z",
        op="product",
        attrs={"map": "matmul", "transpose_x": transposed, "transpose_y": False},
        wire=wire(4, 5),
    )

    assert bilinear(step, [x, wire(7, 5)]) == 4 * 7 * 5


def test_unfolded_convolutions_are_matrices() -> None:
    windows, weight, gradient = wire(2, 1, 25, 27), wire(4, 3, 3, 3), wire(2, 4, 5, 5)
    forward = Step(name="z", op="product", attrs={"map": "unfolded_conv2d"}, wire=gradient)
    backward = Step(name="g", op="product", attrs={"map": "unfolded_grad_weight"}, wire=weight)

    assert bilinear(forward, [windows, weight]) == bilinear(backward, [windows, gradient]) == 2 * 25 * 27 * 4


def found(whole: Plan, name: str) -> tuple[int, int]:
    return products(whole, whole.by_name[name])


def test_whoever_lacks_a_mask_multiplies_twice() -> None:
    """Of a value that the client masked, the server's share of the mask is zero: a product less."""
    both = plan(
        """
        a = given() {"what": "data"} : public[3] @8 in 0..1 ; round 0 a input 3:1-3:9
        e.a = mask(a) {"mask": "m1"} : masked[3] @8 in 0..1 ; round 1 a forward 3:1-3:9
        e.b = reshape(e.a) : masked[3] @8 in 0..1 ; round 1 a forward 3:1-3:9
        z = product(e.a, e.b) {"map": "multiply", "share": "s1"} : shared[3] @16 in 0..1 ; round 1 a forward 3:1-3:9
        """
    )

    assert found(dense(), "y") == (24, 24)
    assert found(both, "z") == (3, 6)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('times(x) {"factor": 3}', (4, 0)),
        ("add(x, x)", (0, 0)),
        ('compute(x) {"factor": 0.5, "op": "scale"}', (4, 0)),
    ],
)
def test_what_one_party_computes_alone(line: str, expected: tuple[int, int]) -> None:
    alone = plan(
        f"""
        x = given() {{"what": "data"}} : clear[4] @0 in 0..1 at client ; round 0 x input 3:1-3:9
        z = {line} : clear[4] @0 in 0..3 at client ; round 0 x forward 3:1-3:9
        """
    )

    assert found(alone, "z") == expected


def test_powers_and_choices() -> None:
    """Of degree 3: six products for the public factors by Horner's rule, and three with the shared powers."""
    powers, pieces = (
        '{"coefficients": [0, 1, 2, 3], "share": "s1"}',
        '{"knots": [0, 1], "share": "s2", "slopes": [1, 1]}',
    )
    some = plan(
        f"""
        e = given() {{"what": "data"}} : masked[5] @8 in 0..1 ; round 0 x input 3:1-3:9
        c = given() {{"what": "data"}} : bit[2, 5] @0 in 0..1 ; round 0 x input 3:1-3:9
        t = given() {{"what": "data"}} : truncated[5] @8 in 0..1 ; round 0 x input 3:1-3:9
        z = polynomial(e) {powers} : shared[5] @24 in 0..6 ; round 0 x forward 3:1-3:9
        s = select(c, t) {pieces} : shared[5] @8 in 0..2 ; round 0 x forward 3:1-3:9
        """
    )

    assert found(some, "z") == (5 * 9, 5 * 9)
    assert found(some, "s") == (10, 10)
    assert found(some, "e") == (0, 0)
